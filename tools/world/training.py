"""One training loop for both models: warm-up, a stable stage of constant learning rate, and a separate decay stage.

The stable stage can be stopped and continued at any step: its checkpoint holds weights, their running average, the
optimiser and the step, and batches are functions of the step. The decay stage starts from a stable checkpoint, lets the
learning rate fall linearly to zero and writes finished weights; the stable stage stays as it was.
"""

from __future__ import annotations

import copy
import hashlib
import json
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from .workfolder import Log, save_atomic, work_folder

SAVE_SECONDS = 240


@dataclass(frozen=True)
class Schedule:
    """Peak learning rate, warm-up steps, AdamW's weight decay (matrices only) and the decay of the weights' average."""

    peak_lr: float
    warmup: int
    weight_decay: float = 0.05
    average_decay: float = 0.998


def _optimiser(parameters: list[nn.Parameter], head: nn.Module, schedule: Schedule) -> torch.optim.AdamW:
    matrices = [p for p in parameters if p.ndim >= 2]
    vectors = [p for p in parameters if p.ndim < 2] + list(head.parameters())
    groups = [{"params": matrices, "weight_decay": schedule.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=schedule.peak_lr, betas=(0.9, 0.98), eps=1e-8)


def train(
    name: str,
    model: nn.Module,
    head: nn.Module,
    loss_at: Callable[[int], tuple[Tensor, dict[str, float]]],
    schedule: Schedule,
    until_step: int,
    max_minutes: float,
    decay_steps: int = 0,
    after_step: Callable[[], None] = lambda: None,
    fingerprint: str = "",
) -> Path:
    """Trains `model` (and `head`, parameters used in training only) in the work folder `name`; returns the checkpoint.

    loss_at(step) computes the loss of one step's batch. Stops at until_step (with decay_steps: after that many further
    steps), after max_minutes or on SIGTERM, whichever is first, and saves. The decay stage resumes from its own checkpoint if it was cut, and
    ends by writing `decayed.pt`. A checkpoint of another `fingerprint` (the tokenizer's, say) is refused.
    """
    folder = work_folder(name)
    log = Log(folder / "log.jsonl")
    names = _trained_names(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    average = copy.deepcopy(model).requires_grad_(False)
    optimiser = _optimiser(trained, head, schedule)
    step, decay_start = 0, -1
    stable = folder / "stable.pt"
    checkpoint = folder / "decaying.pt" if decay_steps else stable
    source = checkpoint if checkpoint.exists() else stable
    if source.exists():
        state = torch.load(source, weights_only=True)
        if state.get("fingerprint", fingerprint) != fingerprint:
            raise ValueError(f"{name}: {source} was trained with another tokenizer; move it away to start afresh")
        _load_trained(model, state["model"], names)
        _load_trained(average, state["average"], names)
        head.load_state_dict(state["head"])
        optimiser.load_state_dict(state["optimiser"])
        step, decay_start = state["step"], state["decay_start"]
        log(event="continue", step=step, source=source.name)
    if decay_steps and decay_start < 0:
        decay_start = step
    end = decay_start + decay_steps if decay_steps else until_step

    def save() -> None:
        save_atomic({"model": _trained_state(model, names), "average": _trained_state(average, names), "head": head.state_dict(),
                     "optimiser": optimiser.state_dict(), "step": step, "decay_start": decay_start,
                     "fingerprint": fingerprint}, checkpoint)

    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    started = saved = time.monotonic()
    while step < end and time.monotonic() - started < max_minutes * 60 and not stopping.is_set():
        rate = schedule.peak_lr * min(1.0, (step + 1) / schedule.warmup)
        if decay_steps:
            rate *= 1 - (step - decay_start) / decay_steps
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss, parts = loss_at(step)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_([*trained, *head.parameters()], 1.0))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        after_step()
        step += 1
        _update_average(average, model, min(schedule.average_decay, step / (step + 10)))
        if step % 50 == 0:
            log(step=step, lr=round(rate, 6), norm=round(norm, 2), **parts)
        if time.monotonic() - saved > SAVE_SECONDS:
            save()
            saved = time.monotonic()
    save()
    if decay_steps and step >= end:
        save_atomic({"model": _trained_state(model, names), "average": _trained_state(average, names), "step": step}, folder / "decayed.pt")
        log(event="decayed", step=step)
    return checkpoint


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of the vocabulary: equal fingerprints mean equal ids."""
    return hashlib.sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, keep: float) -> None:
    for kept, new in zip(average.state_dict().values(), model.state_dict().values()):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - keep)


def _trained_names(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def _load_trained(model: nn.Module, state: dict[str, Tensor], names: set[str]) -> None:
    if state.keys() != names:
        raise ValueError(f"the checkpoint's weights are not the model's: {sorted(state.keys() ^ names)}")
    model.load_state_dict(state, strict=False)


def _trained_state(model: nn.Module, names: set[str]) -> dict[str, Tensor]:
    """The weights that training changes; a frozen tower is not part of a checkpoint."""
    return {name: value for name, value in model.state_dict().items() if name in names}


def load_weights(name: str, model: nn.Module, which: str) -> nn.Module:
    """Loads "stable" (the running average of the stable stage) or "decayed" (finished weights) and sets eval mode."""
    state = torch.load(work_folder(name) / f"{which}.pt", weights_only=True)
    _load_trained(model, state["average" if which == "stable" else "model"], _trained_names(model))
    return model.eval()
