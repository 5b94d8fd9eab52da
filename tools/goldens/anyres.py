"""Writes test/goldens/anyres/: a small random LLaVA-NeXT and LLaVA-OneVision as transformers saves them, with their vision
encoders in ONNX, and what transformers makes of pictures cut into tiles of several resolutions.

`<model>/` is a folder as the hub lays it out. `<model>.<picture>.png` are the tiles, one under the other, before they are
normalised, by the Pillow image processors; golden.safetensors holds normalised pixels of one picture, the packed features
of all, and the logits of a prompt with one, in float64 arithmetic rounded to float32; golden.json how many image tokens the
processors put, for these pictures and, with the settings of llava-v1.6 and llava-onevision, for many sizes.

    python tools/goldens/anyres.py        # needs torch, transformers, onnx, onnxscript, numpy, pillow and safetensors
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
    LlavaOnevisionProcessor,
    Qwen2Config,
    SiglipVisionConfig,
)
from transformers.image_processing_utils import select_best_resolution

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "goldens")]

from dpo_trainer import make_processor  # noqa: E402
from onnx_llava import store_f32  # noqa: E402
from world import export_onnx  # noqa: E402

SEED = 41
OUT = ROOT / "test" / "goldens" / "anyres"
PICTURES = {"wide": (62, 43), "tall": (21, 71), "tiny": (5, 3), "square": (77, 77), "sliver": (70, 2)}
PROMPT = "<s> <image> describe the picture :"
ANSWER = " the red ball is near a tree . </s>"
TWO = "<s> <image> near <image> is the dog :"
TOKENIZER = make_processor().tokenizer
SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2}
TEXT = {
    **SHAPE,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_key_value_heads": 1,
    "vocab_size": len(TOKENIZER),
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "max_position_embeddings": 512,
}
VISION = {**SHAPE, "hidden_size": 12, "intermediate_size": 16}
SIDE = {"next": 9, "onevision": 15}
"""Pixels of a tile's side; patches of three pixels."""


def next_model():
    side = SIDE["next"]
    pinpoints = [[side, 2 * side], [2 * side, side], [2 * side, 2 * side], [3 * side, side], [side, 3 * side]]
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}, image_grid_pinpoints=pinpoints
    )
    processor = LlavaNextProcessor(
        images, TOKENIZER, patch_size=3, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(**VISION, image_size=side, patch_size=3),
        text_config=LlamaConfig(**TEXT),
        image_token_index=processor.image_token_id,
        image_grid_pinpoints=pinpoints,
    )
    return LlavaNextForConditionalGeneration(config), processor


class ImagesOnly(LlavaOnevisionProcessor):
    """A video processor would need torchvision."""

    @classmethod
    def get_attributes(cls):
        return [name for name in super().get_attributes() if name != "video_processor"]


ImagesOnly.__name__ = LlavaOnevisionProcessor.__name__  # it is saved


def onevision_processor(images, **settings):
    return ImagesOnly(images, TOKENIZER, None, vision_feature_select_strategy="full", **settings)


def onevision_model():
    side = SIDE["onevision"]
    pinpoints = [[side * rows, side * cols] for rows in range(1, 6) for cols in range(1, 6)]
    images = LlavaOnevisionImageProcessorPil(size={"height": side, "width": side}, image_grid_pinpoints=pinpoints)
    processor = onevision_processor(images, num_image_tokens=25)
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(**VISION, image_size=side, patch_size=3, vision_use_head=False),
        text_config=Qwen2Config(**TEXT),
        image_token_index=processor.image_token_id,
        image_grid_pinpoints=pinpoints,
    )
    return LlavaOnevisionForConditionalGeneration(config), processor


class VisionEncoder(nn.Module):
    """The tower, the choice of its tokens and the projector, as transformers.js' exports have them."""

    def __init__(self, model):
        super().__init__()
        self.tower, self.projector = model.model.vision_tower, model.model.multi_modal_projector
        self.layer = model.config.vision_feature_layer
        self.first = 1 if model.config.vision_feature_select_strategy == "default" else 0

    def forward(self, pixel_values):
        hidden = self.tower(pixel_values=pixel_values, output_hidden_states=True).hidden_states[self.layer]
        return self.projector(hidden[:, self.first :])


def export(model, folder):
    side = model.config.vision_config.image_size
    batch = torch.export.Dim("batch", max=4096)
    export_onnx.store_f16 = store_f32
    export_onnx._export(VisionEncoder(model), (torch.randn(3, 3, side, side),), folder / "vision_encoder.onnx",
                        ["pixel_values"], ["image_features"],
                        {"pixel_values": ("batch_size", None, None, None)}, {"pixel_values": {0: batch}})


def save_folder(name, model, processor):
    folder = OUT / name
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    processor.save_pretrained(folder)
    export(model, folder / "onnx")


