"""Writes test/goldens/clip/: a small random CLIP in the hub's layout, pictures and texts, and what PyTorch makes of them.

The graphs come from tools/world's exporter, in f32, but without its division by the length: readers must not rely on unit
rows. The tokenizer is the world's with its first merges alone.

    python tools/goldens/clip.py        # needs torch, transformers, onnx, onnxscript, numpy, pillow and safetensors
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
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "test" / "goldens" / "clip"
MODEL = OUT / "model"
sys.path.insert(0, str(ROOT / "tools"))

from goldens.onnx_llava import store_f32  # noqa: E402
from world import clip_tokenizer as world_tokenizer  # noqa: E402
from world import export_models, export_onnx  # noqa: E402

SEED = 41
MERGES = 300
IMAGE_SIZE = 16
SIZES = [(16, 16), (61, 37), (23, 50), (5, 9), (40, 40), (16, 33), (96, 96)]
TEXTS = [
    "a picture of a dog",
    "A red ball is near the tree.",
    "there are three big blue cars behind a small yellow house, and it's not raining",
    "",
    "dog",
    "Two cats' toys, 25 of them!?",
    "  many   spaces\tand\nlines ",
    "caf\u00e9 \u732b \U0001f436 na\u00efve",
    "a photo of <|endoftext|> in the text",
    "the the the the the the the the the the the the the the the the the the the the the the the the the the the the the",
    "a " * 75,
]
"""The last fills the context of 77 to the last token."""
TOO_LONG = ["a " * 76, "a red dog . " * 40]


class TextModel(torch.nn.Module):
    def __init__(self, clip):
        super().__init__()
        self.clip = clip

    def forward(self, input_ids):
        return self.clip.text_projection(self.clip.text_model(input_ids=input_ids).pooler_output)


class MaskedTextModel(TextModel):
    """As transformers.js's published graphs have it, with an attention mask beside the ids."""

    def forward(self, input_ids, attention_mask):
        output = self.clip.text_model(input_ids=input_ids, attention_mask=attention_mask)
        return self.clip.text_projection(output.pooler_output)


class VisionModel(torch.nn.Module):
    def __init__(self, clip):
        super().__init__()
        self.clip = clip

    def forward(self, pixel_values):
        return self.clip.visual_projection(self.clip.vision_model(pixel_values=pixel_values).pooler_output)


def small_tokenizer():
    """The world's tokenizer with the first of its merges."""
    read = world_tokenizer.read_merges
    world_tokenizer.read_merges = lambda path: read(path)[:MERGES]
    tokenizer = world_tokenizer.clip_tokenizer()
    world_tokenizer.read_merges = read
    return tokenizer


def small_clip(tokenizer):
    torch.manual_seed(SEED)
    clip = CLIPModel(CLIPConfig(
        text_config=dict(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=tokenizer.model_max_length, projection_dim=12, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id),
        vision_config=dict(
            hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3, image_size=IMAGE_SIZE,
            patch_size=8, projection_dim=12),
        projection_dim=12,
    ))
    for parameter in clip.parameters():  # CLIP starts out so small that nearly all texts would look alike
        torch.nn.init.normal_(parameter, std=0.25 if parameter.dim() > 1 else 0.1)
    for module in clip.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.data += 1
    return clip.eval()


def pictures(generator):
    """Coarse random pictures of several sizes, as files."""
    for number, (width, height) in enumerate(SIZES):
        coarse = generator.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.NEAREST)
        picture.save(OUT / "images" / f"{number}.png")
        yield picture


def write_model(clip, tokenizer, processor):
    clip.config.architectures = ["CLIPModel"]
    clip.config.save_pretrained(MODEL)
    tokenizer.save_pretrained(MODEL)
    export_models._rename_tokenizer_class(MODEL, "CLIPTokenizer", "CLIPProcessor")
    settings = json.loads(processor.to_json_string())
    settings["image_processor_type"] = "CLIPImageProcessor"
    (MODEL / "preprocessor_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    write_masked_text_model(clip)
    export_onnx.store_f16, export_onnx._TextModel, export_onnx._VisionModel = store_f32, TextModel, VisionModel
    export_onnx.export_clip_onnx(clip, MODEL / "onnx")


def write_masked_text_model(clip):
    """onnx/text_model_fp16.onnx: with an attention mask, and weights stored as f16."""
    batch, length = torch.export.Dim("batch", max=4096), torch.export.Dim("length", min=2, max=77)
    ids = torch.full((3, 9), 5)
    ids[:, -1] = clip.config.text_config.eos_token_id
    mask = torch.ones_like(ids)
    mask[0, 7:] = 0
    export_onnx._export(
        MaskedTextModel(clip), (ids, mask), MODEL / "onnx" / "text_model_fp16.onnx", ["input_ids", "attention_mask"], ["text_embeds"],
        {name: ("batch_size", "sequence_length") for name in ("input_ids", "attention_mask")},
        {name: {0: batch, 1: length} for name in ("input_ids", "attention_mask")})


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "images").mkdir(parents=True)
    tokenizer = small_tokenizer()
    clip = small_clip(tokenizer)
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE_SIZE}, crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}, resample=3)
    write_model(clip, tokenizer, processor)
    double = clip.double()
    ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    assert len(ids[-1]) == tokenizer.model_max_length
    with torch.no_grad():
        texts = torch.cat([TextModel(double)(torch.tensor([row])) for row in ids])
        pixels = processor(list(pictures(np.random.default_rng(SEED))), return_tensors="pt")["pixel_values"]
        images = VisionModel(double)(pixels.double())
    save_file({"text_embeds": texts.float(), "image_embeds": images.float()}, OUT / "golden.safetensors")
    golden = {
        "script": "tools/goldens/clip.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "seed": SEED,
        "images": len(SIZES),
        "texts": [{"text": text, "ids": row} for text, row in zip(TEXTS, ids)],
        "tooLong": [{"text": text, "tokens": len(tokenizer(text)["input_ids"])} for text in TOO_LONG],
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    unit = torch.nn.functional.normalize(texts)
    print("cosines of texts", (unit @ unit.T).round(decimals=2))
    for path in sorted(OUT.rglob("*")):
        print(path.relative_to(OUT), path.stat().st_size)


if __name__ == "__main__":
    main()
