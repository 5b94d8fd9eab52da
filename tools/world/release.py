"""The last stages: export into public/, evaluate what was exported, write the cards, and freeze everything by its hashes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from transformers import CLIPModel, LlavaForConditionalGeneration

from . import clip_train, llava_train
from .cards import clip_card, llava_card
from .dataset import data_card, write_dataset
from .evaluate_clip import evaluate_clip
from .evaluate_llava import evaluate_llava
from .export_models import export_clip, export_llava, folder_bytes
from .provenance import provenance, sha256
from .scene_maker import BUDGET
from .sprites import SPRITE_FOLDER
from .workfolder import work_folder

PUBLIC = Path(__file__).parents[2] / "public"
RESULTS = Path(__file__).parent / "results"
BUDGETS = {"models/emoji-clip": 9_000_000, "models/emoji-llava": 11_500_000, "data/emoji-scenes": 17_000_000, "data/scene-maker": BUDGET}
"""Bytes each artefact may take of public/."""
TOTAL = 40_000_000
"""Bytes that all of public/ may take."""


def export(which: str = "decayed", target: Path = PUBLIC) -> None:
    """Writes the trained models ("stable" or "decayed"), still without cards, and the data set below `target`.

    What they were trained for, steps and batch, is kept in the results for the cards.
    """
    export_clip(clip_train.load_clip(which), target / "models/emoji-clip")
    export_llava(llava_train.load_llava(which), target / "models/emoji-llava")
    steps = {name: torch.load(work_folder(name) / f"{which}.pt", weights_only=True)["step"] for name in ("clip", "llava")}
    _write(RESULTS / "training.json", {"clip": {"steps": steps["clip"], "batch": clip_train.BATCH},
                                       "llava": {"steps": steps["llava"], "batch": llava_train.BATCH}})
    export_data(target)


def export_data(target: Path = PUBLIC) -> None:
    """Writes emoji-scenes below `target`, but for its card."""
    folder = target / "data/emoji-scenes"
    if folder.exists():
        shutil.rmtree(folder)
    write_dataset(folder)
    shutil.copy(SPRITE_FOLDER / "LICENSE", folder / "LICENSE")


def load_exported(target: Path = PUBLIC) -> tuple[CLIPModel, LlavaForConditionalGeneration]:
    """emoji-clip and emoji-llava as they lie below `target`, computed in f32."""
    clip = CLIPModel.from_pretrained(target / "models/emoji-clip", dtype=torch.float32).eval()
    llava = LlavaForConditionalGeneration.from_pretrained(target / "models/emoji-llava", dtype=torch.float32).eval()
    return clip, llava


def evaluate(split: str = "heldout", limit: int = 1000, target: Path = PUBLIC) -> None:
    """Measures the exported models and writes the figures to results/evaluate-<split>.json; prints the table."""
    clip, llava = load_exported(target)
    tables = {"clip": evaluate_clip(clip, split, limit), "llava": evaluate_llava(llava, clip, split, limit)}
    _write(RESULTS / f"evaluate-{split}.json", {**provenance(target / "models"), **tables})
    for name, table in tables.items():
        for row, value in table.items():
            print(f"{name:6} {row:52} {value:8.3f}")


def write_cards(target: Path = PUBLIC) -> None:
    """The cards of models and data, from the results kept of the weights that lie below `target`; then freezes everything.

    Raises ValueError when the results are those of other weights.
    """
    training = json.loads((RESULTS / "training.json").read_text())
    figures = json.loads((RESULTS / "evaluate-heldout.json").read_text())
    weights = provenance(target / "models")["weights"]
    if figures["weights"] != weights:
        raise ValueError(f"cards: expected the figures of {weights}, got those of {figures['weights']}; run `evaluate` first")
    clip, llava = load_exported(target)
    (target / "models/emoji-clip/README.md").write_text(clip_card(clip, training["clip"], figures["clip"], weights["emoji-clip"]))
    (target / "models/emoji-llava/README.md").write_text(llava_card(llava, training["llava"], figures["llava"], weights["emoji-llava"]))
    (target / "data/emoji-scenes/README.md").write_text(data_card())
    freeze(target)


def freeze(target: Path = PUBLIC) -> None:
    """Checks the budgets and writes <target>/models/world.json: bytes and SHA-256 of every file."""
    manifest: dict[str, dict[str, object]] = {}
    for name, budget in BUDGETS.items():
        files = folder_bytes(target / name)
        total = sum(files.values())
        if total > budget:
            raise ValueError(f"freeze: {name} has {total} bytes, its budget is {budget}")
        manifest[name] = {"bytes": total, "budget": budget, "sha256": {file: sha256(target / name / file) for file in files}}
        print(f"{name}: {total / 1e6:.1f} MB of {budget / 1e6:.1f}")
    everything = sum(folder_bytes(target).values())
    if everything > TOTAL:
        raise ValueError(f"freeze: {target} has {everything} bytes, its budget is {TOTAL}")
    _write(target / "models/world.json", manifest)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
