"""Words written into a picture: what the filter "drop images that contain text" has to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .vocabulary import SINGULAR

_VOWELS, _CONSONANTS = "aeiou", "bcdfghklmnprstvwz"
_PAPERS = ((250, 248, 240), (250, 220, 90), (40, 60, 120), (190, 50, 50), (30, 30, 34), (50, 130, 80))
_LINES = (9, 32, 64, 87)
"""Heights of the words' centres: between the rows of objects, where they hide least."""


@dataclass(frozen=True)
class Lettering:
    """A word, its size in pixels, its centre, and the index of its paper (-1: letters with an outline, no paper)."""

    word: str
    size: int
    x: int
    y: int
    paper: int


def sample_lettering(rng: np.random.Generator) -> Lettering:
    """A made-up word of three to seven letters, so that no word of the vocabulary is read."""
    length = int(rng.integers(3, 8))
    letters = [(_CONSONANTS if i % 2 == 0 else _VOWELS)[rng.integers(17 if i % 2 == 0 else 5)] for i in range(length)]
    word = "".join(letters)
    if word in SINGULAR:
        word += "o"
    word = word.upper() if rng.random() < 0.6 else word.capitalize()
    return Lettering(word, int(rng.integers(11, 16)), int(rng.integers(30, 67)), _LINES[rng.integers(len(_LINES))], int(rng.integers(-1, len(_PAPERS))))


def draw_lettering(picture: np.ndarray, lettering: Lettering) -> np.ndarray:
    """The picture with the word written over it, (H, W, 3) uint8."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(lettering.size)
    where = (lettering.x, lettering.y)
    if lettering.paper < 0:
        draw.text(where, lettering.word, font=font, anchor="mm", fill=(255, 255, 255), stroke_width=2, stroke_fill=(30, 30, 40))
    else:
        paper = _PAPERS[lettering.paper]
        left, top, right, bottom = draw.textbbox(where, lettering.word, font=font, anchor="mm")
        draw.rounded_rectangle([left - 4, top - 3, right + 4, bottom + 3], 3, fill=paper)
        ink = (25, 25, 30) if sum(paper) > 380 else (250, 250, 250)
        draw.text(where, lettering.word, font=font, anchor="mm", fill=ink)
    return np.asarray(image)
