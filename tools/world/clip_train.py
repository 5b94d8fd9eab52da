"""Trains emoji-clip: warm-up, a stable stage of constant learning rate that can be stopped and continued at any step,
and a separate decay stage that turns the stable checkpoint into the finished model.

Loss, with s the learned logit scale and z unit embeddings:
  image to text   cross-entropy of the own caption among all captions and all wrong texts of the batch;
  text to image   cross-entropy of the own picture among all pictures;
  own negatives   cross-entropy of the own caption among its own wrong texts only (their lesson is not diluted by the batch);
  completeness    softplus(s (z_image . z_shorter - z_image . z_caption)), small weight: leaving a true object out must not pay;
  phrases         sigmoid loss over the full table picture x phrase, with its own scale and bias (as in SigLIP).
Texts that happen to be true of somebody else's picture (all their nouns are there) are left out of the sums.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPModel

from .clip_data import ClipBatch, clip_batch, to_ids, to_pixels
from .clip_model import embed_ids, embed_images, new_clip
from .workfolder import Log, save_atomic, work_folder

BATCH = 128
PEAK_LR = 1.2e-3
WARMUP = 400
WEIGHT_DECAY = 0.05
EMA = 0.998
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
    image = embed_images(model, to_pixels(batch.images))  # (B, D)
    ids = to_ids(batch.texts + batch.phrases)
    embedded = embed_ids(model, ids)
    text, phrase = embedded[: len(batch.texts)], embedded[len(batch.texts) :]  # (N, D), (P, D)
    size = image.shape[0]
    scale = model.logit_scale.exp().clamp(max=100)
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


def _optimiser(model: CLIPModel, head: PhraseHead) -> torch.optim.AdamW:
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    plain = [p for p in model.parameters() if p.ndim < 2] + list(head.parameters())
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_LR, betas=(0.9, 0.98), eps=1e-8)


def stable_checkpoint() -> Path:
    return work_folder("clip") / "stable.pt"


def train(until_step: int, max_minutes: float, decay_steps: int = 0) -> Path:
    """Continues from the stable checkpoint (or starts) until a step or a time is reached, whichever comes first.

    decay_steps = 0 goes on with the stable stage and updates its checkpoint. Otherwise the learning rate falls linearly
    to zero over that many steps and the finished weights go to `decayed.pt`; the stable checkpoint stays as it is, so
    the stable stage can still be continued. The decay itself resumes from `decaying.pt` if it was cut.
    """
    folder = work_folder("clip")
    log = Log(folder / "log.jsonl")
    model = new_clip(SEED)
    average = copy.deepcopy(model).requires_grad_(False)
    head = PhraseHead()
    optimiser = _optimiser(model, head)
    step, decay_start = 0, -1
    checkpoint = folder / "decaying.pt" if decay_steps else stable_checkpoint()
    source = checkpoint if checkpoint.exists() else stable_checkpoint()
    if source.exists():
        state = torch.load(source, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        head.load_state_dict(state["head"])
        optimiser.load_state_dict(state["optimiser"])
        step, decay_start = state["step"], state["decay_start"]
        log(event="continue", step=step, source=source.name)
    if decay_steps and decay_start < 0:
        decay_start = step
    end = decay_start + decay_steps if decay_steps else until_step

    def save() -> None:
        save_atomic({"model": model.state_dict(), "average": average.state_dict(), "head": head.state_dict(),
                     "optimiser": optimiser.state_dict(), "step": step, "decay_start": decay_start}, checkpoint)

    started = saved = time.monotonic()
    while step < end and time.monotonic() - started < max_minutes * 60:
        rate = PEAK_LR * min(1.0, (step + 1) / WARMUP)
        if decay_steps:
            rate *= 1 - (step - decay_start) / decay_steps
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = clip_batch(SEED, step, BATCH)
        loss, parts = clip_loss(model, head, batch)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_([*model.parameters(), *head.parameters()], 1.0))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        with torch.no_grad():
            model.logit_scale.clamp_(max=4.605)
            keep = min(EMA, step / (step + 10))
            for kept, new in zip(average.state_dict().values(), model.state_dict().values()):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - keep)
        if step % 50 == 0:
            log(step=step, lr=round(rate, 6), norm=round(norm, 2), **parts)
        if time.monotonic() - saved > 240:
            save()
            saved = time.monotonic()
    save()
    if decay_steps and step >= end:
        save_atomic({"model": model.state_dict(), "average": average.state_dict(), "step": step}, folder / "decayed.pt")
        log(event="decayed", step=step)
    return checkpoint


def load_clip(which: str) -> CLIPModel:
    """A trained CLIP in eval mode: "stable" (the running average of the stable stage) or "decayed" (finished weights)."""
    path = work_folder("clip") / f"{which}.pt"
    state = torch.load(path, weights_only=True)
    model = new_clip(SEED)
    model.load_state_dict(state["average" if which == "stable" else "model"])
    return model.eval()
