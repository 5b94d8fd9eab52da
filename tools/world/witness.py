"""An independent witness: CLIP-DPO with TRL and PEFT on the exported models, with the truncation controls beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from PIL import Image
from transformers import AutoProcessor, CLIPModel, LlavaForConditionalGeneration
from trl import DPOConfig, DPOTrainer

from .controls import compare
from .evaluate_llava import captions
from .llava_tokenizer import EOS, chat_prompt
from .preferences import Pair, PairRule, candidates, make_pairs, pair_quality
from .release import PUBLIC
from .scenes import Scene, render
from .sft import PROMPTS
from .splits import split_scenes
from .workfolder import work_folder

LORA = dict(r=8, lora_alpha=16, lora_dropout=0.0, bias="none", target_modules=r".*language_model.*\.(q|k|v|o|gate|up|down)_proj")


def _dataset(pairs: list[Pair], scenes: list[Scene]) -> Dataset:
    pictures = [Image.fromarray(render(scene)) for scene in scenes]
    return Dataset.from_list([
        {"images": [pictures[p.image]], "prompt": chat_prompt(p.prompt), "chosen": f" {p.chosen}{EOS}", "rejected": f" {p.rejected}{EOS}"}
        for p in pairs])


def train_dpo(model_folder: Path, pairs: list[Pair], scenes: list[Scene], seed: int, beta: float = 0.1, lr: float = 5e-4) -> LlavaForConditionalGeneration:
    """One run of TRL's DPOTrainer (sigmoid loss, one epoch, batches of 16); returns the merged policy."""
    model = LlavaForConditionalGeneration.from_pretrained(model_folder, dtype=torch.float32)
    config = DPOConfig(
        output_dir=str(work_folder("witness") / f"seed-{seed}"), per_device_train_batch_size=16, num_train_epochs=1, learning_rate=lr,
        lr_scheduler_type="cosine", warmup_steps=0.03, beta=beta, loss_type="sigmoid", max_length=None, seed=seed, logging_steps=5,
        save_strategy="no", report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False)
    trainer = DPOTrainer(model=model, args=config, train_dataset=_dataset(pairs, scenes), processing_class=AutoProcessor.from_pretrained(model_folder),
                         peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA))
    trainer.train()
    return trainer.model.merge_and_unload().eval()


def run_witness(split: str, seeds: int, rule: PairRule = PairRule(), images: int = 512, limit: int = 1000, target: Path = PUBLIC) -> dict[str, object]:
    """Pairs from the train split once, then `seeds` trainings, each compared with base and controls on `split`."""
    clip = CLIPModel.from_pretrained(target / "models/emoji-clip", dtype=torch.float32).eval()
    base = LlavaForConditionalGeneration.from_pretrained(target / "models/emoji-llava", dtype=torch.float32).eval()
    pool = list(split_scenes("train"))[:images]
    pairs = make_pairs(candidates(base, clip, pool, rule, seed=0), rule)
    result: dict[str, object] = {"rule": asdict(rule), "images": images, "split": split, "quality": pair_quality(pairs, pool), "runs": []}
    print(json.dumps(result["quality"]))
    scenes = list(split_scenes(split))[:limit]
    before = captions(base, scenes, PROMPTS[0][0])
    runs: list[dict[str, object]] = []
    for seed in range(seeds):
        tuned = train_dpo(target / "models/emoji-llava", pairs, pool, seed)
        run = compare(before, captions(tuned, scenes, PROMPTS[0][0]), scenes)
        runs.append({"seed": seed, **run})
        print(json.dumps({name: run[name] for name in ("base", "tuned", "controlC", "controlL", "beatsC", "beatsL")}))
    result["runs"] = runs
    path = work_folder("witness") / f"{split}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return result
