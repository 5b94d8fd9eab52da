"""Truncation controls: what shortening alone would have bought (METHOD: captions with fewer sentences lie less)."""

from __future__ import annotations

import numpy as np

from .amber import CaptionCounts, count, metrics, paired_bootstrap, sentences_of
from .scenes import Scene


def drop_last(text: str) -> str:
    """The caption without its last sentence; a single sentence stays."""
    sentences = sentences_of(text)
    return " ".join(sentences[:-1]) if len(sentences) > 1 else text


def cut_near(text: str, words: float) -> str:
    """The caption cut at the sentence end nearest to a length in words, of two equally near the earlier; at least one sentence."""
    sentences = sentences_of(text)
    lengths = np.cumsum([len(sentence.split()) for sentence in sentences])
    keep = int(np.argmin(np.abs(lengths - words))) + 1
    return " ".join(sentences[:keep])


def control_l(base: list[str], tuned: list[str]) -> list[str]:
    """Control L: every base caption cut at the sentence end nearest to the tuned captions' mean length."""
    words = float(np.mean([len(text.split()) for text in tuned]))
    return [cut_near(text, words) for text in base]


def control_c(base: list[str], tuned: list[str], scenes: list[Scene], seed: int = 0) -> tuple[list[str], float]:
    """Control C: for each image a coin keeps the base caption or drops its last sentence, at the rate that makes mean
    Cover equal to the tuned one's. Returns the captions and the rate of dropping."""
    shorter = [drop_last(text) for text in base]
    coins = np.random.default_rng(seed).random(len(base))
    target = _cover(tuned, scenes)

    def mixed(rate: float) -> list[str]:
        return [short if coin < rate else full for short, full, coin in zip(shorter, base, coins)]

    rates = np.linspace(0, 1, 201)
    gaps = [abs(_cover(mixed(float(rate)), scenes) - target) for rate in rates]
    rate = float(rates[int(np.argmin(gaps))])
    return mixed(rate), rate


def _cover(texts: list[str], scenes: list[Scene]) -> float:
    return metrics([count(text, scene) for text, scene in zip(texts, scenes)])["cover"]


def compare(base: list[str], tuned: list[str], scenes: list[Scene]) -> dict[str, object]:
    """Figures of base, tuned and both controls, and tuned minus each with 95% intervals over pictures."""
    mixed, rate = control_c(base, tuned, scenes)
    texts = {"base": base, "tuned": tuned, "controlC": mixed, "controlL": control_l(base, tuned)}
    counts: dict[str, list[CaptionCounts]] = {name: [count(t, s) for t, s in zip(captions, scenes)] for name, captions in texts.items()}
    result: dict[str, object] = {name: metrics(tallies) for name, tallies in counts.items()}
    result["controlCRate"] = rate
    deltas = {name: paired_bootstrap(counts[name], counts["tuned"], resamples=1000) for name in ("base", "controlC", "controlL")}
    result["tunedMinus"] = {name: {row: {"value": v, "low": low, "high": high} for row, (v, low, high) in table.items()} for name, table in deltas.items()}
    c, el = deltas["controlC"], deltas["controlL"]
    # Cutting never covers more: a control that still covers more than the tuned captions is no match for them.
    result["beatsC"] = c["cover"][0] >= -1 and c["chair"][2] < 0 and c["hal"][2] < 0
    result["beatsL"] = el["cover"][1] > 0 and el["chair"][1] <= 0
    return result
