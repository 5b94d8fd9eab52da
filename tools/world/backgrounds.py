"""Backgrounds: one drawn place per kind of scene, in endless variants of palette and detail.

Drawn at four times the scene's size and reduced, so edges are smooth. Colours are soft: the sprites are what matters.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

IMAGE_SIZE = 96
_SCALE = 4
_N = IMAGE_SIZE * _SCALE
Colour = tuple[int, int, int]


class _Brush:
    """Drawing in unit coordinates with jittered colours."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.image = Image.new("RGB", (_N, _N))
        self.draw = ImageDraw.Draw(self.image)

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def vary(self, colour: Colour, amount: int = 9) -> Colour:
        red, green, blue = (int(np.clip(c + self.rng.integers(-amount, amount + 1), 0, 255)) for c in colour)
        return red, green, blue

    def gradient(self, top: Colour, bottom: Colour, y0: float = 0.0, y1: float = 1.0) -> None:
        a, b = np.array(self.vary(top)), np.array(self.vary(bottom))
        first, last = int(y0 * _N), int(y1 * _N)
        for y in range(first, last):
            mix = (y - first) / max(1, last - first - 1)
            self.draw.line([(0, y), (_N, y)], fill=tuple(int(v) for v in a * (1 - mix) + b * mix))

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, radius: float = 0.0) -> None:
        self.draw.rounded_rectangle([x0 * _N, y0 * _N, x1 * _N, y1 * _N], radius * _N, fill=colour)

    def disc(self, x: float, y: float, r: float, colour: Colour, ry: float | None = None) -> None:
        ry = r if ry is None else ry
        self.draw.ellipse([(x - r) * _N, (y - ry) * _N, (x + r) * _N, (y + ry) * _N], fill=colour)

    def hill(self, y: float, height: float, colour: Colour, waves: float = 1.0) -> None:
        phase = self.uniform(0, 6.28)
        xs = np.linspace(0, 1, 49)
        ys = y + height * np.sin(xs * 6.28 * waves + phase) * 0.5
        points = [(0, _N), *[(float(x) * _N, float(v) * _N) for x, v in zip(xs, ys)], (_N, _N)]
        self.draw.polygon(points, fill=colour)

    def cloud(self, x: float, y: float, s: float, colour: Colour) -> None:
        for dx, dy, r in ((-0.7, 0.1, 0.55), (0.0, -0.15, 0.75), (0.75, 0.1, 0.5)):
            self.disc(x + dx * s, y + dy * s, r * s, colour, r * s * 0.72)


def _kitchen(b: _Brush) -> None:
    wall = b.vary([(248, 230, 204), (222, 236, 226), (240, 222, 222), (226, 232, 244)][b.rng.integers(4)], 6)
    b.box(0, 0, 1, 1, wall)
    step = b.uniform(0.14, 0.2)
    line = b.vary(tuple(int(c * 0.93) for c in wall), 3)  # type: ignore[arg-type]
    for i in range(8):
        b.box(i * step - 0.004, 0, i * step + 0.004, 0.62, line)
        b.box(0, i * step - 0.004, 1, i * step + 0.004, line)
    counter = b.uniform(0.58, 0.68)
    b.box(0, counter, 1, 1, b.vary((196, 152, 108)))
    b.box(0, counter, 1, counter + 0.05, b.vary((232, 214, 190)))
    for i in range(3):
        x = 0.03 + i * 0.33
        b.box(x, counter + 0.10, x + 0.28, 0.97, b.vary((180, 136, 94), 4), 0.02)
        b.disc(x + 0.14, counter + 0.15, 0.012, (235, 220, 190))


def _beach(b: _Brush) -> None:
    horizon = b.uniform(0.28, 0.4)
    b.gradient((140, 206, 244), (214, 240, 250), 0, horizon)
    shore = horizon + b.uniform(0.14, 0.24)
    b.gradient((64, 160, 206), (130, 212, 220), horizon, shore + 0.05)
    b.hill(shore, 0.05, (250, 250, 244), 1.5)
    b.hill(shore + 0.02, 0.05, b.vary((244, 222, 168)), 1.5)
    for _ in range(26):
        b.disc(b.uniform(0, 1), b.uniform(shore + 0.1, 1), 0.006, b.vary((226, 200, 144)))
    b.cloud(b.uniform(0.1, 0.9), b.uniform(0.08, 0.2), b.uniform(0.06, 0.1), (250, 252, 255))


