"""The last stages: evaluate, export into public/, and freeze everything by its hashes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import torch

from . import clip_train, llava_train
from .cards import clip_card, llava_card
from .dataset import write_dataset
from .evaluate_clip import evaluate_clip
from .evaluate_llava import evaluate_llava
from .export_models import export_clip, export_llava, folder_bytes
from .sprites import SPRITE_FOLDER
from .workfolder import work_folder

PUBLIC = Path(__file__).parents[2] / "public"
BUDGETS = {"models/emoji-clip": 9_000_000, "models/emoji-llava": 11_500_000, "data/emoji-scenes": 17_000_000}
"""Bytes each artefact may take of public/; together with everything else at most 40 MB."""


def evaluate(which: str, model: str = "both", split: str = "heldout", limit: int = 1000) -> dict[str, dict[str, float]]:
    """Measures the trained models ("stable" or "decayed") and keeps the figures in the work folder; prints the table."""
    path = work_folder("figures") / f"{which}-{split}.json"
    figures: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    clip = clip_train.load_clip(which)
    if model in ("clip", "both"):
        figures["clip"] = evaluate_clip(clip, split, limit)
    if model in ("llava", "both"):
        figures["llava"] = evaluate_llava(llava_train.load_llava(which), clip, split, limit)
    path.write_text(json.dumps(figures, indent=1) + "\n")
    for name, table in figures.items():
        for row, value in table.items():
            print(f"{name:6} {row:52} {value:8.3f}")
    return figures


def export(which: str = "decayed", target: Path = PUBLIC) -> None:
    """Writes both models and the data set below `target`; refuses what exceeds its budget, and writes the hashes."""
    figures = json.loads((work_folder("figures") / f"{which}-heldout.json").read_text())
    steps = {name: torch.load(work_folder(name) / f"{which}.pt", weights_only=True)["step"] for name in ("clip", "llava")}
    clip, llava = clip_train.load_clip(which), llava_train.load_llava(which)
    export_clip(clip, target / "models/emoji-clip", clip_card(clip, steps["clip"], clip_train.BATCH, figures["clip"]))
    export_llava(llava, target / "models/emoji-llava", llava_card(llava, steps["llava"], llava_train.BATCH, figures["llava"]))
    export_data(target)
    freeze(target)


def export_data(target: Path = PUBLIC) -> None:
    """Writes emoji-scenes below `target`."""
    folder = target / "data/emoji-scenes"
    if folder.exists():
        shutil.rmtree(folder)
    write_dataset(folder)
    shutil.copy(SPRITE_FOLDER / "LICENSE", folder / "LICENSE")


def freeze(target: Path = PUBLIC) -> None:
    """Checks the budgets and writes <target>/models/world.json: bytes and SHA-256 of every file."""
    manifest: dict[str, dict[str, object]] = {}
    for name, budget in BUDGETS.items():
        files = folder_bytes(target / name)
        total = sum(files.values())
        if total > budget:
            raise ValueError(f"export: {name} has {total} bytes, its budget is {budget}")
        hashes = {file: hashlib.sha256((target / name / file).read_bytes()).hexdigest() for file in files}
        manifest[name] = {"bytes": total, "budget": budget, "sha256": hashes}
        print(f"{name}: {total / 1e6:.1f} MB of {budget / 1e6:.1f}")
    (target / "models" / "world.json").write_text(json.dumps(manifest, indent=1) + "\n")
