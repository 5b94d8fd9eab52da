"""LLaVA's training batches: all turns about a picture packed behind one copy of its image tokens.

A packed row is `USER: <image>*36 \\n` followed by turns `{prompt} ASSISTANT: {answer}</s>`. Each turn sees the prefix and
itself only, and its positions continue the prefix, so the loss equals that of separate rows at a third of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .llava_model import IMAGE_TOKENS
from .llava_tokenizer import EOS, IMAGE, llava_tokenizer
from .sft import Turn

CAPTION_WEIGHT, ANSWER_WEIGHT = 1.0, 3.0
"""Loss weights of a token of a caption and of an answer to a question."""


@dataclass
class PackedBatch:
    """B rows of T tokens. `target` is the next token where it belongs to an answer, else -100."""

    input_ids: Tensor  # (B, T)
    position_ids: Tensor  # (B, T)
    attention_mask: Tensor  # (B, 1, T, T) additive, 0 or a large negative number
    target: Tensor  # (B, T)
    weight: Tensor  # (B, T)


def _encode(text: str) -> list[int]:
    return llava_tokenizer()(text, add_special_tokens=False)["input_ids"]


def prefix_ids() -> list[int]:
    """The shared prefix with the image token repeated, length 40."""
    ids: list[int] = []
    for token in _encode(f"USER: {IMAGE}\n"):
        ids += [token] * (IMAGE_TOKENS if token == llava_tokenizer().convert_tokens_to_ids(IMAGE) else 1)
    return ids


def turn_ids(turn: Turn) -> tuple[list[int], int]:
    """A turn's tokens and the index of the first answer token."""
    question = _encode(f"{turn.prompt} ASSISTANT:")
    return question + _encode(f" {turn.answer}{EOS}"), len(question)


def pack(rows: list[list[Turn]]) -> PackedBatch:
    """Packs each row's turns behind the prefix and pads the rows to one length."""
    prefix = prefix_ids()
    encoded = [[turn_ids(turn) for turn in turns] for turns in rows]
    width = max(len(prefix) + sum(len(ids) for ids, _ in turns) for turns in encoded)
    size = len(rows)
    input_ids = np.zeros((size, width), dtype=np.int64)
    position = np.zeros((size, width), dtype=np.int64)
    segment = np.full((size, width), -1, dtype=np.int64)
    target = np.full((size, width), -100, dtype=np.int64)
    weight = np.zeros((size, width), dtype=np.float32)
    for row, turns in enumerate(encoded):
        at = len(prefix)
        input_ids[row, :at], position[row, :at], segment[row, :at] = prefix, np.arange(at), 0
        for number, (ids, answer) in enumerate(turns, start=1):
            end = at + len(ids)
            input_ids[row, at:end] = ids
            position[row, at:end] = len(prefix) + np.arange(len(ids))
            segment[row, at:end] = number
            target[row, at + answer - 1 : end - 1] = ids[answer:]
            weight[row, at + answer - 1 : end - 1] = CAPTION_WEIGHT if rows[row][number - 1].is_caption else ANSWER_WEIGHT
            at = end
    order = np.arange(width)
    same = segment[:, :, None] == segment[:, None, :]
    allowed = (same | (segment == 0)[:, None, :]) & (order[:, None] >= order[None, :])
    mask = torch.from_numpy(np.where(allowed, 0.0, -1e9).astype(np.float32))[:, None]
    return PackedBatch(torch.from_numpy(input_ids), torch.from_numpy(position), mask, torch.from_numpy(target), torch.from_numpy(weight))