def features_of(model, inputs):
    arguments = {key: torch.tensor(np.array(inputs[key])) for key in ("image_sizes", "batch_num_images") if key in inputs}
    pixels = torch.tensor(np.array(inputs["pixel_values"]), dtype=torch.float64)
    return model.model.get_image_features(pixels, **arguments).pooler_output


def run(name, model, processor, pictures, tensors):
    model.double().eval()
    side, token = SIDE[name], processor.image_token_id
    counts = {}
    for label, picture in pictures.items():
        raw = processor.image_processor(picture, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]
        strip = raw.transpose(0, 2, 3, 1).reshape(-1, side, 3)
        Image.fromarray(strip.astype(np.uint8)).save(OUT / f"{name}.{label}.png")
        inputs = processor(images=[[picture]], text=[PROMPT])
        counts[label] = {"tiles": len(raw), "imageTokens": inputs["input_ids"][0].count(token)}
        tensors[f"{name}.features.{label}"] = features_of(model, inputs)[0]
        if label == "wide":
            tensors[f"{name}.pixels.{label}"] = torch.tensor(np.array(inputs["pixel_values"][0]))
            whole = processor(images=[[picture]], text=[PROMPT + ANSWER])
            arguments = {"image_sizes": torch.tensor(np.array(whole["image_sizes"]))}
            pixels = torch.tensor(np.array(whole["pixel_values"]), dtype=torch.float64)
            logits = model(input_ids=torch.tensor(whole["input_ids"]), pixel_values=pixels, **arguments).logits[0]
            first = len(inputs["input_ids"][0]) - 1
            tensors[f"{name}.logits"] = logits[first:-1]
    two = processor(images=[[pictures["wide"], pictures["tiny"]]], text=[TWO])
    tensors[f"{name}.two"] = torch.cat(list(features_of(model, two)))
    return {"pictures": counts, "two": two["input_ids"][0].count(token)}


def sizes(generator):
    """(height, width) of many pictures: of usual and of extreme shapes, some of exactly the tiles' resolutions."""
    usual = generator.integers(8, 2600, (240, 2)).tolist()
    extreme = [[1, 1], [1, 999], [1500, 1], [3, 4000], [9000, 12], [100, 100], [333, 333], [2400, 2400], [1081, 1081]]
    exact = [[384 * a, 384 * b] for a in range(1, 7) for b in (1, 3, 5, 6)] + [[336 * a, 336 * b] for a in (1, 2, 3) for b in (1, 2, 3)]
    return usual + extreme + exact


def counts_of_the_hub(generator):
    """Image tokens under the settings of llava-hf's llava-v1.6-mistral-7b and llava-onevision-qwen2."""
    following = LlavaNextProcessor(
        LlavaNextImageProcessorPil(), TOKENIZER, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )
    onevision = onevision_processor(LlavaOnevisionImageProcessorPil(), num_image_tokens=729)
    rows = []
    for height, width in sizes(generator):
        row = [height, width]
        for processor, side, dropped in ((following, 336, 1), (onevision, 384, 0)):
            row += select_best_resolution((height, width), processor.image_processor.image_grid_pinpoints)
            row.append(processor._get_number_of_features(height, width, side, side) - dropped)
        rows.append(row)
    return rows


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    pictures = {}
    for label, (width, height) in PICTURES.items():
        coarse = generator.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3), dtype=np.uint8)
        pictures[label] = Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST)
        pictures[label].save(OUT / f"{label}.png")
    tensors, models = {}, {}
    with torch.no_grad():
        for name, make in {"next": next_model, "onevision": onevision_model}.items():
            model, processor = make()
            for parameter_name, parameter in model.named_parameters():
                if parameter.ndim == 1:  # ones and zeros would hide mistakes
                    parameter.data = (1.0 if "norm" in parameter_name and parameter_name.endswith("weight") else 0.0) + 0.2 * torch.randn(parameter.shape)
            save_folder(name, model, processor)
            models[name] = run(name, model, processor, pictures, tensors)
    save_file({key: value.float().contiguous() for key, value in tensors.items()}, OUT / "golden.safetensors")
    (OUT / "golden.safetensors").chmod(0o644)
    golden = {
        "script": "tools/goldens/anyres.py",
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
        "seed": SEED,
        "prompts": {"one": PROMPT, "answer": ANSWER, "two": TWO},
        **models,
        "columns": "height, width, then of llava-v1.6 and of llava-onevision: resolution's height, its width, image tokens",
        "hub": counts_of_the_hub(generator),
    }
    text = json.dumps(golden, indent=1)
    golden["hub"] = "ROWS"
    rows = ",\n  ".join(json.dumps(row) for row in json.loads(text)["hub"])
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1).replace('"ROWS"', f"[\n  {rows}\n ]") + "\n")


if __name__ == "__main__":
    main()
