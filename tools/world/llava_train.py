"""Trains emoji-llava on the careless SFT mixture: next-token loss on the answers, CLIP tower frozen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration

from .clip_data import to_pixels
from .clip_train import load_clip
from .llava_data import PackedBatch, pack
from .llava_model import new_llava, patch_features
from .llava_tokenizer import llava_tokenizer
from .precision import mixed_precision
from .scenes import Scene, render
from .sft import sft_scene, sft_turns
from .training import Schedule, load_weights, tokenizer_fingerprint, train

BATCH = 48
CAPTIONS = 2
SEED = 40
SCHEDULE = Schedule(peak_lr=2e-3, warmup=200)
POOL = 4096
FRESH = 20
STEPS_PER_KIND = 100
"""Curriculum over the number of kinds of objects, as in CLIP's training but quicker: the tower sees already."""


class FeaturePool:
    """Scenes and their patch features: a window of POOL scenes that moves on by FRESH each step."""

    def __init__(self, model: LlavaForConditionalGeneration) -> None:
        self.model = model
        self.kept: dict[int, tuple[Scene, Tensor]] = {}

    def __call__(self, rng: np.random.Generator, step: int) -> tuple[list[Scene], Tensor]:
        """BATCH scenes and their features (BATCH, 36, 160)."""
        first = step * FRESH
        wanted = [first + int(i) for i in rng.choice(min(POOL, 256 + 12 * step), BATCH, replace=False)]
        missing = [index for index in wanted if index not in self.kept]
        if missing:
            scenes = [sft_scene(np.random.default_rng((SEED, index)), min(5, 1 + index // (FRESH * STEPS_PER_KIND))) for index in missing]
            pixels = to_pixels(torch.from_numpy(np.stack([render(scene) for scene in scenes])))
            for index, scene, features in zip(missing, scenes, patch_features(self.model, pixels)):
                self.kept[index] = (scene, features)
        for index in [index for index in self.kept if index < first]:
            del self.kept[index]
        return [self.kept[i][0] for i in wanted], torch.stack([self.kept[i][1] for i in wanted])


def packed_logits(model: LlavaForConditionalGeneration, batch: PackedBatch, features: Tensor) -> Tensor:
    """Logits at the positions that have a target, (K, V). features: (B, 36, 160), before the projector."""
    image = model.model.multi_modal_projector(features)
    embeddings = model.get_input_embeddings()(batch.input_ids)
    where = (batch.input_ids == model.config.image_token_id)[..., None]
    embeddings = embeddings.masked_scatter(where, image.to(embeddings.dtype))
    hidden = model.model.language_model(
        inputs_embeds=embeddings, attention_mask=batch.attention_mask, position_ids=batch.position_ids, use_cache=False,
    ).last_hidden_state
    return model.lm_head(hidden[batch.target >= 0]).float()


def llava_loss(model: LlavaForConditionalGeneration, batch: PackedBatch, features: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Weighted mean cross-entropy of the answers' tokens, in mixed precision."""
    with mixed_precision():
        logits = packed_logits(model, batch, features)
    chosen = batch.target >= 0
    target, weight = batch.target[chosen], batch.weight[chosen]
    each = F.cross_entropy(logits, target, reduction="none")
    loss = (each * weight).sum() / weight.sum()
    answers = weight > 1
    with torch.no_grad():
        parts = {"loss": loss.item(), "caption": each[~answers].mean().item(), "answer": each[answers].mean().item(),
                 "answer_right": (logits[answers].argmax(-1) == target[answers]).float().mean().item()}
    return loss, {name: round(value, 4) for name, value in parts.items()}


def train_llava(clip: str, until_step: int, max_minutes: float, decay_steps: int = 0) -> Path:
    """Starts or continues the stable stage on the given CLIP ("stable" or "decayed"), or runs the decay stage.

    The tower is no part of the checkpoint: the stable stage may begin on a CLIP that still trains and continue on the
    finished one, to whose features, close to the earlier ones, projector and decoder then adapt.
    """
    model = new_llava(load_clip(clip), SEED)
    pool = FeaturePool(model)

    def loss_at(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((SEED, 1, step))
        scenes, features = pool(rng, step)
        return llava_loss(model, pack([sft_turns(rng, scene, CAPTIONS) for scene in scenes]), features)

    return train("llava", model, nn.Module(), loss_at, SCHEDULE, until_step, max_minutes, decay_steps,
                 fingerprint=tokenizer_fingerprint(llava_tokenizer()))


def load_llava(which: str) -> LlavaForConditionalGeneration:
    """A trained LLaVA in eval mode: "stable" or "decayed", each on the CLIP of the same name."""
    model = new_llava(load_clip(which), SEED)
    load_weights("llava", model, which)
    return model
