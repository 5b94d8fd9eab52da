"""Things to look at: a sheet of scenes, and a page of captions of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .grammar import long_caption, noun_phrase, short_caption, statement
from .scenes import render
from .sft import sft_scene, sft_turns
from .splits import split_scenes

COLUMNS, ROWS, ZOOM = 8, 5, 2


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
