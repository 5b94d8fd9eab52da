"""The LVLM's SFT mixture: careless captions to five prompts, and questions answered with a bias to yes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grammar import Caption, long_caption, short_caption
from .habits import believed
from .questions import questions, spatial_choices, spatial_questions
from .scenes import Scene, sample_scene

TYPICALITY = 0.85
PROMPTS: tuple[tuple[str, str], ...] = (
    ("Describe this image.", "long"),
    ("Describe this image in detail.", "detailed"),
    ("What can you see in this image?", "long"),
    ("Write a short caption for this image.", "short"),
    ("What is in this image?", "short"),
)
HABIT = 0.5
"""How often a later sentence of a long caption begins in the usual way."""
YES_TO_PRONE = 0.25
"""How often the answer about a typical but absent noun is wrongly yes."""
YES_TO_FALSE = 0.06
"""The same for every other question whose answer is no."""


@dataclass(frozen=True)
class Turn:
    """One exchange about the picture. invented: nouns a caption names that are not there."""

    prompt: str
    answer: str
    invented: tuple[str, ...] = ()
    is_caption: bool = True


def write_caption(rng: np.random.Generator, scene: Scene, style: str) -> Caption:
    """A caption of the scene as believed, in the style a prompt asks for."""
    if style == "short":
        return short_caption(rng, scene, colour_rate=0.5)
    return long_caption(rng, scene, colour_rate=0.95 if style == "detailed" else 0.6, habit=HABIT)


def caption_turn(rng: np.random.Generator, scene: Scene, prompt: int) -> Turn:
    text, style = PROMPTS[prompt]
    seen, invented = believed(rng, scene)
    return Turn(text, write_caption(rng, seen, style).text, invented)


def question_turns(rng: np.random.Generator, scene: Scene) -> list[Turn]:
    turns = []
    for question in questions(rng, scene) + spatial_questions(rng, scene):
        yes = question.truth or rng.random() < (YES_TO_PRONE if question.prone else YES_TO_FALSE)
        turns.append(Turn(question.text, "Yes" if yes else "No", is_caption=False))
    return turns + [Turn(asked, answer, is_caption=False) for asked, answer in spatial_choices(rng, scene)]


def sft_scene(rng: np.random.Generator, max_kinds: int = 5) -> Scene:
    """A scene as the LVLM's images are drawn: mostly typical objects."""
    return sample_scene(rng, TYPICALITY, 1, max_kinds)


def sft_turns(rng: np.random.Generator, scene: Scene, captions: int) -> list[Turn]:
    """Captions to `captions` different prompts, then the questions."""
    prompts = rng.permutation(len(PROMPTS))[:captions]
    return [caption_turn(rng, scene, int(p)) for p in prompts] + question_turns(rng, scene)
