"""Writes test/goldens/idefics3/: a small random Idefics3 as transformers saves it, with its vision encoder in ONNX, and what
transformers makes of anyres.py's pictures when it splits them into tiles.

`model/` is a folder as the hub lays it out; some of its tokenizer's row marks are special tokens and some are text. `<picture>.png`
are the tiles, one under the other, before they are normalised, by the Pillow image processor; golden.safetensors holds the
image features of some, and the logits of a prompt with one, in float64 arithmetic rounded to float32; golden.json the ids.

    python tools/goldens/idefics3.py        # needs torch, transformers, onnx, onnxscript, numpy, pillow and safetensors
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
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    SmolVLMImageProcessorPil,
)

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "goldens")]

import idefics3_markup  # noqa: E402
from onnx_llava import store_f32  # noqa: E402
from world import export_onnx  # noqa: E402

SEED = 43
GOLDENS = ROOT / "test" / "goldens"
OUT = GOLDENS / "idefics3"
PICTURES = ["wide", "tall", "tiny", "square", "sliver"]
FEATURES = ["wide", "sliver"]
MARKS = [mark for mark in idefics3_markup.MARKS if "row" not in mark] + [f"<row_{i}_col_{j}>" for i in (1, 2, 3) for j in (1, 2, 3)]
PROMPTS = [("<image>Describe the picture.", ["wide"]), ("Look: <image> and\n<image>\n\nwhich one?", ["sliver", "tiny"])]
ANSWER = " A red ball.<end_of_utterance>"
CORPUS = [*idefics3_markup.CORPUS, *["\n\n"] * 9]
"""Makes two newlines one token, as SmolVLM's tokenizer does."""
SIDE = 12
"""Pixels of a tile's side; patches of three pixels, four patches to a token."""
IMAGES = {"size": {"longest_edge": 41}, "max_image_size": {"longest_edge": SIDE}}
"""An edge that is no multiple of a tile's and odd."""


class VisionEncoder(nn.Module):
    """The tower and the connector for tiles without padding, with the inputs of transformers.js' exports."""

    def __init__(self, model):
        super().__init__()
        self.tower, self.connector = model.model.vision_model, model.model.connector

    def forward(self, pixel_values, pixel_attention_mask):
        seen = (pixel_values * pixel_attention_mask[:, :, None].float()).flatten(0, 1)
        embeddings = self.tower.embeddings
        hidden = embeddings.patch_embedding(seen).flatten(2).transpose(1, 2) + embeddings.position_embedding.weight
        hidden = self.tower.encoder(inputs_embeds=hidden, attention_mask=None).last_hidden_state
        return self.connector(self.tower.post_layernorm(hidden))


def make_model(processor):
    shape = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2}
    text = LlamaConfig(**shape, hidden_size=16, intermediate_size=24, num_key_value_heads=1, vocab_size=len(processor.tokenizer),
                       bos_token_id=1, eos_token_id=2, pad_token_id=0, max_position_embeddings=512, tie_word_embeddings=True)
    vision = {**shape, "hidden_size": 12, "intermediate_size": 16, "image_size": SIDE, "patch_size": 3}
    config = Idefics3Config(text_config=text, vision_config=vision, scale_factor=2, image_token_id=processor.image_token_id,
                            tie_word_embeddings=True)
    model = Idefics3ForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:  # ones and zeros would hide mistakes
            parameter.data = (1.0 if "norm" in name and name.endswith("weight") else 0.0) + 0.2 * torch.randn(parameter.shape)
    return model


def export(model, folder):
    batch = torch.export.Dim("batch", max=4096)
    export_onnx.store_f16 = store_f32
    example = (torch.randn(3, 1, 3, SIDE, SIDE), torch.ones(3, 1, SIDE, SIDE, dtype=torch.bool))
    export_onnx._export(VisionEncoder(model), example, folder / "vision_encoder.onnx",
                        ["pixel_values", "pixel_attention_mask"], ["image_features"],
                        {"pixel_values": ("batch_size", None, None, None, None), "pixel_attention_mask": ("batch_size", None, None, None)},
                        {"pixel_values": {0: batch}, "pixel_attention_mask": {0: batch}})


def tiles_of(kind, picture, **settings):
    raw = kind(**IMAGES | settings, do_rescale=False, do_normalize=False)([[picture]], return_tensors="np")["pixel_values"][0]
    return raw.transpose(0, 2, 3, 1).reshape(-1, SIDE, 3).astype(np.uint8)


def inputs_of(processor, text, pictures):
    inputs = processor(text=[text], images=[pictures])
    pixels = torch.tensor(np.array(inputs["pixel_values"]), dtype=torch.float64)
    return list(map(int, inputs["input_ids"][0])), pixels, torch.tensor(np.array(inputs["pixel_attention_mask"]), dtype=torch.bool)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    torch.manual_seed(SEED)
    processor = Idefics3Processor(Idefics3ImageProcessorPil(**IMAGES), idefics3_markup.tokenizer(MARKS, CORPUS), image_seq_len=4)
    model = make_model(processor)
    model.save_pretrained(OUT / "model")
    processor.save_pretrained(OUT / "model")
    export(model, OUT / "model" / "onnx")
    pictures = {label: Image.open(GOLDENS / "anyres" / f"{label}.png") for label in PICTURES}
    for label, picture in pictures.items():
        strip = tiles_of(Idefics3ImageProcessorPil, picture)
        assert (strip == tiles_of(SmolVLMImageProcessorPil, picture)).all(), "SmolVLM's tiles are not Idefics 3's"
        Image.fromarray(strip).save(OUT / f"{label}.png")
    Image.fromarray(tiles_of(Idefics3ImageProcessorPil, pictures["wide"], size={"longest_edge": 11})).save(OUT / "wide.small.png")
    torch.set_default_dtype(torch.float64)  # of the boundaries by which the tower finds its positions
    model.double().eval()
    tensors = {}
    with torch.no_grad():
        for label in FEATURES:
            _, pixels, mask = inputs_of(processor, "<image>", [pictures[label]])
            tensors[f"features.{label}"] = model.model.get_image_features(pixels, mask).pooler_output.flatten(0, 1)
        examples = []
        for text, labels in PROMPTS:
            ids, pixels, mask = inputs_of(processor, text, [pictures[label] for label in labels])
            examples.append({"text": text, "pictures": labels, "ids": ids})
        text, [label] = PROMPTS[0]
        whole, pixels, mask = inputs_of(processor, text + ANSWER, [pictures[label]])
        logits = model(input_ids=torch.tensor([whole]), pixel_values=pixels, pixel_attention_mask=mask).logits[0]
        tensors["logits"] = logits[len(examples[0]["ids"]) - 1 : -1]
    save_file({key: value.float().contiguous() for key, value in tensors.items()}, OUT / "golden.safetensors")
    for path in (OUT / "golden.safetensors", OUT / "model" / "model.safetensors"):
        path.chmod(0o644)
    golden = {
        "script": "tools/goldens/idefics3.py",
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
        "seed": SEED,
        "answer": ANSWER,
    }
    rows = ",\n  ".join(json.dumps(example) for example in examples)
    text = json.dumps({**golden, "examples": "ROWS"}, indent=1)
    (OUT / "golden.json").write_text(text.replace('"ROWS"', f"[\n  {rows}\n ]") + "\n")


if __name__ == "__main__":
    main()
