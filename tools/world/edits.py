"""Edited scenes: the same picture as somebody would believe it who is wrong in one point, or who overlooks something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .scenes import MAX_SPRITES, Group, Scene, place_sprite
from .vocabulary import COLOURS, NOUN_BY_NAME, NOUNS, PLACES, typical_weights

_NAMES = tuple(noun.name for noun in NOUNS)


def subset(rng: np.random.Generator, scene: Scene, size: int | None = None) -> Scene:
    """The scene with a random part of its groups (uniform size unless given), in random order."""
    order = rng.permutation(len(scene.groups))
    size = int(rng.integers(1, len(order) + 1)) if size is None else size
    return replace(scene, groups=tuple(scene.groups[i] for i in order[:size]))


def absent_noun(rng: np.random.Generator, scene: Scene, typical: float) -> str | None:
    """A noun that is not in the scene: by probability `typical` from the place's list (Zipf), else uniform."""
    if rng.random() < typical:
        weights = np.array([0.0 if noun in scene.nouns else w for noun, w in zip(scene.place.typical, typical_weights(scene.place))])
        if weights.sum() > 0:
            return scene.place.typical[rng.choice(len(weights), p=weights / weights.sum())]
    for _ in range(20):
        noun = _NAMES[rng.integers(len(_NAMES))]
        if noun not in scene.nouns:
            return noun
    return None


def invent(rng: np.random.Generator, scene: Scene, noun: str) -> Group:
    """A group that is not there, with a colour, a number and a free slot as a true one would have."""
    colour = COLOURS[rng.integers(len(COLOURS))] if NOUN_BY_NAME[noun].tintable else None
    taken = {(p.x * 3 // 96) + 3 * (p.y * 3 // 96) for group in scene.groups for p in group.placements}
    free = [slot for slot in range(9) if slot not in taken] or list(range(9))
    count = min(1 + int(rng.choice(3, p=(0.8, 0.15, 0.05))), len(free), max(1, MAX_SPRITES - len(taken)))
    slots = rng.permutation(free)[:count]
    return Group(noun, colour, tuple(place_sprite(rng, int(slot), 1, 4) for slot in slots))


def add_noun(rng: np.random.Generator, mentioned: Scene, scene: Scene, typical: float) -> Scene:
    """The mentioned groups and an invented one at a uniformly random place among them."""
    noun = absent_noun(rng, scene, typical)
    if noun is None:
        return mentioned
    at = int(rng.integers(len(mentioned.groups) + 1))
    groups = list(mentioned.groups)
    groups.insert(at, invent(rng, scene, noun))
    return replace(mentioned, groups=tuple(groups))


def swap_noun(rng: np.random.Generator, mentioned: Scene, scene: Scene, typical: float) -> Scene:
    """One mentioned noun replaced by an absent one; place, number and, where it has one, the colour stay."""
    at = int(rng.integers(len(mentioned.groups)))
    old = mentioned.groups[at]
    noun = None
    for _ in range(12):  # prefer a noun of the same kind, so that only one word of the caption changes
        noun = absent_noun(rng, scene, typical)
        if noun is not None and NOUN_BY_NAME[noun].tintable == NOUN_BY_NAME[old.noun].tintable:
            break
    if noun is None:
        return mentioned
    colour = None
    if NOUN_BY_NAME[noun].tintable:
        colour = old.colour or COLOURS[rng.integers(len(COLOURS))]
    groups = list(mentioned.groups)
    groups[at] = Group(noun, colour, old.placements)
    return replace(mentioned, groups=tuple(groups))


def wrong_colour(rng: np.random.Generator, mentioned: Scene) -> Scene:
    """One coloured group in another colour; unchanged where nothing has a colour."""
    coloured = [i for i, group in enumerate(mentioned.groups) if group.colour is not None]
    if not coloured:
        return mentioned
    at = coloured[rng.integers(len(coloured))]
    old = mentioned.groups[at]
    others = [colour for colour in COLOURS if colour != old.colour]
    groups = list(mentioned.groups)
    groups[at] = replace(old, colour=others[rng.integers(len(others))])
    return replace(mentioned, groups=tuple(groups))


def wrong_number(rng: np.random.Generator, mentioned: Scene) -> Scene:
    """One group with another number of objects (1 to 3)."""
    at = int(rng.integers(len(mentioned.groups)))
    old = mentioned.groups[at]
    number = [n for n in (1, 2, 3) if n != old.count][rng.integers(2)]
    placements = (old.placements * 3)[:number]
    groups = list(mentioned.groups)
    groups[at] = replace(old, placements=placements)
    return replace(mentioned, groups=tuple(groups))


def wrong_place(rng: np.random.Generator, mentioned: Scene) -> Scene:
    """The same objects somewhere else."""
    others = [place for place in PLACES if place is not mentioned.place]
    return replace(mentioned, place=others[rng.integers(len(others))])


def wrong_positions(rng: np.random.Generator, mentioned: Scene) -> Scene:
    """The picture mirrored left-right, top-bottom or both: every position and relation along that axis turns round."""
    flip_x, flip_y = ((True, False), (False, True), (True, True))[rng.integers(3)]

    def mirror(group: Group) -> Group:
        return replace(group, placements=tuple(
            replace(p, x=96 - p.x if flip_x else p.x, y=96 - p.y if flip_y else p.y) for p in group.placements))

    return replace(mentioned, groups=tuple(mirror(group) for group in mentioned.groups))
