"""CLIP's training batches: clean captions over mostly uniform objects, hard negatives, and a bank of noun phrases.

For every picture: a caption of a random part of its objects, and texts that are wrong in one point (a noun swapped, a
typical noun added, a wrong colour, number, place or position), as NegCLIP does. For the whole batch: short phrases
("a red car", "two dogs", "a cat above a book") with the full table of which picture each is true of. Phrases teach
single nouns and attributes directly, which is what noun-wise and sentence-wise scores need.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from . import edits
from .clip_tokenizer import clip_tokenizer
from .grammar import NUMBERS, Caption, Claim, body_sentence, holds, long_caption, noun_phrase, short_caption, statement
from .scenes import Scene, position, relation, render, sample_scene
from .vocabulary import COLOURS, NOUN_BY_NAME, NOUN_INDEX, NOUNS, PLACES, article

PIXEL_MEAN = (0.48145466, 0.4578275, 0.40821073)
PIXEL_STD = (0.26862954, 0.26130258, 0.27577711)
TYPICALITY = 0.3
LETTERING = 0.06
POOL = 8192
FRESH = 40
STEPS_PER_KIND = 250
"""Curriculum: one kind of object in the first 250 steps' fresh scenes, at most two in the next 250's, and so on to five."""
TEXT_PHRASES = ("a picture with text", "written words", "letters", "a picture of text")
_STYLES = (noun_phrase, short_caption, long_caption, statement, body_sentence)
_STYLE_RATES = np.array((0.18, 0.30, 0.30, 0.07, 0.15))
_STATEMENT = 3
_WHOLE = (0, 1, 2)
"""Styles that name every group they are given."""
_POSITION_PHRASES = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom", "middle": "in the middle"}
_RELATION_PHRASES = {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}


@dataclass
class ClipBatch:
    """B pictures, N texts (B positives first, then wrong texts of some owner), P phrases."""

    images: torch.Tensor  # (B, 96, 96, 3) uint8
    texts: list[str]  # N
    owner: torch.Tensor  # (N,) index of the picture each text was written for
    kind: torch.Tensor  # (N,) 0 positive, 1 wrong, 2 true but with one object left out
    possible: torch.Tensor  # (B, N) bool: every noun of the text is in the picture
    phrases: list[str]  # P
    truth: torch.Tensor  # (B, P) float, 1 where the phrase is true of the picture


def write(style: int, seed: int, scene: Scene) -> Caption:
    """A caption in one of the styles; equal seeds give parallel wording for parallel scenes."""
    return _STYLES[style](np.random.default_rng(seed), scene)


def wrong_text(rng: np.random.Generator, style: int, seed: int, mentioned: Scene, scene: Scene, kind: str) -> str | None:
    """A caption parallel to write(style, seed, mentioned) that is false in one point, or None where that kind changes nothing."""
    if kind == "swap":
        edited = edits.swap_noun(rng, mentioned, scene, typical=0.5)
    elif kind == "add":
        edited = edits.add_noun(rng, mentioned, scene, typical=0.7)
    elif kind == "colour":
        edited = edits.wrong_colour(rng, mentioned)
    elif kind == "number":
        edited = edits.wrong_number(rng, mentioned)
    elif kind == "place":
        edited = edits.wrong_place(rng, mentioned)
    else:
        edited = edits.wrong_positions(rng, mentioned)
    caption = write(style, seed, edited)
    if all(holds(claim, scene) for claim in caption.claims):
        return None
    return caption.text


def _phrase_bank(rng: np.random.Generator, scenes: list[Scene]) -> list[tuple[str, tuple[Claim, ...]]]:
    """All nouns, all places, and a sample of coloured, counted, placed and related nouns, half of them true of some picture."""
    bank: dict[str, tuple[Claim, ...]] = {}

    def add(text: str, *claims: Claim) -> None:
        bank.setdefault(text, claims)

    for noun in NOUNS:
        form = ("a photo of {a}", "{a}", "{a}", noun.name, "there is {a}.")[rng.integers(5)]
        add(form.format(a=f"{article(noun.name)} {noun.name}"), Claim("exists", noun.name, ""))
    for place in PLACES:
        add((place.noun_phrase, place.phrase, f"this is {place.noun_phrase}.")[rng.integers(3)], Claim("place", "", place.name))
    for text in TEXT_PHRASES:
        add(text, Claim("text", "", ""))
    for i in rng.permutation(len(scenes))[:24]:
        scene = scenes[i]
        for group in scene.groups:
            noun = NOUN_BY_NAME[group.noun]
            exists = Claim("exists", noun.name, "")
            if group.colour is not None:
                for colour in {group.colour, COLOURS[rng.integers(len(COLOURS))]}:
                    claim = Claim("colour", noun.name, colour)
                    if rng.random() < 0.25:
                        add(f"the {noun.name} is {colour}", claim)
                    elif group.count > 1:
                        add(f"{colour} {noun.plural}", claim)
                    else:
                        add(f"{article(colour)} {colour} {noun.name}", claim)
            if rng.random() < 0.5:
                number = group.count if rng.random() < 0.6 else int(rng.integers(1, 4))
                add(f"{NUMBERS[number]} {noun.name if number == 1 else noun.plural}", Claim("number", noun.name, NUMBERS[number]))
            where = position(group)
            if where and rng.random() < 0.5:
                value = where[0] if rng.random() < 0.6 else list(_POSITION_PHRASES)[rng.integers(5)]
                add(f"{article(noun.name)} {noun.name} {_POSITION_PHRASES[value]}", exists, Claim("position", noun.name, value))
            other = scene.groups[rng.integers(len(scene.groups))]
            if other is not group and rng.random() < 0.5:
                links = relation(group, other)
                if links:
                    link = links[0] if rng.random() < 0.6 else list(_RELATION_PHRASES)[rng.integers(4)]
                    add(f"{article(noun.name)} {noun.name} {_RELATION_PHRASES[link]} {article(other.noun)} {other.noun}",
                        exists, Claim("exists", other.noun, ""), Claim("relation", noun.name, f"{link}:{other.noun}"))
    return list(bank.items())


def _truth_table(scenes: list[Scene], bank: list[tuple[str, tuple[Claim, ...]]]) -> np.ndarray:
    """(B, P) float32: 1 where every claim of the phrase holds. Only scenes that have the phrase's noun are looked at."""
    having: dict[str, list[int]] = {"": list(range(len(scenes)))}
    for i, scene in enumerate(scenes):
        for noun in scene.nouns:
            having.setdefault(noun, []).append(i)
    table = np.zeros((len(scenes), len(bank)), dtype=np.float32)
    for j, (_, claims) in enumerate(bank):
        for i in having.get(claims[0].noun, []):
            table[i, j] = all(holds(claim, scenes[i]) for claim in claims)
    return table