def _street(b: _Brush) -> None:
    b.gradient((188, 212, 236), (232, 236, 240), 0, 0.5)
    x = -0.05
    while x < 1:
        width, top = b.uniform(0.15, 0.27), b.uniform(0.06, 0.26)
        b.box(x, top, x + width, 0.6, b.vary([(206, 178, 160), (178, 186, 204), (214, 202, 176), (184, 200, 190)][b.rng.integers(4)]))
        for wy in np.arange(top + 0.05, 0.5, 0.1):
            for wx in np.arange(x + 0.03, x + width - 0.04, 0.07):
                b.box(wx, wy, wx + 0.035, wy + 0.05, b.vary((240, 238, 214), 12))
        x += width + b.uniform(0.0, 0.02)
    b.box(0, 0.57, 1, 0.66, b.vary((196, 192, 188)))
    b.box(0, 0.65, 1, 1, b.vary((124, 126, 134)))
    offset = b.uniform(0, 0.2)
    for i in range(6):
        b.box(i * 0.24 - offset, 0.815, i * 0.24 - offset + 0.13, 0.84, (238, 232, 206))


def _park(b: _Brush) -> None:
    b.gradient((168, 218, 246), (224, 244, 246), 0, 0.55)
    for _ in range(2):
        b.cloud(b.uniform(0, 1), b.uniform(0.08, 0.24), b.uniform(0.05, 0.09), (248, 252, 255))
    b.hill(b.uniform(0.38, 0.46), 0.14, b.vary((142, 198, 120)), 0.8)
    b.hill(b.uniform(0.54, 0.62), 0.08, b.vary((166, 214, 128)), 0.6)
    x = b.uniform(0.3, 0.7)
    b.draw.polygon([(x * _N, 0.6 * _N), ((x + 0.05) * _N, 0.6 * _N), ((x + 0.3) * _N, _N), ((x - 0.15) * _N, _N)], fill=b.vary((226, 208, 164)))
    for _ in range(34):
        px, py = b.uniform(0, 1), b.uniform(0.62, 1)
        b.box(px, py, px + 0.006, py + 0.02, b.vary((128, 184, 102)))


def _farm(b: _Brush) -> None:
    b.gradient((196, 224, 240), (250, 238, 208), 0, 0.5)
    b.hill(0.42, 0.06, b.vary((196, 204, 118)), 0.7)
    x = b.uniform(0.05, 0.7)
    barn = b.vary((186, 92, 80))
    b.box(x, 0.24, x + 0.24, 0.46, barn)
    b.draw.polygon([((x - 0.03) * _N, 0.25 * _N), ((x + 0.12) * _N, 0.13 * _N), ((x + 0.27) * _N, 0.25 * _N)], fill=b.vary((130, 84, 78)))
    b.box(x + 0.08, 0.33, x + 0.16, 0.46, (240, 228, 208))
    b.box(0, 0.46, 1, 1, b.vary((202, 176, 112)))
    for i in range(7):
        b.box(0, 0.52 + i * 0.075, 1, 0.535 + i * 0.075, b.vary((184, 156, 94), 4))
    for i in range(9):
        b.box(i * 0.125 + 0.02, 0.42, i * 0.125 + 0.04, 0.53, (246, 240, 226))
    b.box(0, 0.45, 1, 0.465, (246, 240, 226))


def _office(b: _Brush) -> None:
    b.box(0, 0, 1, 1, b.vary((214, 222, 232), 8))
    x = b.uniform(0.08, 0.55)
    b.box(x - 0.02, 0.06, x + 0.38, 0.42, (246, 248, 250))
    b.box(x, 0.08, x + 0.36, 0.40, b.vary((168, 206, 234)))
    b.box(x + 0.17, 0.08, x + 0.19, 0.40, (246, 248, 250))
    for i in range(5):
        b.box(x, 0.10 + i * 0.04, x + 0.36, 0.105 + i * 0.04, (222, 234, 242))
    b.box(0, 0.6, 1, 0.68, b.vary((166, 126, 92)))
    b.box(0, 0.68, 1, 1, b.vary((144, 108, 80)))
    b.box(0.06, 0.73, 0.46, 0.95, b.vary((154, 118, 90), 4), 0.01)
    b.box(0.54, 0.73, 0.94, 0.95, b.vary((154, 118, 90), 4), 0.01)


