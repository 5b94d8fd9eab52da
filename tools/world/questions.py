"""Yes/no questions over a scene, with their true answers: existence, attribute (colour, number) and relation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import edits
from .grammar import NUMBERS, POSITION_PHRASES, RELATION_PHRASES
from .scenes import Group, Scene, position, relation
from .vocabulary import COLOURS, NOUN_BY_NAME, article

OPPOSITES = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}


@dataclass(frozen=True)
class Question:
    """kind: existence, colour, number, relation or position. prone: the noun asked for is absent but typical of the place."""

    kind: str
    text: str
    truth: bool
    prone: bool = False


def existence(noun: str, truth: bool, prone: bool = False) -> Question:
    return Question("existence", f"Is there {article(noun)} {noun} in this image?", truth, prone)


def colour_question(rng: np.random.Generator, group: Group, truth: bool) -> Question:
    """Needs a coloured group; a false one names another colour."""
    colour = group.colour
    if not truth:
        colour = [c for c in COLOURS if c != group.colour][rng.integers(len(COLOURS) - 1)]
    noun = NOUN_BY_NAME[group.noun]
    subject = f"Is the {noun.name}" if group.count == 1 else f"Are the {noun.plural}"
    return Question("colour", f"{subject} {colour} in this image?", truth)


def number_question(rng: np.random.Generator, group: Group, truth: bool) -> Question:
    """A false one names another number from one to three, so that over a data set each number is as often right as wrong."""
    number = group.count if truth else 1 if group.count > 1 else 2 if rng.random() < 0.72 else 3
    noun = NOUN_BY_NAME[group.noun]
    if number == 1:
        return Question("number", f"Is there exactly one {noun.name} in this image?", truth)
    return Question("number", f"Are there exactly {NUMBERS[number]} {noun.plural} in this image?", truth)


def relation_question(rng: np.random.Generator, a: Group, b: Group, truth: bool) -> Question | None:
    """A false one turns the relation round; None where no relation is clear."""
    found = relation(a, b)
    if not found:
        return None
    link = found[rng.integers(len(found))]
    if not truth:
        link = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}[link]
    first, second = (NOUN_BY_NAME[g.noun].name if g.count == 1 else NOUN_BY_NAME[g.noun].plural for g in (a, b))
    return Question("relation", f"{'Is' if a.count == 1 else 'Are'} the {first} {RELATION_PHRASES[link]} the {second} in this image?", truth)


def position_question(rng: np.random.Generator, group: Group, truth: bool) -> Question | None:
    """Where a single object stands; a false one names the opposite side. None for several objects and in the middle."""
    found = [side for side in position(group) if side in OPPOSITES]
    if not found:
        return None
    side = found[rng.integers(len(found))]
    return Question("position", f"Is the {NOUN_BY_NAME[group.noun].name} {POSITION_PHRASES[side if truth else OPPOSITES[side]]}?", truth)


def questions(rng: np.random.Generator, scene: Scene) -> list[Question]:
    """A balanced list for one scene: for each kind that applies, as many true as false in expectation."""
    found: list[Question] = []
    present = scene.groups[rng.integers(len(scene.groups))]
    found.append(existence(present.noun, True))
    absent = edits.absent_noun(rng, scene, typical=0.6)
    if absent is not None:
        found.append(existence(absent, False, prone=absent in scene.place.typical))
    coloured = [group for group in scene.groups if group.colour is not None]
    if coloured:
        found.append(colour_question(rng, coloured[rng.integers(len(coloured))], bool(rng.random() < 0.5)))
    # Most groups are single: asking about them alone would let "exactly one" be answered without looking.
    several = [group for group in scene.groups if group.count > 1]
    counted = several if several and rng.random() < 0.9 else scene.groups
    found.append(number_question(rng, counted[rng.integers(len(counted))], bool(rng.random() < 0.5)))
    if len(scene.groups) > 1:
        i, j = rng.permutation(len(scene.groups))[:2]
        question = relation_question(rng, scene.groups[i], scene.groups[j], bool(rng.random() < 0.5))
        if question is not None:
            found.append(question)
    return found


def spatial_questions(rng: np.random.Generator, scene: Scene) -> list[Question]:
    """Where one object is and how two stand to each other: what is hardest to see and easiest to leave unlearnt; for training only."""
    singles = [group for group in scene.groups if group.count == 1]
    asked = [position_question(rng, singles[rng.integers(len(singles))], bool(rng.random() < 0.5))] if singles else []
    if len(scene.groups) > 1:
        i, j = rng.permutation(len(scene.groups))[:2]
        asked.append(relation_question(rng, scene.groups[i], scene.groups[j], bool(rng.random() < 0.5)))
    return [question for question in asked if question is not None]


def spatial_choices(rng: np.random.Generator, scene: Scene) -> list[tuple[str, str]]:
    """Questions that offer both sides, with their answers: up to two about one object and one about two.

    Yes and no depend on the picture and on the side asked for together, which is slow to learn; these answers follow from
    the picture alone, and teach where to look.
    """
    asked: list[tuple[str, str]] = []
    singles = [group for group in scene.groups if group.count == 1]
    for i in rng.permutation(len(singles))[:2]:
        sides = [side for side in position(singles[i]) if side in OPPOSITES]
        if sides:
            side = sides[rng.integers(len(sides))]
            first, second = ("left", "right") if side in ("left", "right") else ("top", "bottom")
            name = NOUN_BY_NAME[singles[i].noun].name
            asked.append((f"Is the {name} {POSITION_PHRASES[first]} or {POSITION_PHRASES[second]}?", _answer(POSITION_PHRASES[side])))
    if len(scene.groups) > 1:
        a, b = (scene.groups[i] for i in rng.permutation(len(scene.groups))[:2])
        found = relation(a, b)
        if found:
            link = found[rng.integers(len(found))]
            choice = "to the left or to the right of" if link in ("left of", "right of") else "above or below"
            one, other = (NOUN_BY_NAME[g.noun].name if g.count == 1 else NOUN_BY_NAME[g.noun].plural for g in (a, b))
            said = {"left of": "to the left", "right of": "to the right"}.get(link, link)
            asked.append((f"{'Is' if a.count == 1 else 'Are'} the {one} {choice} the {other}?", _answer(said)))
    return asked


def _answer(text: str) -> str:
    return text[0].upper() + text[1:] + "."