@lru_cache(maxsize=POOL + 4 * FRESH)
def _pool_scene(seed: int, index: int) -> tuple[Scene, np.ndarray]:
    """One scene of the endless stream and its picture; the curriculum follows the index."""
    max_kinds = min(5, 1 + index // (FRESH * STEPS_PER_KIND))
    scene = sample_scene(np.random.default_rng((seed, index)), TYPICALITY, 1, max_kinds, lettering_rate=LETTERING)
    return scene, render(scene)


def clip_batch(seed: int, step: int, size: int) -> ClipBatch:
    """The batch of one step; a pure function of its arguments.

    Its scenes come from a window of POOL scenes that moves on by FRESH each step, so a picture is seen about
    size / FRESH times, each time with other captions: drawing pictures costs little beside learning from them.
    """
    rng = np.random.default_rng((seed, 1, step))
    pool = min(POOL, 256 + 24 * step)
    chosen = [_pool_scene(seed, int(step * FRESH + i)) for i in rng.choice(pool, size, replace=False)]
    scenes = [scene for scene, _ in chosen]
    positives: list[str] = []
    wrong: list[tuple[str, int, int, tuple[str, ...]]] = []
    nouns: list[tuple[str, ...]] = []
    for i, scene in enumerate(scenes):
        mentioned = edits.subset(rng, scene)
        style, text_seed = int(rng.choice(len(_STYLES), p=_STYLE_RATES)), int(rng.integers(1 << 31))
        if style == _STATEMENT:
            mentioned = replace(mentioned, groups=mentioned.groups[:2])
        caption = write(style, text_seed, mentioned)
        positives.append(caption.text)
        nouns.append(caption.nouns)
        kinds = ["swap"] if rng.random() < 0.6 else []
        if style in _WHOLE and rng.random() < 0.6:
            kinds.append("add")
        if rng.random() < 0.7:
            kinds.append(("colour", "colour", "number", "place", "position", "position")[rng.integers(6)])
        for kind in kinds:
            text = wrong_text(rng, style, text_seed, mentioned, scene, kind)
            if text is not None:
                wrong.append((text, i, 1, ()))
        if len(mentioned.groups) > 1 and style in _WHOLE and rng.random() < 0.3:
            fewer = replace(mentioned, groups=mentioned.groups[:-1])
            shorter = write(style, text_seed, fewer)
            wrong.append((shorter.text, i, 2, shorter.nouns))
    present = np.zeros((size, len(NOUNS)), dtype=np.float32)
    for i, scene in enumerate(scenes):
        present[i, [NOUN_INDEX[noun] for noun in scene.nouns]] = 1
    named = np.zeros((size + len(wrong), len(NOUNS)), dtype=np.float32)
    for j, caption_nouns in enumerate([*nouns, *(w[3] for w in wrong)]):
        named[j, [NOUN_INDEX[noun] for noun in caption_nouns]] = 1
    possible = ((1 - present) @ named.T == 0) & (named.sum(1) > 0)
    bank = _phrase_bank(rng, scenes)
    truth = _truth_table(scenes, bank)
    return ClipBatch(
        images=torch.from_numpy(np.stack([image for _, image in chosen])),
        texts=[*positives, *(w[0] for w in wrong)],
        owner=torch.tensor([*range(size), *(w[1] for w in wrong)]),
        kind=torch.tensor([0] * size + [w[2] for w in wrong]),
        possible=torch.from_numpy(possible),
        phrases=[text for text, _ in bank],
        truth=torch.from_numpy(truth),
    )


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """(B, 96, 96, 3) uint8 to normalised (B, 3, 96, 96) float32, as CLIPImageProcessor does."""
    mean, std = torch.tensor(PIXEL_MEAN), torch.tensor(PIXEL_STD)
    return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()


def to_ids(texts: list[str]) -> list[list[int]]:
    """Token ids with bos and eos, not padded."""
    return clip_tokenizer()(texts, truncation=True)["input_ids"]
