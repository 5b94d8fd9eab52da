"""Writes test/goldens/processor/: pictures of awkward sizes and the pixel values transformers' Pillow processor makes of them,
and the token ids TRL's collator makes of chats and of dpo-trainer's pairs.

    python tools/goldens/processor.py        # needs torch, transformers, trl, numpy, pillow and safetensors
"""

import json
import shutil
from pathlib import Path

import numpy as np
import transformers
from PIL import Image
from safetensors.numpy import save_file
from transformers import AutoProcessor, CLIPImageProcessorPil, Idefics3ImageProcessorPil, SmolVLMImageProcessorPil
from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

SEED = 31
GOLDENS = Path(__file__).resolve().parents[2] / "test" / "goldens"
OUT = GOLDENS / "processor"
SIZES = {"wide": (61, 37), "tall": (23, 50), "small": (5, 9)}
CONFIGS = {
    "bicubic": {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}, "resample": 3},
    "bilinear": {"size": {"height": 14, "width": 18}, "do_center_crop": False, "resample": 2},
    "lanczos": {"size": {"shortest_edge": 12}, "crop_size": {"height": 15, "width": 11}, "resample": 1},
}
TILES = {"idefics3": Idefics3ImageProcessorPil, "smolvlm": SmolVLMImageProcessorPil}
TILE = {"do_image_splitting": False, "size": {"longest_edge": 40}, "max_image_size": {"longest_edge": 16}}

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %} {{ message.role }} :{% for part in message.content %}"
    "{% if part.type == 'image' %} <image>{% else %} {{ part.text }}{% endif %}{% endfor %}"
    "{% if message.role == 'assistant' %} {{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} assistant :{% endif %}"
)


def turn(role, content):
    return {"role": role, "content": content}


CHATS = [
    {"prompt": [turn("user", "describe the picture")], "chosen": [turn("assistant", "a red ball .")], "rejected": [turn("assistant", "a dog .")]},
    {
        "prompt": [
            turn("system", [{"type": "text", "text": "describe the picture"}]),
            turn("user", [{"type": "text", "text": "is the dog big"}, {"type": "image"}]),
        ],
        "chosen": [turn("assistant", "no")],
        "rejected": [turn("assistant", "the dog is big")],
    },
    {
        "prompt": [turn("user", "describe the picture"), turn("assistant", "the red")],
        "chosen": [turn("assistant", "ball sits")],
        "rejected": [turn("assistant", "car runs .")],
    },
]


def collated(processor, example):
    """Token ids as DPOTrainer makes them: prompt, chosen and rejected, without padding."""
    image = Image.open(GOLDENS / "dpo-trainer/images/0.png")
    batch = DataCollatorForVisionPreference(processor)([{**example, "images": [image]}])
    ids, mask, answer = (batch[key].tolist() for key in ("input_ids", "attention_mask", "completion_mask"))
    pick = lambda row, wanted: [i for i, m, a in zip(ids[row], mask[row], answer[row]) if m and a == wanted]
    return {"prompt": pick(0, 0), "chosen": pick(0, 1), "rejected": pick(1, 1)}


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
        for label, tile in TILES.items():
            pixels = tile(**TILE)(picture, return_tensors="np")["pixel_values"][0, 0]
            tensors[f"{label}.{name}"] = np.ascontiguousarray(pixels, dtype=np.float32)
    settings = json.loads((GOLDENS / "dpo-trainer/model/processor_config.json").read_text())["image_processor"]
    settings.pop("image_processor_type")
    processor = CLIPImageProcessorPil(**settings)
    for i in range(12):
        picture = Image.open(GOLDENS / f"dpo-trainer/images/{i}.png")
        tensors[f"dpo-trainer.{i}"] = np.ascontiguousarray(processor(picture, return_tensors="np")["pixel_values"][0], dtype=np.float32)
    save_file(tensors, OUT / "golden.safetensors")
    configs = {label: json.loads(CLIPImageProcessorPil(**config).to_json_string()) for label, config in CONFIGS.items()}
    configs |= {label: json.loads(tile(**TILE).to_json_string()) for label, tile in TILES.items()}
    processor = AutoProcessor.from_pretrained(GOLDENS / "dpo-trainer/model")
    plain = [json.loads(line) for line in (GOLDENS / "dpo-trainer/pairs.jsonl").read_text().splitlines()[:4]]
    plain = [{key: row[key] for key in ("prompt", "chosen", "rejected")} for row in plain]
    processor.chat_template = TEMPLATE
    examples = [{**example, "ids": collated(processor, json.loads(json.dumps(example)))} for example in [*plain, *CHATS]]
    golden = {"script": "tools/goldens/processor.py", "versions": {"transformers": transformers.__version__}, "seed": SEED, "configs": configs, "template": TEMPLATE, "examples": examples}
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
