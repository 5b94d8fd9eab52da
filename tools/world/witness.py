"""An independent witness: CLIP-DPO with TRL and PEFT on the exported models, with the truncation controls beside it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from PIL import Image
from transformers import AutoProcessor, CLIPModel, LlavaForConditionalGeneration
from trl import DPOConfig, DPOTrainer

from .controls import compare
from .evaluate_llava import captions
from .llava_tokenizer import EOS, chat_prompt
from .preferences import Candidate, Pair, PairRule, Sampling, candidates, make_pairs, pair_quality
from .provenance import provenance
from .release import PUBLIC
from .scenes import Scene, render
from .sft import PROMPTS
from .splits import split_scenes
from .workfolder import work_folder

LORA = dict(r=8, lora_alpha=16, lora_dropout=0.0, bias="none", target_modules=r".*language_model.*\.(q|k|v|o|gate|up|down)_proj")


@dataclass(frozen=True)
class Recipe:
    """One way to do CLIP-DPO. dpo: settings of TRL's DPOConfig on top of `train_dpo`'s."""

    sampling: Sampling = Sampling()
    rule: PairRule = PairRule()
    dpo: dict[str, Any] = field(default_factory=dict)


STYLES = {"long": 0, "short": 4}
"""Prompts the captions are compared on, by their style."""
FIGURES = ("chair", "hal", "cog", "cover", "meanLength", "nounsPerCaption")
_SENTENCES = Sampling(unit="sentence", samples=8, prompts=1)
RECIPES: dict[str, Recipe] = {
    "plain": Recipe(),
    "anchored": Recipe(dpo={"learning_rate": 2e-3, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 1.0]}),
    "fclip": Recipe(rule=PairRule(score="fclip")),
    "sentence-scores": Recipe(rule=PairRule(score="sentence")),
    "calibrated": Recipe(rule=PairRule(score="sentence", calibrated=True)),
    "sentences": Recipe(_SENTENCES, PairRule(calibrated=True, per_image=4)),
    "sentences-stop": Recipe(_SENTENCES, PairRule(calibrated=True, per_image=4, stop=0.2)),
    "candidates": Recipe(Sampling(samples=12)),
    "absolute": Recipe(rule=PairRule(min_score=30.0)),
    "random": Recipe(rule=PairRule(choose="random")),
    "flipped": Recipe(rule=PairRule(choose="flipped")),
}
"""Named recipes: the plain one, the demo's (anchored by the chosen answers' own likelihood), its variants, and the negative controls."""


def _dataset(pairs: list[Pair], scenes: list[Scene]) -> Dataset:
    pictures = [Image.fromarray(render(scene)) for scene in scenes]

    def completion(pair: Pair, text: str) -> str:
        # A next sentence is followed by more, so only stopping itself is taught by the end token.
        return (f" {text}" if pair.sentence else f" {text}{EOS}") if text else EOS

    return Dataset.from_list([
        {"images": [pictures[p.image]], "prompt": chat_prompt(p.prompt) + (f" {p.context}" if p.context else ""),
         "chosen": completion(p, p.chosen), "rejected": completion(p, p.rejected)}
        for p in pairs])


def train_dpo(model_folder: Path, pairs: list[Pair], scenes: list[Scene], seed: int, **settings: Any) -> LlavaForConditionalGeneration:
    """One run of TRL's DPOTrainer (by default sigmoid loss, beta 0.1, lr 1e-3, one epoch, batches of 16); the merged policy."""
    model = LlavaForConditionalGeneration.from_pretrained(model_folder, dtype=torch.float32)
    config = DPOConfig(**{
        "output_dir": str(work_folder("witness") / f"seed-{seed}"), "per_device_train_batch_size": 16, "num_train_epochs": 1,
        "learning_rate": 1e-3, "lr_scheduler_type": "cosine", "warmup_steps": 0.03, "beta": 0.1, "loss_type": "sigmoid", "max_length": None,
        "seed": seed, "logging_steps": 10, "save_strategy": "no", "report_to": [], "use_cpu": True, "bf16": False, "disable_tqdm": True,
        "gradient_checkpointing": False, **settings})
    trainer = DPOTrainer(model=model, args=config, train_dataset=_dataset(pairs, scenes), processing_class=AutoProcessor.from_pretrained(model_folder),
                         peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA))
    trainer.train()
    return trainer.model.merge_and_unload().eval()


def run_witness(names: list[str], split: str, seeds: int, images: int = 512, limit: int = 1000, target: Path = PUBLIC) -> None:
    """For each recipe: pairs from the train split once, then `seeds` trainings, each compared with base and controls on `split`.

    Every recipe's result is added to `<split>.jsonl` in the work folder, with the weights and versions it stands on.
    """
    folder = target / "models/emoji-llava"
    clip = CLIPModel.from_pretrained(target / "models/emoji-clip", dtype=torch.float32).eval()
    base = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    pool = list(split_scenes("train"))[:images]
    scenes = list(split_scenes(split))[:limit]
    before = {style: captions(base, scenes, PROMPTS[prompt][0]) for style, prompt in STYLES.items()}
    drawn: dict[Sampling, list[Candidate]] = {}
    for name in names:
        recipe = RECIPES[name]
        if recipe.sampling not in drawn:
            drawn[recipe.sampling] = candidates(base, pool, recipe.sampling, seed=0)
        pairs = make_pairs(clip, pool, drawn[recipe.sampling], recipe.rule)
        quality = pair_quality(pairs, pool)
        print(name, json.dumps(quality), flush=True)
        for seed in range(seeds):
            start = time.monotonic()
            tuned = train_dpo(folder, pairs, pool, seed, **recipe.dpo)
            runs = {style: compare(before[style], captions(tuned, scenes, PROMPTS[prompt][0]), scenes) for style, prompt in STYLES.items()}
            row = {"recipe": name, "settings": asdict(recipe), "images": images, "quality": quality, "seed": seed,
                   "seconds": time.monotonic() - start, **provenance(target / "models"), **runs}
            with (work_folder("witness") / f"{split}.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            for style, run in runs.items():
                for which in ("base", "tuned", "controlC", "controlL"):
                    print(f"  {seed} {style:5} {which:9}", " ".join(f"{key} {run[which][key]:6.2f}" for key in FIGURES), flush=True)
                print(f"  {seed} {style:5} beats C: {run['beatsC']}, beats L: {run['beatsL']}", flush=True)
