"""Writes test/goldens/defaults.json: the defaults of TRL's DPOConfig and of PEFT's LoraConfig for the settings this project has.

    python tools/goldens/defaults.py        # needs torch, transformers, peft and trl
"""

import json
import tempfile
from pathlib import Path

import peft
import torch
import transformers
import trl
from peft import LoraConfig
from trl import DPOConfig

OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "defaults.json"
TRAINER = """beta loss_type loss_weights label_smoothing discopop_tau learning_rate lr_scheduler_type warmup_steps weight_decay
adam_beta1 adam_beta2 adam_epsilon max_grad_norm per_device_train_batch_size gradient_accumulation_steps num_train_epochs
max_steps max_length disable_dropout seed""".split()
LORA = "r lora_alpha lora_dropout use_rslora init_lora_weights target_modules exclude_modules".split()


def plain(value):
    return getattr(value, "value", value)


def main():
    with tempfile.TemporaryDirectory() as folder:
        trainer = DPOConfig(output_dir=folder, use_cpu=True, bf16=False, report_to=[])
    lora = LoraConfig()
    golden = {
        "script": "tools/goldens/defaults.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)},
        "trainer": {name: plain(getattr(trainer, name)) for name in TRAINER},
        "lora": {name: plain(getattr(lora, name)) for name in LORA},
    }
    OUT.write_text(json.dumps(golden, indent=1) + "\n")
    print(golden)


if __name__ == "__main__":
    main()
