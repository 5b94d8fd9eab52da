"""Writes test/goldens/peft-adapter.json: which layers PEFT adapts for several patterns, and one adapter as it saves it.

    python tools/goldens/peft_adapter.py        # needs torch, transformers and peft
"""

import base64
import json
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

SEED = 3
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "peft-adapter.json"
PATTERNS = [
    {"target_modules": "all-linear"},
    {"target_modules": ["q_proj", "v_proj"]},
    {"target_modules": ["model.language_model.layers.1.mlp.down_proj"]},
    {"target_modules": r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj"},
    {"target_modules": r".*\.language_model\..*(?P<side>q|k)_proj"},
    {"target_modules": r"language_model\.layers\.0\.self_attn\.q_proj|.*\.1\.mlp\.up_proj"},
    {"target_modules": r".*_proj", "exclude_modules": r".*vision_tower.*"},
    {"target_modules": ["q_proj", "k_proj"], "exclude_modules": ["k_proj"]},
]


def tiny_llava():
    text = LlamaConfig(
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=20,
        pad_token_id=0,
    )
    vision = CLIPVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2, image_size=8, patch_size=4
    )
    return LlavaForConditionalGeneration(LlavaConfig(text_config=text, vision_config=vision, image_token_index=19))


def matched(options):
    model = get_peft_model(tiny_llava(), LoraConfig(r=2, **options))
    paths = {name.split(".lora_A")[0] for name, _ in model.named_modules() if name.endswith("lora_A")}
    return sorted(path.removeprefix("base_model.model.") for path in paths)


def main():
    torch.manual_seed(SEED)
    linear = [name for name, module in tiny_llava().named_modules() if isinstance(module, torch.nn.Linear)]
    golden = {
        "script": "tools/goldens/peft_adapter.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "seed": SEED,
        "linear": linear,
        "cases": [{**options, "matched": matched(options)} for options in PATTERNS],
    }
    config = LoraConfig(r=2, lora_alpha=4, target_modules=PATTERNS[4]["target_modules"], init_lora_weights=False)
    with tempfile.TemporaryDirectory() as folder:
        get_peft_model(tiny_llava(), config).save_pretrained(folder)
        golden["adapter"] = {
            "config": json.loads((Path(folder) / "adapter_config.json").read_text()),
            "weights": base64.b64encode((Path(folder) / "adapter_model.safetensors").read_bytes()).decode(),
        }
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
