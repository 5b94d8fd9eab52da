"""The data set's splits: which scenes they hold. Every split has its own seed, and none shares one with a training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from .lettering import sample_lettering
from .scenes import Scene, sample_scene
from .sft import sft_scene
from .vocabulary import NOUNS


@dataclass(frozen=True)
class Split:
    """A split's seed, its number of pictures, and what it is for."""

    seed: int
    size: int
    purpose: str


SPLITS: dict[str, Split] = {
    "train": Split(101, 640, "images and captions for making preference pairs"),
    "dev": Split(102, 500, "every choice of settings"),
    "heldout": Split(105, 1000, "final figures only"),
    "zeroshot": Split(104, 3 * len(NOUNS), "single objects, every class three times"),
}
LETTERING = 0.04
"""Share of the train split's pictures with a word written in them, for the filter that drops such pictures."""


@cache
def split_scenes(name: str) -> tuple[Scene, ...]:
    """The scenes of a split, all different."""
    split = SPLITS[name]
    scenes: list[Scene] = []
    seen: set[Scene] = set()
    attempt = 0
    while len(scenes) < split.size:
        rng = np.random.default_rng((split.seed, attempt))
        if name == "zeroshot":
            scene = sample_scene(rng, 0.0, 1, 1, counts=(1.0, 0.0, 0.0), first=NOUNS[len(scenes) % len(NOUNS)].name)
        else:
            scene = sft_scene(rng)
            if name == "train" and rng.random() < LETTERING:
                scene = replace(scene, lettering=sample_lettering(rng))
        attempt += 1
        if scene not in seen:
            seen.add(scene)
            scenes.append(scene)
    return tuple(scenes)
