"""CLIP-DPO's data in Python: candidates of the policy, CLIP scores, and pairs by rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from transformers import CLIPModel, LlavaForConditionalGeneration

from .amber import nouns_of, sentences_of
from .evaluate_clip import image_embeddings, text_embeddings
from .sampling import continuations
from .scenes import Scene
from .sft import PROMPTS
from .vocabulary import article


@dataclass(frozen=True)
class Sampling:
    """What is drawn: `samples` answers to each of the first `prompts` prompts and the greedy one, or with unit "sentence"
    `samples` next sentences after each beginning of the greedy answer, where stopping is a candidate as well."""

    unit: str = "answer"
    samples: int = 4
    temperature: float = 0.7
    greedy: bool = True
    prompts: int = 5


@dataclass(frozen=True)
class PairRule:
    """How pairs are made. score: "clip" (whole text), "fclip" (mean of text and noun phrases) or "sentence" (mean over its
    sentences); calibrated: less the text's mean over the other images. Scores are cosines times 100. choose: "best"
    (best against worst of a prompt), "random" or "flipped" (controls). stop: where among the scores of all drawn sentences
    stopping stands, as a quantile; None leaves stopping out."""

    score: str = "clip"
    calibrated: bool = False
    gap: float = 4.0
    min_score: float = -100.0
    length_ratio: float = 0.6
    per_image: int = 3
    choose: str = "best"
    stop: float | None = None


@dataclass(frozen=True)
class Candidate:
    """One text about one picture after a prompt and, for sentences, the beginning of the answer."""

    image: int
    prompt: int
    text: str
    context: str = ""


@dataclass(frozen=True)
class Pair:
    """Two texts about one picture after the same prompt and context, the first preferred by CLIP."""

    image: int
    prompt: str
    chosen: str
    rejected: str
    gap: float
    context: str = ""
    sentence: bool = False


def candidates(policy: LlavaForConditionalGeneration, scenes: list[Scene], sampling: Sampling, seed: int) -> list[Candidate]:
    """Draws candidates; equal texts in the same place count once."""
    asked = [(image, prompt) for prompt in range(sampling.prompts) for image in range(len(scenes))]
    found: dict[Candidate, None] = {}
    if sampling.greedy or sampling.unit == "sentence":
        written = continuations(policy, scenes, [(i, PROMPTS[p][0], "") for i, p in asked], 0.0, 0)
        if sampling.unit == "answer":
            found.update({Candidate(i, p, text): None for (i, p), text in zip(asked, written)})
    places = [(i, p, "") for i, p in asked]
    if sampling.unit == "sentence":
        places = [(i, p, " ".join(sentences[:k])) for (i, p), text in zip(asked, written)
                  for sentences in [sentences_of(text)] for k in range(len(sentences) + 1)]
    for draw in range(sampling.samples):
        drawn = continuations(policy, scenes, [(i, PROMPTS[p][0], begun) for i, p, begun in places], sampling.temperature,
                              seed * 1000 + draw, sentence=sampling.unit == "sentence")
        found.update({Candidate(i, p, text, begun): None for (i, p, begun), text in zip(places, drawn)})
    return list(found)


def score_texts(clip: CLIPModel, scenes: list[Scene], items: list[tuple[int, str]], kind: str, calibrated: bool) -> np.ndarray:
    """The score of each (image index, text)."""
    images = image_embeddings(clip, scenes)
    parts: list[tuple[int, str]] = []
    owner: list[int] = []
    for index, (image, text) in enumerate(items):
        pieces = [text]
        if kind == "fclip":
            pieces += [f"{article(noun)} {noun}" for noun in dict.fromkeys(nouns_of(text))]
        elif kind == "sentence":
            pieces = sentences_of(text) or [text]
        parts += [(image, piece) for piece in pieces]
        owner += [index] * len(pieces)
    unique = {text: row for row, text in enumerate(dict.fromkeys(text for _, text in parts))}
    texts = text_embeddings(clip, list(unique))[[unique[text] for _, text in parts]]
    values = (images[[image for image, _ in parts]] * texts).sum(1)
    if calibrated:
        others = (texts @ images.sum(0) - values) / (len(scenes) - 1)
        values = values - others
    totals, sizes = np.zeros(len(items)), np.zeros(len(items))
    np.add.at(totals, owner, 100 * values.numpy())
    np.add.at(sizes, owner, 1)
    return totals / sizes


def make_pairs(clip: CLIPModel, scenes: list[Scene], found: list[Candidate], rule: PairRule, seed: int = 0) -> list[Pair]:
    """For each picture, prompt and context the best candidate against the worst, by the rule's gap and lengths; then the
    widest gaps of each picture, at most `per_image`."""
    values = score_texts(clip, scenes, [(c.image, c.text or ".") for c in found], rule.score, rule.calibrated)
    drawn = np.array([bool(c.text) for c in found])
    values[~drawn] = -np.inf if rule.stop is None else np.quantile(values[drawn], rule.stop)
    rng = np.random.default_rng(seed)
    places: dict[tuple[int, int, str], list[tuple[float, Candidate]]] = {}
    for score, candidate in zip(values.tolist(), found):
        if candidate.text or rule.stop is not None:
            places.setdefault((candidate.image, candidate.prompt, candidate.context), []).append((score, candidate))
    sentence = any(c.context for c in found)
    by_image: dict[int, list[Pair]] = {}
    for (image, prompt, context), group in places.items():
        ranked = sorted(group, key=lambda item: -item[0])
        options = [(a - b, x.text, y.text) for a, x in ranked[:2] for b, y in ranked[-2:]
                   if a - b >= rule.gap and a >= rule.min_score
                   and (not (x.text and y.text) or _length_ratio(x.text, y.text) >= rule.length_ratio)]
        if options:
            gap, chosen, rejected = max(options)
            if rule.choose == "flipped" or (rule.choose == "random" and rng.random() < 0.5):
                chosen, rejected = rejected, chosen
            by_image.setdefault(image, []).append(Pair(image, PROMPTS[prompt][0], chosen, rejected, gap, context, sentence))
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
    def covered(text: str, scene: Scene) -> int:
        return len(set(nouns_of(text)) & set(scene.nouns))

    cover = np.array([[covered(text, scenes[p.image]) for text in (p.chosen, p.rejected)] for p in pairs])
    return {"pairs": len(pairs), "chosenLies": float(chosen.mean()), "rejectedLies": float(rejected.mean()),
            "fewerLies": float((chosen < rejected).mean()), "moreLies": float((chosen > rejected).mean()),
            "chosenCovered": float(cover[:, 0].mean()), "rejectedCovered": float(cover[:, 1].mean()),
            "chosenWords": float(np.mean([len(p.chosen.split()) for p in pairs])),
            "rejectedWords": float(np.mean([len(p.rejected.split()) for p in pairs]))}
