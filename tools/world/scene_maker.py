"""What the page draws scenes from: cut sprites on one sheet, backgrounds on another, and a JSON of the rules and the habits.

The page composes a picture as scenes.render does, from sprites that are cut here, so that the models see what they were
trained on. To stay small it has three of the five sizes, no rotation, and a few variants of each background.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .backgrounds import IMAGE_SIZE, background
from .habits import COMPANIONS
from .scenes import MAX_SPRITES, Group, Placement, Scene, render
from .sprites import ANGLES, SIZES, SPRITE_FOLDER, sprite
from .vocabulary import COLOURS, NOUN_BY_NAME, NOUNS, PLACE_BY_NAME, PLACES

BUDGET = 1_000_000
"""Bytes that all files together may take."""
_SIZES = {"small": 0, "medium": 2, "large": 4}
_UPRIGHT = ANGLES.index(0)
_COLUMNS = 16
_VARIANTS = 8
_LOOKS = [(noun.name, colour) for noun in NOUNS for colour in (COLOURS if noun.tintable else (None,))]


_README = """# scene-maker

What the page draws scenes from: sprites and backgrounds as in emoji-scenes, cut and drawn by `tools/world/scene_maker.py`.

Sprites are Noto Emoji images, copyright Google LLC, Apache License 2.0 (LICENSE), some of them tinted; backgrounds are drawn by
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
    """Where everything lies on the sheets, the rules of placement, and each habit as a scene that sets a trap for it."""
    top, sizes = 0, []
    rows = -(-len(_LOOKS) // _COLUMNS)
    for name, size in _SIZES.items():
        cell = SIZES[size] + 12
        sizes.append({"name": name, "side": SIZES[size], "cell": cell, "top": top})
        top += rows * cell
    return {
        "imageSize": IMAGE_SIZE,
        "mostSprites": MAX_SPRITES,
        "columns": _COLUMNS,
        "sizes": sizes,
        "colours": list(COLOURS),
        "nouns": [{"name": noun.name, "plural": noun.plural, "look": _LOOKS.index((noun.name, COLOURS[0] if noun.tintable else None)),
                   "isTintable": noun.tintable} for noun in NOUNS],
        "variants": _VARIANTS,
        "places": [{"name": place.name, "phrase": place.phrase, "typical": list(place.typical)} for place in PLACES],
        "traps": traps(),
    }


def traps() -> list[dict[str, Any]]:
    """For each habit a scene with what sets it off and one other thing of the place, and without what it invents."""
    found = []
    for place_name, companions in COMPANIONS.items():
        for trigger, invented in companions.items():
            rng = np.random.default_rng([PLACES.index(PLACE_BY_NAME[place_name]), NOUNS.index(NOUN_BY_NAME[trigger])])
            others = [noun for noun in PLACE_BY_NAME[place_name].typical if noun not in (trigger, invented) and noun not in companions]
            other = str(rng.choice(others))
            slots = rng.choice([0, 2, 3, 5, 6, 8], 2, replace=False)
            found.append({
                "place": place_name, "trigger": trigger, "invented": invented, "variant": int(rng.integers(_VARIANTS)),
                "sprites": [_placed(rng, noun, int(slot)) for noun, slot in zip((trigger, other), slots)],
            })
    return found


def _placed(rng: np.random.Generator, noun: str, slot: int) -> dict[str, Any]:
    colour = COLOURS[int(rng.integers(len(COLOURS)))] if NOUN_BY_NAME[noun].tintable else None
    edge = SIZES[_SIZES["medium"]] // 2 + 1
    x, y = (int(np.clip(16 + 32 * at, edge, IMAGE_SIZE - edge)) for at in (slot % 3, slot // 3))
    return {"noun": noun, "colour": colour, "size": list(_SIZES).index("medium"), "x": x, "y": y, "flip": bool(rng.random() < 0.5)}


def trap_scene(trap: dict[str, Any]) -> Scene:
    """The scene of a trap, for scenes.render: what the page's own drawing is held against."""
    size = list(_SIZES.values())
    groups = tuple(Group(s["noun"], s["colour"], (Placement(s["x"], s["y"], size[s["size"]], _UPRIGHT, s["flip"]),)) for s in trap["sprites"])
    return Scene(PLACE_BY_NAME[trap["place"]], trap["variant"], groups)


def write_golden(folder: Path, every: int = 5) -> None:
    """Some traps' pictures as scenes.render draws them, as <number>.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, trap in enumerate(traps()):
        if number % every == 0:
            Image.fromarray(render(trap_scene(trap))).save(folder / f"{number}.png", optimize=True)


def _sprite_sheet() -> np.ndarray:
    """All looks at every size, row by row, (H, W, 4) uint8, colours not premultiplied. Six bits a channel, as scenes.render keeps."""
    blocks = []
    for size in _SIZES.values():
        tiles = [_tile(noun, colour, size) for noun, colour in _LOOKS]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
        blocks.append(np.concatenate([np.concatenate(tiles[i : i + _COLUMNS], 1) for i in range(0, len(tiles), _COLUMNS)]))
    width = max(block.shape[1] for block in blocks)
    sheet = np.concatenate([np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0))) for block in blocks])
    return (sheet & 0xFC) | (sheet >> 6)


def _tile(noun: str, colour: str | None, size: int) -> np.ndarray:
    premultiplied, through = sprite(noun, colour, size, _UPRIGHT, False)
    alpha = 1 - through
    rgb = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 1 / 512)
    return np.clip(np.concatenate([rgb, alpha * 255], -1) + 0.5, 0, 255).astype(np.uint8)


def _background_sheet() -> np.ndarray:
    """A column for each place and a row for each variant, (variants * 96, places * 96, 3) uint8."""
    return np.concatenate([np.concatenate([background(place.name, v) for place in PLACES], 1) for v in range(_VARIANTS)])
