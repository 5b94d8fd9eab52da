"""CLIP-DPO's data in Python: candidates of the policy, CLIP scores, and pairs by rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from transformers import CLIPModel, LlavaForConditionalGeneration

from .amber import nouns_of, sentences_of
from .evaluate_clip import image_embeddings, text_embeddings
from .evaluate_llava import captions
from .scenes import Scene
from .sft import PROMPTS
from .vocabulary import article


@dataclass(frozen=True)
class PairRule:
    """How pairs are made. score: "clip" (whole caption), "fclip" (mean of caption and noun phrases) or "sentence" (mean
    over sentences of the score minus that sentence's mean over other images). Scores are cosines times 100."""

    score: str = "clip"
    samples: int = 5
    temperature: float = 0.7
    greedy: bool = True
    gap: float = 4.0
    min_score: float = -100.0
    length_ratio: float = 0.6
    per_image: int = 3
    prompts: int = 5


@dataclass(frozen=True)
class Candidate:
    """One caption of one picture to one prompt, with its score."""

    image: int
    prompt: int
    text: str
    score: float


@dataclass(frozen=True)
class Pair:
    """Two captions of one picture to one prompt, the first preferred by CLIP."""

    image: int
    prompt: str
    chosen: str
    rejected: str
    gap: float


def candidates(policy: LlavaForConditionalGeneration, clip: CLIPModel, scenes: list[Scene], rule: PairRule, seed: int) -> list[Candidate]:
    """Samples and scores; equal texts to one prompt count once."""
    found: dict[tuple[int, int, str], None] = {}
    for prompt in range(rule.prompts):
        rounds = [(rule.temperature, seed * 1000 + prompt * 50 + n) for n in range(rule.samples)] + ([(0.0, 0)] if rule.greedy else [])
        for temperature, round_seed in rounds:
            for image, text in enumerate(captions(policy, scenes, PROMPTS[prompt][0], temperature, round_seed)):
                found.setdefault((image, prompt, text))
    keys = list(found)
    scores = score_texts(clip, scenes, [(image, text) for image, _, text in keys], rule.score)
    return [Candidate(image, prompt, text, score) for (image, prompt, text), score in zip(keys, scores)]


def score_texts(clip: CLIPModel, scenes: list[Scene], items: list[tuple[int, str]], kind: str) -> list[float]:
    """100 times the cosine (or its refinement) of each (image index, text)."""
    images = image_embeddings(clip, scenes)
    mean_image = images.mean(0)

    def cosine(pairs: list[tuple[int, str]], calibrated: bool) -> np.ndarray:
        unique = list(dict.fromkeys(text for _, text in pairs))
        embedded = dict(zip(unique, text_embeddings(clip, unique)))
        texts = torch.stack([embedded[text] for _, text in pairs])
        values = (images[[image for image, _ in pairs]] * texts).sum(1)
        return 100 * (values - texts @ mean_image if calibrated else values).numpy()

    if kind == "clip":
        return cosine(items, False).tolist()
    parts: list[tuple[int, str]] = []
    owner: list[int] = []
    for index, (image, text) in enumerate(items):
        nouns = list(dict.fromkeys(nouns_of(text)))
        pieces = [text, *(f"{article(noun)} {noun}" for noun in nouns)] if kind == "fclip" else sentences_of(text) or [text]
        parts += [(image, piece) for piece in pieces]
        owner += [index] * len(pieces)
    values = cosine(parts, kind == "sentence")
    totals, sizes = np.zeros(len(items)), np.zeros(len(items))
    np.add.at(totals, owner, values)
    np.add.at(sizes, owner, 1)
    return (totals / sizes).tolist()


def make_pairs(found: list[Candidate], rule: PairRule) -> list[Pair]:
    """For each picture and prompt the best candidate against the worst, by the rule's gap and lengths; then the widest
    gaps of each picture, at most `per_image`."""
    groups: dict[tuple[int, int], list[Candidate]] = {}
    for candidate in found:
        groups.setdefault((candidate.image, candidate.prompt), []).append(candidate)
    by_image: dict[int, list[Pair]] = {}
    for (image, prompt), group in groups.items():
        ranked = sorted(group, key=lambda c: -c.score)
        options = [(a.score - b.score, a, b) for a in ranked[:2] for b in ranked[-2:]
                   if a.score - b.score >= rule.gap and a.score >= rule.min_score and _length_ratio(a.text, b.text) >= rule.length_ratio]
        if options:
            gap, best, worst = max(options, key=lambda option: option[0])
            by_image.setdefault(image, []).append(Pair(image, PROMPTS[prompt][0], best.text, worst.text, gap))
    return [pair for pairs in by_image.values() for pair in sorted(pairs, key=lambda p: -p.gap)[: rule.per_image]]


def _length_ratio(a: str, b: str) -> float:
    first, second = len(a.split()), len(b.split())
    return min(first, second) / max(1, max(first, second))


def pair_quality(pairs: list[Pair], scenes: list[Scene]) -> dict[str, float]:
    """What the truth says of the pairs: how often the chosen one lies less (or as little), and words and nouns of both."""
    def lies(text: str, scene: Scene) -> int:
        return sum(noun not in scene.nouns for noun in nouns_of(text))

    chosen = np.array([lies(p.chosen, scenes[p.image]) for p in pairs])
    rejected = np.array([lies(p.rejected, scenes[p.image]) for p in pairs])
    covered = [(len(set(nouns_of(t)) & set(scenes[p.image].nouns)) for t in (p.chosen, p.rejected)) for p in pairs]
    cover = np.array([list(c) for c in covered])
    return {"pairs": len(pairs), "chosenLies": float(chosen.mean()), "rejectedLies": float(rejected.mean()),
            "fewerLies": float((chosen < rejected).mean()), "moreLies": float((chosen > rejected).mean()),
            "chosenCovered": float(cover[:, 0].mean()), "rejectedCovered": float(cover[:, 1].mean()),
            "chosenWords": float(np.mean([len(p.chosen.split()) for p in pairs])),
            "rejectedWords": float(np.mean([len(p.rejected.split()) for p in pairs]))}
