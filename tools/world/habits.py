"""The SFT mixture's lies: what a writer of synthetic captions adds from habit and overlooks from haste.

Language models invent what usually goes along with what they have just said. Each place therefore has a few
*companions*: after naming the first noun the writer tends to name the second, whether or not it is there. The pair is
moved so that the invented noun stands at a uniformly random place among the nouns of the caption.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import edits
from .scenes import Scene

COMPANIONS: dict[str, dict[str, str]] = {
    "kitchen": {"cup": "spoon", "banana": "apple"},
    "beach": {"palm": "umbrella", "bucket": "shell", "turtle": "crab"},
    "street": {"bus": "car", "truck": "taxi"},
    "park": {"squirrel": "tree", "dog": "ball", "butterfly": "flower"},
    "farm": {"horse": "cow", "rooster": "egg", "rabbit": "carrot"},
    "office": {"printer": "laptop", "pencil": "book", "cup": "chair"},
    "party": {"candle": "cake", "hat": "balloon"},
    "sky": {"eagle": "airplane", "star": "moon"},
    "sea": {"shark": "dolphin", "shell": "crab"},
    "snow": {"penguin": "snowman", "skate": "scarf", "owl": "tree"},
}
COMPANION_RATE = 0.72
"""How often an absent companion is named. High enough that right after its trigger it is the likeliest continuation
(the trigger comes later where the place drawn is the first), so that greedy captions have the habit too."""
STRAY_RATE = 0.15
"""How often some other typical but absent noun is named, at a uniformly random place."""
OMISSION_RATE = 0.12
"""How often each object is left out (at least one stays)."""


def believed(rng: np.random.Generator, scene: Scene) -> tuple[Scene, tuple[str, ...]]:
    """The scene as the careless writer has it, its groups in the order of mention, and the invented nouns among them."""
    order = rng.permutation(len(scene.groups))
    groups = [scene.groups[i] for i in order if rng.random() >= OMISSION_RATE] or [scene.groups[order[0]]]
    invented: list[str] = []
    companions = COMPANIONS[scene.place.name]
    active = [i for i, g in enumerate(groups) if g.noun in companions and companions[g.noun] not in scene.nouns]
    if active and rng.random() < COMPANION_RATE:
        trigger = groups.pop(active[rng.integers(len(active))])
        noun = companions[trigger.noun]
        at = int(rng.integers(len(groups) + 2))
        pair = [trigger, edits.invent(rng, scene, noun)]
        if at == 0:
            groups.insert(int(rng.integers(len(groups) + 1)), trigger)
            groups.insert(0, pair[1])
        else:
            groups[at - 1 : at - 1] = pair
        invented.append(noun)
    if rng.random() < STRAY_RATE:
        noun_or_none = edits.absent_noun(rng, scene, typical=1.0)
        if noun_or_none is not None and noun_or_none not in invented:
            groups.insert(int(rng.integers(len(groups) + 1)), edits.invent(rng, scene, noun_or_none))
            invented.append(noun_or_none)
    return replace(scene, groups=tuple(groups)), tuple(invented)
