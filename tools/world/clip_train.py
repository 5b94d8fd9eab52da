"""Trains emoji-clip.

Loss, with s the learned logit scale and z unit embeddings:
  image to text   cross-entropy of the own caption among all captions and all wrong texts of the batch;
  text to image   cross-entropy of the own picture among all pictures;
  own negatives   cross-entropy of the own caption among its own wrong texts only (their lesson is not diluted by the batch);
  completeness    softplus(s (z_image . z_shorter - z_image . z_caption)), small weight: leaving a true object out must not pay;
  phrases         sigmoid loss over the full table picture x phrase, with its own scale and bias (as in SigLIP).
Texts that happen to be true of somebody else's picture (all their nouns are there) are left out of the sums.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPModel

from .clip_data import ClipBatch, clip_batch, to_ids, to_pixels
from .clip_model import embed_ids, embed_images, new_clip, use_lean_activation
from .clip_tokenizer import clip_tokenizer
from .precision import mixed_precision
from .training import Schedule, load_weights, tokenizer_fingerprint, train

BATCH = 128
SCHEDULE = Schedule(peak_lr=1.2e-3, warmup=400)
SEED = 20
COMPLETENESS = 0.1
PHRASES = 0.06
OWN = 0.5


class PhraseHead(nn.Module):
    """Scale and bias of the phrase table's sigmoid loss; used in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(2.3))
        self.bias = nn.Parameter(torch.tensor(-6.0))


def clip_loss(model: CLIPModel, head: PhraseHead, batch: ClipBatch) -> tuple[Tensor, dict[str, float]]:
    """The sum of all terms for one batch, and its parts for the log."""
    with mixed_precision():
        image = embed_images(model, to_pixels(batch.images))  # (B, D)
        embedded = embed_ids(model, to_ids(batch.texts + batch.phrases))
    text, phrase = embedded[: len(batch.texts)], embedded[len(batch.texts) :]  # (N, D), (P, D)
    size = image.shape[0]
    scale = model.logit_scale.exp()
    logits = scale * image @ text.T  # (B, N)
    mine = batch.owner[None] == torch.arange(size)[:, None]
    diagonal = torch.zeros_like(mine)
    diagonal[torch.arange(size), torch.arange(size)] = True
    # A text counts against a picture if it is its own wrong text, or somebody's text that cannot be true of it.
    against = (mine & (batch.kind == 1)[None]) | (~mine & ~batch.possible)
    target = torch.arange(size)
    to_text = F.cross_entropy(logits.masked_fill(~(against | diagonal), -1e4), target)
    to_image = F.cross_entropy(logits[:, :size].T.masked_fill(~(against | diagonal)[:, :size].T, -1e4), target)
    own_logits = logits.masked_fill(~((mine & (batch.kind == 1)[None]) | diagonal), -1e4)
    own = F.cross_entropy(own_logits, target)
    shorter = torch.nonzero(batch.kind == 2).flatten()
    owner = batch.owner[shorter]
    complete = F.softplus(logits[owner, shorter] - logits[owner, owner]).mean() if len(shorter) else logits.new_zeros(())
    table = head.log_scale.exp() * image @ phrase.T + head.bias  # (B, P)
    phrases = F.binary_cross_entropy_with_logits(table, batch.truth, reduction="sum") / size
    loss = 0.5 * (to_text + to_image) + OWN * own + COMPLETENESS * complete + PHRASES * phrases
    with torch.no_grad():
        wrong = torch.nonzero(batch.kind == 1).flatten()
        right = (logits[batch.owner[wrong], wrong] < logits[batch.owner[wrong], batch.owner[wrong]]).float().mean()
        parts = {"loss": loss, "to_text": to_text, "to_image": to_image, "own": own, "complete": complete, "phrases": phrases, "right": right, "scale": scale}
    return loss, {name: round(float(value.detach()), 4) for name, value in parts.items()}


def train_clip(until_step: int, max_minutes: float, decay_steps: int = 0) -> Path:
    """Starts or continues the stable stage, or with decay_steps runs the decay stage."""
    model, head = new_clip(SEED), PhraseHead()
    use_lean_activation(model)

    def clamp() -> None:
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(100))

    return train("clip", model, head, lambda step: clip_loss(model, head, clip_batch(SEED, step, BATCH)), SCHEDULE,
                 until_step, max_minutes, decay_steps, clamp,
                 tokenizer_fingerprint(clip_tokenizer()))


def load_clip(which: str) -> CLIPModel:
    """A trained CLIP in eval mode: "stable" or "decayed"."""
    model = new_clip(SEED)
    load_weights("clip", model, which)
    return model
