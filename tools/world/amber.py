"""AMBER's generative metrics for this world's closed vocabulary, and the paired bootstrap.

Counts follow AMBER's script: nouns of the vocabulary only, no de-duplication, micro-averages, denominators from 0.001.
Every noun's list of associates is empty here, so a noun matches itself alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .scenes import Scene
from .vocabulary import SINGULAR

_WORD = re.compile(r"[A-Za-z]+")


def nouns_of(text: str) -> list[str]:
    """The vocabulary's nouns in a text, as lemmas, in order, repeated where the text repeats them."""
    return [SINGULAR[word] for word in (w.lower() for w in _WORD.findall(text)) if word in SINGULAR]


def sentences_of(text: str) -> list[str]:
    """The sentences of a caption, each with its full stop."""
    return [part.strip() for part in re.findall(r"[^.]+\.?", text) if part.strip()]


@dataclass(frozen=True)
class CaptionCounts:
    """One caption's tallies, from which all metrics are sums."""

    kept: int
    flagged: int
    truth: int
    covered: int
    hallu: int
    marked: int
    words: int
    flagged_typical: int
    flagged_last: int


def count(text: str, scene: Scene) -> CaptionCounts:
    """Tallies one caption against the truth of its picture."""
    nouns, truth, hallu = nouns_of(text), list(scene.nouns), list(scene.hallucination_prone())
    flagged = [noun for noun in nouns if noun not in truth]
    sentences = sentences_of(text)
    last = nouns_of(sentences[-1]) if len(sentences) > 1 else []
    return CaptionCounts(
        kept=len(nouns), flagged=len(flagged), truth=len(truth), covered=sum(noun in nouns for noun in truth),
        hallu=len(hallu), marked=sum(noun in nouns for noun in hallu), words=len(text.split()),
        flagged_typical=sum(noun in hallu for noun in flagged), flagged_last=sum(noun not in truth for noun in last))


def metrics(counts: list[CaptionCounts]) -> dict[str, float]:
    """chair, cover, hal, cog in percent; mean length in words; nouns per caption; what the flagged nouns are."""
    total = {name: sum(getattr(c, name) for c in counts) for name in CaptionCounts.__dataclass_fields__}
    n = len(counts)
    return {
        "chair": 100 * total["flagged"] / (0.001 + total["kept"]),
        "cover": 100 * total["covered"] / (0.001 + total["truth"]),
        "hal": 100 * sum(c.flagged > 0 for c in counts) / (0.001 + n),
        "cog": 100 * total["marked"] / (0.001 + total["hallu"]),
        "meanLength": total["words"] / n,
        "nounsPerCaption": total["kept"] / n,
        "flaggedTypical": 100 * total["flagged_typical"] / max(1, total["flagged"]),
        "flaggedInLastSentence": 100 * total["flagged_last"] / max(1, total["flagged"]),
    }


def paired_bootstrap(
    a: list[CaptionCounts], b: list[CaptionCounts], resamples: int = 2000, seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """b minus a per metric over the same pictures: difference and 95% interval."""
    rng = np.random.default_rng(seed)
    point_a, point_b = metrics(a), metrics(b)
    draws: dict[str, list[float]] = {name: [] for name in point_a}
    for _ in range(resamples):
        index = rng.integers(len(a), size=len(a))
        ma, mb = metrics([a[i] for i in index]), metrics([b[i] for i in index])
        for name in draws:
            draws[name].append(mb[name] - ma[name])
    return {name: (point_b[name] - point_a[name], float(np.percentile(v, 2.5)), float(np.percentile(v, 97.5))) for name, v in draws.items()}
