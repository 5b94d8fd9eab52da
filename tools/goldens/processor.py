"""Writes test/goldens/processor/: pictures of awkward sizes and the pixel values transformers' Pillow processor makes of them.

    python tools/goldens/processor.py        # needs transformers, numpy, pillow and safetensors
"""

import json
import shutil
from pathlib import Path

import numpy as np
import transformers
from PIL import Image
from safetensors.numpy import save_file
from transformers import CLIPImageProcessorPil

SEED = 31
GOLDENS = Path(__file__).resolve().parents[2] / "test" / "goldens"
OUT = GOLDENS / "processor"
SIZES = {"wide": (61, 37), "tall": (23, 50), "small": (5, 9)}
CONFIGS = {
    "bicubic": {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}, "resample": 3},
    "bilinear": {"size": {"height": 14, "width": 18}, "do_center_crop": False, "resample": 2},
    "lanczos": {"size": {"shortest_edge": 12}, "crop_size": {"height": 15, "width": 11}, "resample": 1},
}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    generator = np.random.default_rng(SEED)
    tensors = {}
    for name, (width, height) in SIZES.items():
        coarse = generator.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST)
        picture.save(OUT / f"{name}.png")
        for label, config in CONFIGS.items():
            pixels = CLIPImageProcessorPil(**config)(picture, return_tensors="np")["pixel_values"][0]
            tensors[f"{label}.{name}"] = np.ascontiguousarray(pixels, dtype=np.float32)
    settings = json.loads((GOLDENS / "dpo-trainer/model/processor_config.json").read_text())["image_processor"]
    settings.pop("image_processor_type")
    processor = CLIPImageProcessorPil(**settings)
    for i in range(12):
        picture = Image.open(GOLDENS / f"dpo-trainer/images/{i}.png")
        tensors[f"dpo-trainer.{i}"] = np.ascontiguousarray(processor(picture, return_tensors="np")["pixel_values"][0], dtype=np.float32)
    save_file(tensors, OUT / "golden.safetensors")
    configs = {label: json.loads(CLIPImageProcessorPil(**config).to_json_string()) for label, config in CONFIGS.items()}
    golden = {"script": "tools/goldens/processor.py", "versions": {"transformers": transformers.__version__}, "seed": SEED, "configs": configs}
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
