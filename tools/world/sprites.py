"""Sprites: emoji images in every colour, size and rotation a scene may need, cut once and cached as arrays.

Each sprite carries a soft shadow, which lifts it from the background. All entries are premultiplied by alpha, so that
composing a scene is one multiply-add per sprite.
"""

from __future__ import annotations

import colorsys
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from .vocabulary import NOUN_BY_NAME

SPRITE_FOLDER = Path(__file__).parent / "sprites"
SIZES: tuple[int, ...] = (27, 30, 33, 37, 42)
"""Side of the emoji in scene pixels; index = `size` of a placement."""
ANGLES: tuple[int, ...] = (-14, -9, -4, 0, 4, 9, 14)
"""Rotation in degrees; index = `angle` of a placement."""

# Hue in degrees, then factors on saturation and value.
_TINTS: dict[str, tuple[float, float, float]] = {
    "red": (0, 1.0, 0.95),
    "yellow": (50, 1.05, 1.08),
    "green": (125, 0.95, 0.80),
    "blue": (213, 1.05, 0.98),
    "purple": (274, 0.85, 0.80),
    "pink": (332, 0.55, 1.12),
}


def tint(image: Image.Image, colour: str) -> Image.Image:
    """Gives the pixels of an RGBA emoji's dominant hue the named colour and leaves the others (wheels, windows) as they are."""
    rgba = np.asarray(image.convert("RGBA"), dtype=np.float64) / 255
    rgb, alpha = rgba[..., :3], rgba[..., 3]
    value = rgb.max(-1)
    saturation = np.where(value > 0, (value - rgb.min(-1)) / np.maximum(value, 1e-6), 0)
    hue = np.asarray(image.convert("RGB").convert("HSV"), dtype=np.float64)[..., 0] * (360 / 255)
    coloured = (saturation > 0.22) & (value > 0.25) & (alpha > 0.3)
    histogram = np.bincount((hue[coloured] // 10).astype(int) % 36, weights=saturation[coloured], minlength=36)
    dominant = (np.argmax(histogram + np.roll(histogram, 1) + np.roll(histogram, -1)) + 0.5) * 10
    distance = np.abs((hue - dominant + 180) % 360 - 180)
    chosen = coloured & (distance < 38)
    # Pale or dark emojis (the bus, the telephone) are brought to one strength before the tint's own factors.
    mean_saturation = max(float(saturation[chosen].mean()), 1e-3)
    mean_value = max(float(value[chosen].mean()), 1e-3)
    target_hue, saturation_factor, value_factor = _TINTS[colour]
    new_saturation = np.clip(saturation * (0.80 / mean_saturation) * saturation_factor, 0, 1)
    new_value = np.clip(value * (0.88 / mean_value) * value_factor, 0, 1)
    base = np.array(colorsys.hsv_to_rgb(target_hue / 360, 1.0, 1.0))
    tinted = new_value[..., None] * (1 - new_saturation[..., None] * (1 - base))
    out = rgba.copy()
    out[..., :3] = np.where(chosen[..., None], tinted, rgb)
    return Image.fromarray((out * 255 + 0.5).astype(np.uint8), "RGBA")


@cache
def emoji(noun: str, colour: str | None) -> Image.Image:
    """The emoji of a noun as a 64x64 RGBA image, tinted if a colour is given."""
    image = Image.open(SPRITE_FOLDER / f"{noun}.png").convert("RGBA")
    if colour is not None:
        if not NOUN_BY_NAME[noun].tintable:
            raise ValueError(f"sprites: {noun} is not tintable, got colour {colour}")
        image = tint(image, colour)
    return image


@cache
def sprite(noun: str, colour: str | None, size: int, angle: int, flip: bool) -> tuple[np.ndarray, np.ndarray]:
    """One cut sprite: premultiplied colour (S, S, 3) in 0..255 and transparency 1 - alpha (S, S, 1), both float32."""
    side = SIZES[size]
    canvas = side + 12
    image = emoji(noun, colour)
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(ANGLES[angle], resample=Image.Resampling.BICUBIC, expand=True)
    scale = side / 64
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    layer = Image.new("RGBA", (canvas, canvas))
    layer.alpha_composite(image, ((canvas - image.width) // 2, (canvas - image.height) // 2))
    shadow_alpha = layer.getchannel("A").filter(ImageFilter.GaussianBlur(1.6))
    shadow = Image.new("RGBA", (canvas, canvas), (20, 24, 40, 0))
    shadow.putalpha(shadow_alpha.point(lambda a: a * 0.45))
    below = Image.new("RGBA", (canvas, canvas))
    below.paste(shadow, (0, 2))
    below.alpha_composite(layer)
    rgba = np.asarray(below, dtype=np.float32)
    alpha = rgba[..., 3:] / 255
    return rgba[..., :3] * alpha, 1 - alpha
