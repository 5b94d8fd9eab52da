"""What the page draws scenes from: emojis on one sheet, backgrounds on another, and a JSON of the rules and the habits.

The page cuts sprites and composes a picture as sprites.sprite and scenes.render do, in every size and rotation, so that the
models see what they were trained on. To stay small it has a few variants of each background.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .backgrounds import IMAGE_SIZE, background
from .habits import COMPANIONS
from .scenes import MAX_SPRITES, render, sample_scene
from .sprites import ANGLES, SIZES, SPRITE_FOLDER, emoji
from .vocabulary import COLOURS, NOUNS, PLACES

BUDGET = 1_000_000
"""Bytes that all files together may take."""
_SIZE_NAMES = ("tiny", "small", "medium", "large", "huge")
_COLUMNS = 16
_CELL = 64
_VARIANTS = 8
_LOOKS = [(noun.name, colour) for noun in NOUNS for colour in (COLOURS if noun.tintable else (None,))]


_README = """# scene-maker

What the page draws scenes from: the emojis of emoji-scenes and its backgrounds, put on sheets by `tools/world/scene_maker.py`.

Emojis are Noto Emoji images, copyright Google LLC, Apache License 2.0 (LICENSE), some of them tinted; backgrounds are drawn by
this project.
"""


def write_scene_maker(folder: Path) -> None:
    """sprites.webp, backgrounds.webp, scene-maker.json and the sprites' licence; refuses more than BUDGET bytes."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    Image.fromarray(_sprite_sheet()).save(folder / "sprites.webp", lossless=True, method=6, exact=False)
    Image.fromarray(_background_sheet()).save(folder / "backgrounds.webp", lossless=True, method=6)
    (folder / "README.md").write_text(_README)
    (folder / "scene-maker.json").write_text(json.dumps(description(), indent=1) + "\n")
    shutil.copy(SPRITE_FOLDER / "LICENSE", folder / "LICENSE")
    total = sum(file.stat().st_size for file in folder.iterdir())
    if total > BUDGET:
        raise ValueError(f"scene maker: expected at most {BUDGET} bytes, got {total}")
    print(f"scene maker: {total / 1e6:.2f} MB of {BUDGET / 1e6:.2f}")


def description() -> dict[str, Any]:
    """Where everything lies on the sheets, the rules of placement, and the habits that scenes can set off."""
    return {
        "imageSize": IMAGE_SIZE,
        "mostSprites": MAX_SPRITES,
        "columns": _COLUMNS,
        "cell": _CELL,
        "sizes": [{"name": name, "side": side} for name, side in zip(_SIZE_NAMES, SIZES, strict=True)],
        "angles": list(ANGLES),
        "colours": list(COLOURS),
        "nouns": [{"name": noun.name, "plural": noun.plural, "look": _LOOKS.index((noun.name, COLOURS[0] if noun.tintable else None)),
                   "isTintable": noun.tintable} for noun in NOUNS],
        "variants": _VARIANTS,
        "places": [{"name": place.name, "phrase": place.phrase, "typical": list(place.typical)} for place in PLACES],
        "habits": [{"place": place, "trigger": trigger, "invented": invented}
                   for place, companions in COMPANIONS.items() for trigger, invented in companions.items()],
    }


def write_golden(folder: Path) -> None:
    """Scenes in every size and rotation as scenes.render draws them, <number>.png, and what is in them, scenes.json."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    described = []
    for number in range(6):
        rng = np.random.default_rng(number)
        few, many = (1, 2), (3, 5)
        scene = replace(sample_scene(rng, 0.5, *(few if number % 2 else many)), variant=int(rng.integers(_VARIANTS)))
        Image.fromarray(render(scene)).save(folder / f"{number}.png", optimize=True)
        described.append({
            "place": scene.place.name, "variant": scene.variant,
            "sprites": [{"noun": g.noun, "colour": g.colour, **asdict(p)} for g in scene.groups for p in g.placements],
        })
    (folder / "scenes.json").write_text(json.dumps(described, indent=1) + "\n")


def _sprite_sheet() -> np.ndarray:
    """The emoji of every noun in every colour, row by row, (H, W, 4) uint8, colours not premultiplied."""
    tiles = [np.asarray(emoji(noun, colour)) for noun, colour in _LOOKS]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    return np.concatenate([np.concatenate(tiles[i : i + _COLUMNS], 1) for i in range(0, len(tiles), _COLUMNS)])


def _background_sheet() -> np.ndarray:
    """A column for each place and a row for each variant, (variants * 96, places * 96, 3) uint8."""
    return np.concatenate([np.concatenate([background(place.name, v) for place in PLACES], 1) for v in range(_VARIANTS)])
