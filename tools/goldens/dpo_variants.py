"""Writes test/goldens/dpo-variants/: first steps of trl.DPOTrainer on the model and pairs of test/goldens/dpo-trainer, other
settings: what dropout does by default, what a new adapter's reference is, rank-stabilised scaling, and lists of losses.

golden.json holds TRL's log of each variant, golden.safetensors the adapter each starts from, before its first step.

    python tools/goldens/dpo_variants.py        # needs torch, transformers, peft, trl, datasets and pillow
"""

import json
import shutil
import tempfile
from pathlib import Path

import datasets
import peft
import torch
import transformers
import trl
from dpo_trainer import CONFIG, LORA, Log, adapter_tensors
from PIL import Image
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlavaForConditionalGeneration, LlavaProcessor
from trl import DPOConfig, DPOTrainer

SEED = 29
STEPS = 3
GOLDENS = Path(__file__).resolve().parents[2] / "test" / "goldens"
OUT = GOLDENS / "dpo-variants"
# Policy and reference differ from the first step on, so that every loss has its own value and gradient there.
AWAY = {"isGiven": False, "peft": {**LORA, "init_lora_weights": False}}
# `isGiven`: the adapter is there before the trainer, as with a PeftModel; otherwise the trainer makes it from peft_config.
# `config`: settings of the trainer that differ from the others'.
VARIANTS = {
    "dropout is off by default": {"isGiven": True, "peft": {**LORA, "lora_dropout": 0.5}},
    "a new adapter is held to the model without it": AWAY,
    "rank-stabilised, given": {"isGiven": True, "peft": {**LORA, "use_rslora": True, "init_lora_weights": False}},
    "gaussian, new": {"isGiven": False, "peft": {**LORA, "init_lora_weights": "gaussian"}},
    "sigmoid and sft": {**AWAY, "config": {"loss_type": ["sigmoid", "sft"]}},
    "MPO: sigmoid, bco_pair and sft, weighted": {
        **AWAY,
        "config": {"loss_type": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0]},
    },
    "robust, with label smoothing": {**AWAY, "config": {"loss_type": ["robust"], "label_smoothing": 0.1}},
}


def pairs():
    folder = GOLDENS / "dpo-trainer"
    rows = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    opened = [{**row, "images": [Image.open(folder / path) for path in row["images"]]} for row in rows]
    return datasets.Dataset.from_list(opened).cast_column("images", datasets.Sequence(datasets.Image()))


def run(isGiven, peft, config=None):
    torch.manual_seed(SEED)
    folder = GOLDENS / "dpo-trainer" / "model"
    processor = LlavaProcessor.from_pretrained(folder)
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    lora = LoraConfig(**peft)
    if isGiven:
        model = get_peft_model(model, lora)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.data = 0.1 * torch.randn(parameter.shape)
    dataset = pairs()
    log = Log()
    with tempfile.TemporaryDirectory() as out:
        args = DPOConfig(
            output_dir=out,
            **{**CONFIG, "max_steps": STEPS, **(config or {})},
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            gradient_checkpointing=False,
            bf16=False,
            max_length=None,
        )
        trainer = DPOTrainer(
            model=model,
            args=args,
            train_dataset=dataset,
            processing_class=processor,
            callbacks=[log],
            peft_config=None if isGiven else lora,
        )
        trainer._get_train_sampler = lambda *_: torch.utils.data.SequentialSampler(dataset)
        start = {k: v for k, v in adapter_tensors(trainer.model, "").items() if ".ref." not in k}
        trainer.train()
    return start, log.rows


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    tensors, cases = {}, []
    for i, (name, variant) in enumerate(VARIANTS.items()):
        start, log = run(**variant)
        tensors |= {f"{i}.{key}": value for key, value in start.items()}
        cases.append({"name": name, **variant, "log": log})
        print(name, [row["loss"] for row in log])
    save_file(tensors, OUT / "golden.safetensors")
    golden = {
        "script": "tools/goldens/dpo_variants.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft, trl, datasets)},
        "seed": SEED,
        "config": {**CONFIG, "max_steps": STEPS},
        "cases": cases,
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
