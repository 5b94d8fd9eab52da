"""What must hold before anything is frozen: true captions are true, words survive the tokenizers, packing changes nothing,
splits share no picture, the exported models load and agree with their ONNX graphs, and the exported pictures are as drawn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import torch
from PIL import Image
from transformers import AutoProcessor, CLIPModel, CLIPProcessor, LlavaForConditionalGeneration

from .clip_data import to_pixels, write
from .clip_model import embed_ids, embed_images, new_clip
from .clip_tokenizer import MAX_LENGTH, clip_tokenizer
from .evaluate_llava import captions
from .grammar import holds
from .habits import believed
from .llava_data import pack, prefix_ids, turn_ids
from .llava_model import IMAGE_TOKENS, new_llava, patch_features
from .llava_tokenizer import IMAGE, chat_prompt, llava_tokenizer
from .llava_train import packed_logits
from .provenance import provenance
from .scenes import render
from .sft import PROMPTS, sft_scene, sft_turns
from .splits import SPLITS, split_scenes

LOGIT_TOLERANCE = 2e-5
"""Packed against separate rows, f32; measured 4e-7 to 1e-6."""
F16_TOLERANCE = 5e-3
"""ONNX graphs with f16 weights against the f16 safetensors in f32; only the order of sums differs."""


def check_world() -> None:
    """The parts that need no trained weights."""
    rng = np.random.default_rng(5)
    lies = 0
    for i in range(2000):
        scene = sft_scene(rng)
        caption = write(i % 5, i, scene)
        assert all(holds(claim, scene) for claim in caption.claims), caption.text
        assert len(clip_tokenizer()(caption.text)["input_ids"]) <= MAX_LENGTH, caption.text
        seen, invented = believed(rng, scene)
        told = write(2, i, seen)
        assert set(invented) == set(told.nouns) - set(scene.nouns), told.text
        lies += any(not holds(claim, scene) for claim in told.claims)
    assert 400 < lies < 1200, f"{lies} of 2000 careless captions are false"
    pictures: set[bytes] = set()
    for name, split in SPLITS.items():
        rendered = {render(scene).tobytes() for scene in split_scenes(name)}
        assert len(rendered) == split.size and not rendered & pictures, name
        pictures |= rendered
    print("captions, tokenizers and splits hold")


def check_packing() -> None:
    """Packed logits equal those of separate rows through transformers' own forward, on random weights."""
    model = new_llava(new_clip(3), 4).eval()
    rng = np.random.default_rng(6)
    scene = sft_scene(rng)
    turns = sft_turns(rng, scene, 3)
    pixels = to_pixels(torch.from_numpy(render(scene)[None]))
    with torch.no_grad():
        packed = packed_logits(model, pack([turns]), patch_features(model, pixels))
        separate = []
        for turn in turns:
            ids, answer = turn_ids(turn)
            row = prefix_ids() + ids
            text = llava_tokenizer()(f"{chat_prompt(turn.prompt)} {turn.answer}</s>")["input_ids"]
            image = llava_tokenizer().convert_tokens_to_ids(IMAGE)
            assert [token for t in text for token in [t] * (IMAGE_TOKENS if t == image else 1)] == row
            logits = model(input_ids=torch.tensor([row]), pixel_values=pixels).logits[0]
            separate.append(logits[len(prefix_ids()) + answer - 1 : len(row) - 1])
    difference = (torch.cat(separate) - packed).abs().max().item()
    assert difference < LOGIT_TOLERANCE, difference
    assert (torch.cat(separate).flip(0) - packed).abs().max().item() > 100 * LOGIT_TOLERANCE
    print(f"packed rows equal separate rows within {difference:.1e}")


def check_exported(models: Path) -> None:
    """The exported folders load unmodified, and PyTorch, processor and ONNX agree on a picture of the dev split."""
    for kind, named in provenance(models).items():
        print(f"{kind}: {', '.join(f'{name} {value}' for name, value in named.items())}")
    scene = split_scenes("dev")[2]
    picture = Image.fromarray(render(scene))
    clip = CLIPModel.from_pretrained(models / "emoji-clip", dtype=torch.float32).eval()
    processor = CLIPProcessor.from_pretrained(models / "emoji-clip")
    texts = ["a dog", "A red car and two whales are in the sea."]
    inputs = processor(text=texts, images=picture, return_tensors="pt", padding=True)
    with torch.no_grad():
        pixels = to_pixels(torch.from_numpy(render(scene)[None]))
        assert (inputs["pixel_values"] - pixels).abs().max() < 1e-5
        text = embed_ids(clip, clip_tokenizer()(texts)["input_ids"])
        image = embed_images(clip, pixels)
    _close("text_model", _run(models / "emoji-clip/onnx/text_model.onnx", input_ids=inputs["input_ids"].numpy()), text)
    _close("vision_model", _run(models / "emoji-clip/onnx/vision_model.onnx", pixel_values=pixels.numpy()), image)
    llava = LlavaForConditionalGeneration.from_pretrained(models / "emoji-llava", dtype=torch.float32).eval()
    llava_processor = AutoProcessor.from_pretrained(models / "emoji-llava")
    message = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPTS[0][0]}]}]
    prompt = llava_processor.apply_chat_template(message, add_generation_prompt=True)
    assert prompt == chat_prompt(PROMPTS[0][0])
    batch = llava_processor(text=prompt, images=picture, return_tensors="pt")
    with torch.no_grad():
        answer = llava.generate(**batch)[0, batch["input_ids"].shape[1] :]
        features = llava.model.multi_modal_projector(patch_features(llava, pixels))
    assert llava_processor.decode(answer, skip_special_tokens=True).strip() == captions(llava, [scene], PROMPTS[0][0])[0]
    _close("vision_encoder", _run(models / "emoji-llava/onnx/vision_encoder.onnx", pixel_values=pixels.numpy()), features)
    print(f"exported models agree; emoji-llava says: {llava_processor.decode(answer, skip_special_tokens=True).strip()}")


def check_data(folder: Path) -> None:
    """The exported pictures are those that the splits' scenes are drawn as, which all figures in Python stand on."""
    for name in SPLITS:
        rows = pq.read_table(folder / f"data/{name}-00000-of-00001.parquet", columns=["image"])["image"].to_pylist()
        for row, scene in zip(rows, split_scenes(name), strict=True):
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("RGB")), render(scene)), f"{name}: {row['path']}"
        print(f"{name}: {len(rows)} pictures are as drawn")


def _run(path: Path, **inputs: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(str(path)).run(None, inputs)[0]


def _close(name: str, found: np.ndarray, expected: torch.Tensor) -> None:
    difference = float(np.abs(found - expected.numpy()).max())
    assert difference < F16_TOLERANCE, f"{name}: {difference}"
    print(f"{name}: ONNX within {difference:.1e}")
