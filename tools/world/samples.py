"""Things to look at: a sheet of scenes, a page of captions as they are written for training, and one of emoji-llava's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .amber import nouns_of
from .evaluate_llava import captions
from .grammar import long_caption, noun_phrase, short_caption, statement
from .provenance import provenance
from .release import PUBLIC, RESULTS, load_exported
from .scenes import Scene, render
from .sft import PROMPTS, sft_scene, sft_turns
from .splits import split_scenes

COLUMNS, ROWS, ZOOM = 8, 5, 2
PAGE, PAGE_SEED = 40, 7


def write_samples(folder: Path) -> None:
    """scenes.png (40 pictures of the dev split, enlarged) and captions.txt (40 true captions, then careless ones)."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = split_scenes("dev")[: COLUMNS * ROWS]
    pictures = [render(scene) for scene in scenes]
    sheet = np.concatenate([np.concatenate(pictures[r * COLUMNS : (r + 1) * COLUMNS], axis=1) for r in range(ROWS)], axis=0)
    image = Image.fromarray(sheet)
    image.resize((image.width * ZOOM, image.height * ZOOM), Image.Resampling.LANCZOS).save(folder / "scenes.png")
    rng = np.random.default_rng(3)
    lines = [write(rng, scene).text for scene, write in zip(scenes, (long_caption, short_caption, long_caption, noun_phrase, statement) * 8)]
    for _ in range(10):
        scene = sft_scene(rng)
        lines.append("")
        lines.append(f"{scene.place.name}: {', '.join(scene.nouns)}")
        for turn in sft_turns(rng, scene, 5):
            note = f"   (invented: {', '.join(turn.invented)})" if turn.invented else ""
            lines.append(f"  {turn.prompt} {turn.answer}{note}")
    (folder / "captions.txt").write_text("\n".join(lines) + "\n")


def write_page(path: Path = RESULTS / "captions.md", target: Path = PUBLIC) -> None:
    """What the exported emoji-llava says, greedily, about 40 dev pictures drawn by a seed, each beside what is in it."""
    numbers = np.sort(np.random.default_rng(PAGE_SEED).choice(len(split_scenes("dev")), PAGE, replace=False)).tolist()
    scenes = [split_scenes("dev")[number] for number in numbers]
    prompt = PROMPTS[0][0]
    told = captions(load_exported(target)[1], scenes, prompt)
    rows = [f"| {number + 1} | {_shown(scene)} | {_marked(text, scene)} |" for number, scene, text in zip(numbers, scenes, told)]
    weights = provenance(target / "models")["weights"]["emoji-llava"]
    path.write_text("\n".join([
        "# Forty captions of emoji-llava", "",
        f"Greedy answers to \"{prompt}\" about {PAGE} pictures of `dev`, drawn by seed {PAGE_SEED}, by the weights {weights}",
        "(SHA-256 of `model.safetensors`). **Bold**: a noun that is not in the picture. Made by `python -m tools.world page`.", "",
        "| id | in the picture | emoji-llava |", "|---|---|---|", *rows]) + "\n")


def _shown(scene: Scene) -> str:
    things = (f"{group.count} x {f'{group.colour} ' if group.colour else ''}{group.noun}" for group in scene.groups)
    return f"{scene.place.name}: {', '.join(things)}"


def _marked(text: str, scene: Scene) -> str:
    """The caption with every word that invents something in bold."""
    return " ".join(f"**{word}**" if any(noun not in scene.nouns for noun in nouns_of(word)) else word for word in text.split(" "))