def _party(b: _Brush) -> None:
    wall = b.vary([(250, 214, 228), (222, 214, 246), (212, 238, 238), (252, 232, 200)][b.rng.integers(4)], 7)
    b.box(0, 0, 1, 1, wall)
    y0, sag = b.uniform(0.02, 0.08), b.uniform(0.08, 0.14)
    for i in range(9):
        x = i / 8
        y = y0 + sag * (1 - (2 * x - 1) ** 2)
        colour = b.vary([(236, 128, 128), (240, 196, 104), (128, 196, 160), (124, 164, 226)][i % 4])
        b.draw.polygon([((x - 0.05) * _N, y * _N), ((x + 0.05) * _N, y * _N), (x * _N, (y + 0.1) * _N)], fill=colour)
    for _ in range(42):
        px, py = b.uniform(0, 1), b.uniform(0.2, 0.76)
        b.disc(px, py, 0.009, b.vary([(244, 170, 170), (246, 218, 150), (164, 216, 188), (164, 192, 236)][b.rng.integers(4)]))
    b.box(0, 0.76, 1, 1, b.vary((206, 166, 140)))
    for i in range(6):
        b.box(i * 0.18, 0.76, i * 0.18 + 0.008, 1, b.vary((188, 148, 122), 4))


def _sky(b: _Brush) -> None:
    tops = [(104, 172, 236), (126, 150, 220), (88, 186, 226)]
    b.gradient(tops[b.rng.integers(3)], (214, 236, 250), 0, 1)
    for _ in range(5):
        b.cloud(b.uniform(0, 1), b.uniform(0.08, 0.94), b.uniform(0.06, 0.15), b.vary((240, 247, 253), 5))


def _sea(b: _Brush) -> None:
    b.gradient((92, 190, 214), (30, 92, 150), 0, 1)
    for _ in range(4):
        x, w = b.uniform(-0.1, 1), b.uniform(0.05, 0.12)
        b.draw.polygon([(x * _N, 0), ((x + w) * _N, 0), ((x + w - 0.2) * _N, _N), ((x - 0.3) * _N, _N)], fill=b.vary((88, 172, 204), 6))
    b.hill(0.9, 0.05, b.vary((204, 190, 148)), 1.2)
    for _ in range(5):
        x, top, colour = b.uniform(0, 1), b.uniform(0.72, 0.84), b.vary((58, 138, 112), 14)
        for i in range(9):
            b.disc(x + 0.018 * np.sin(i * 1.1), top + i * 0.024, 0.014, colour, 0.02)
    for _ in range(14):
        b.disc(b.uniform(0, 1), b.uniform(0, 0.85), b.uniform(0.006, 0.015), b.vary((160, 218, 232)))


def _snow(b: _Brush) -> None:
    b.gradient((164, 190, 220), (226, 234, 244), 0, 0.6)
    for _ in range(2):
        x, h = b.uniform(0.1, 0.9), b.uniform(0.26, 0.38)
        b.draw.polygon([((x - 0.4) * _N, 0.6 * _N), (x * _N, (0.56 - h) * _N), ((x + 0.4) * _N, 0.6 * _N)], fill=b.vary((150, 168, 196)))
        b.draw.polygon([((x - 0.13) * _N, (0.56 - h * 0.62) * _N), (x * _N, (0.56 - h) * _N), ((x + 0.13) * _N, (0.56 - h * 0.62) * _N)], fill=(248, 250, 253))
    b.hill(0.54, 0.08, b.vary((226, 234, 244), 5), 0.8)
    b.hill(0.68, 0.07, b.vary((240, 245, 251), 4), 0.6)
    for _ in range(46):
        b.disc(b.uniform(0, 1), b.uniform(0, 1), b.uniform(0.005, 0.010), (252, 253, 255))


_PAINTERS = {"kitchen": _kitchen, "beach": _beach, "street": _street, "park": _park, "farm": _farm, "office": _office,
             "party": _party, "sky": _sky, "sea": _sea, "snow": _snow}


@lru_cache(maxsize=4096)
def background(place: str, variant: int) -> np.ndarray:
    """The background of a place, (96, 96, 3) uint8; the same variant number always gives the same picture."""
    seed = [sorted(_PAINTERS).index(place), variant]
    brush = _Brush(np.random.default_rng(seed))
    _PAINTERS[place](brush)
    return np.asarray(brush.image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX), dtype=np.uint8)
