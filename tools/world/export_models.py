"""Writes emoji-clip and emoji-llava as the hub lays models out: f16 safetensors, tokenizer, processor, ONNX."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import torch
from transformers import CLIPImageProcessorPil, CLIPModel, GenerationConfig, LlavaForConditionalGeneration

from .backgrounds import IMAGE_SIZE
from .clip_data import PIXEL_MEAN, PIXEL_STD
from .clip_model import PATCH_SIZE
from .clip_tokenizer import clip_tokenizer
from .export_onnx import export_clip_onnx, export_llava_onnx
from .llava_tokenizer import EOS, IMAGE, llava_tokenizer
from .sprites import SPRITE_FOLDER


def image_processor() -> CLIPImageProcessorPil:
    """Resize to 96 on the short side, crop the centre, normalise with CLIP's constants; a scene passes unchanged in size."""
    return CLIPImageProcessorPil(
        do_resize=True, size={"shortest_edge": IMAGE_SIZE}, resample=3, do_center_crop=True,
        crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}, do_rescale=True, rescale_factor=1 / 255, do_normalize=True,
        image_mean=list(PIXEL_MEAN), image_std=list(PIXEL_STD), do_convert_rgb=True)


def _write_processor(folder: Path, processor_config: dict[str, object]) -> None:
    """preprocessor_config.json under the class name every loader knows, and processor_config.json."""
    preprocessor = json.loads(image_processor().to_json_string())
    preprocessor["image_processor_type"] = "CLIPImageProcessor"
    preprocessor["processor_class"] = processor_config["processor_class"]
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")
    (folder / "processor_config.json").write_text(json.dumps(processor_config, indent=2) + "\n")


def _rename_tokenizer_class(folder: Path, name: str, processor: str) -> None:
    """transformers writes a class name of its own; the published one is the name that older versions and JavaScript know."""
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["tokenizer_class"], config["processor_class"] = name, processor
    template = folder / "chat_template.jinja"
    if template.exists():
        config["chat_template"] = template.read_text()
    path.write_text(json.dumps(config, indent=2) + "\n")


def _begin(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    shutil.copy(SPRITE_FOLDER / "LICENSE", folder / "LICENSE")


def _save_f16(model: torch.nn.Module, folder: Path) -> None:
    """Weights and config in f16; the model itself keeps f32."""
    half = copy.deepcopy(model).half()
    half.save_pretrained(folder)


def export_clip(clip: CLIPModel, folder: Path) -> None:
    """The whole emoji-clip folder but for its card."""
    _begin(folder)
    _save_f16(clip, folder)
    clip_tokenizer().save_pretrained(folder)
    _rename_tokenizer_class(folder, "CLIPTokenizer", "CLIPProcessor")
    _write_processor(folder, {"processor_class": "CLIPProcessor"})
    export_clip_onnx(clip, folder / "onnx")


def export_llava(llava: LlavaForConditionalGeneration, folder: Path) -> None:
    """The whole emoji-llava folder but for its card."""
    _begin(folder)
    tokenizer = llava_tokenizer()
    llava.generation_config = GenerationConfig(
        eos_token_id=tokenizer.convert_tokens_to_ids(EOS), pad_token_id=tokenizer.pad_token_id, max_new_tokens=96, do_sample=False)
    _save_f16(llava, folder)
    tokenizer.save_pretrained(folder)
    _rename_tokenizer_class(folder, "PreTrainedTokenizerFast", "LlavaProcessor")
    # 36 patches make 36 tokens. "full" with nothing added counts just that in every implementation of the processor;
    # the model itself drops the class token (its own vision_feature_select_strategy is "default").
    _write_processor(folder, {"processor_class": "LlavaProcessor", "image_token": IMAGE, "patch_size": PATCH_SIZE,
                              "num_additional_image_tokens": 0, "vision_feature_select_strategy": "full"})
    export_llava_onnx(llava, folder / "onnx")


def folder_bytes(folder: Path) -> dict[str, int]:
    """Bytes of every file below a folder, by relative path."""
    return {str(p.relative_to(folder)): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()}
