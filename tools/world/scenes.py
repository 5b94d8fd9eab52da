"""Scenes: what is in a picture, where, and the truth that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .backgrounds import IMAGE_SIZE, background
from .lettering import Lettering, draw_lettering, sample_lettering
from .sprites import ANGLES, SIZES, sprite
from .vocabulary import COLOURS, NOUN_BY_NAME, NOUNS, PLACES, Place, typical_weights

BACKGROUND_VARIANTS = 96
"""Variants of each place; the splits of the data set draw from the same pool."""
RELATION_MARGIN = 18
"""Pixels between centres before "left of" or "above" counts as true."""
MAX_SPRITES = 8
_TYPICAL_WEIGHTS = {place.name: np.array(typical_weights(place)) for place in PLACES}
_NAMES = [noun.name for noun in NOUNS]


@dataclass(frozen=True)
class Placement:
    """One sprite: centre in pixels from the top left, and indices into SIZES and ANGLES."""

    x: int
    y: int
    size: int
    angle: int
    flip: bool


@dataclass(frozen=True)
class Group:
    """All objects of one noun: they share a colour (None where the noun has only its natural one)."""

    noun: str
    colour: str | None
    placements: tuple[Placement, ...]

    @property
    def count(self) -> int:
        return len(self.placements)


@dataclass(frozen=True)
class Scene:
    """A picture's full description; render(scene) is a pure function of it."""

    place: Place
    variant: int
    groups: tuple[Group, ...]
    lettering: Lettering | None = None

    @property
    def nouns(self) -> tuple[str, ...]:
        return tuple(group.noun for group in self.groups)

    def hallucination_prone(self) -> tuple[str, ...]:
        """The typical but absent nouns: AMBER's `hallu` words."""
        return tuple(noun for noun in self.place.typical if noun not in self.nouns)


def sample_scene(
    rng: np.random.Generator,
    typicality: float,
    min_kinds: int = 1,
    max_kinds: int = 5,
    counts: tuple[float, float, float] = (0.74, 0.17, 0.09),
    first: str | None = None,
    lettering_rate: float = 0.0,
) -> Scene:
    """Draws a scene.

    typicality: probability that an object comes from the place's typical list (Zipf) rather than from all nouns (uniform).
    counts: probabilities of one, two or three objects of a kind. first: a noun that must be in the scene.
    lettering_rate: probability that a word is written into the picture.
    """
    place = PLACES[rng.integers(len(PLACES))]
    kinds = int(rng.integers(min_kinds, max_kinds + 1))
    nouns: list[str] = [] if first is None else [first]
    while len(nouns) < kinds:
        if rng.random() < typicality:
            noun = place.typical[rng.choice(len(place.typical), p=_TYPICAL_WEIGHTS[place.name])]
        else:
            noun = _NAMES[rng.integers(len(_NAMES))]
        if noun not in nouns:
            nouns.append(noun)
    numbers: list[int] = []
    room = MAX_SPRITES
    for i in range(len(nouns)):
        wanted = 1 + int(rng.choice(3, p=counts))
        number = max(1, min(wanted, room - (len(nouns) - i - 1)))
        numbers.append(number)
        room -= number
    total = sum(numbers)
    slots = iter(rng.permutation(9))
    low, high = (2, 5) if total <= 2 else (1, 4) if total <= 4 else (0, 3)
    groups = []
    for noun, number in zip(nouns, numbers):
        colour = COLOURS[rng.integers(len(COLOURS))] if NOUN_BY_NAME[noun].tintable else None
        groups.append(Group(noun, colour, tuple(place_sprite(rng, int(next(slots)), low, high) for _ in range(number))))
    variant = int(rng.integers(BACKGROUND_VARIANTS))
    lettering = sample_lettering(rng) if lettering_rate > 0 and rng.random() < lettering_rate else None
    return Scene(place, variant, tuple(groups), lettering)


def place_sprite(rng: np.random.Generator, slot: int, low: int, high: int) -> Placement:
    """A sprite in one of the nine slots, jittered; its size index is drawn from low..high-1."""
    column, row = slot % 3, slot // 3
    size = int(rng.integers(low, high))
    edge = SIZES[size] // 2 + 1
    jitter_x, jitter_y = int(rng.integers(-3, 4)), int(rng.integers(-3, 4))
    x = int(np.clip(16 + 32 * column + jitter_x, edge, IMAGE_SIZE - edge))
    y = int(np.clip(16 + 32 * row + jitter_y, edge, IMAGE_SIZE - edge))
    return Placement(x, y, size, int(rng.integers(len(ANGLES))), bool(rng.random() < 0.5))


def render(scene: Scene) -> np.ndarray:
    """The picture of a scene, (96, 96, 3) uint8. Sprites further down are drawn over those further up.

    Channels keep six bits (repeated into the low two, so that white stays 255): nobody sees it, and PNG files are a
    quarter smaller.
    """
    canvas = background(scene.place.name, scene.variant).astype(np.float32)
    layers = [(p.y, group, p) for group in scene.groups for p in group.placements]
    for _, group, p in sorted(layers, key=lambda layer: layer[0]):
        colour, through = sprite(group.noun, group.colour, p.size, p.angle, p.flip)
        side = colour.shape[0]
        left, top = p.x - side // 2, p.y - side // 2
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + side, IMAGE_SIZE), min(top + side, IMAGE_SIZE)
        window = canvas[y0:y1, x0:x1]
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        window *= through[part]
        window += colour[part]
    picture = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
    if scene.lettering is not None:
        picture = draw_lettering(picture, scene.lettering)
    return (picture & 0xFC) | (picture >> 6)


def relation(a: Group, b: Group) -> tuple[str, ...]:
    """Which of "left of", "right of", "above", "below" hold between all objects of a and all objects of b."""
    found = []
    ax, ay = [p.x for p in a.placements], [p.y for p in a.placements]
    bx, by = [p.x for p in b.placements], [p.y for p in b.placements]
    if min(bx) - max(ax) >= RELATION_MARGIN:
        found.append("left of")
    if min(ax) - max(bx) >= RELATION_MARGIN:
        found.append("right of")
    if min(by) - max(ay) >= RELATION_MARGIN:
        found.append("above")
    if min(ay) - max(by) >= RELATION_MARGIN:
        found.append("below")
    return tuple(found)


def position(group: Group) -> tuple[str, ...]:
    """Where a single object stands: "left" or "right", "top" or "bottom", or "middle"; empty for several objects."""
    if group.count != 1:
        return ()
    p, third = group.placements[0], IMAGE_SIZE / 3
    found = []
    if p.x < third - 4:
        found.append("left")
    elif p.x > 2 * third + 4:
        found.append("right")
    if p.y < third - 4:
        found.append("top")
    elif p.y > 2 * third + 4:
        found.append("bottom")
    return tuple(found) if found else ("middle",)
