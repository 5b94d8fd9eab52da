"""emoji-clip's architecture: a standard CLIPModel with 37 vision tokens and a 77-token text tower."""

from __future__ import annotations

from typing import Any

import torch
from transformers import CLIPConfig, CLIPModel

from .backgrounds import IMAGE_SIZE
from .clip_tokenizer import MAX_LENGTH, clip_tokenizer

PATCH_SIZE = 16


def clip_config() -> CLIPConfig:
    """Vision 160 wide and 4 deep, text 128 wide and 3 deep, projection 128: about 2.2M parameters."""
    tokenizer = clip_tokenizer()
    return CLIPConfig(
        text_config=dict(
            vocab_size=len(tokenizer), hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
            max_position_embeddings=MAX_LENGTH, projection_dim=128, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id),
        vision_config=dict(
            hidden_size=160, intermediate_size=640, num_hidden_layers=4, num_attention_heads=5, image_size=IMAGE_SIZE,
            patch_size=PATCH_SIZE, projection_dim=128),
        projection_dim=128,
    )


class _LeanQuickGelu(torch.autograd.Function):
    """x sigmoid(1.702 x) = silu(1.702 x) / 1.702, whose derivative is silu'(1.702 x): one pass over memory each way instead of many."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        scaled = x * 1.702
        ctx.save_for_backward(scaled)
        return torch.nn.functional.silu(scaled).mul_(1 / 1.702)

    @staticmethod
    def backward(ctx: Any, dout: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten.silu_backward(dout, ctx.saved_tensors[0])


class LeanActivation(torch.nn.Module):
    """Drop-in for transformers' QuickGELUActivation during training."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _LeanQuickGelu.apply(x)


def use_lean_activation(model: CLIPModel) -> None:
    """Replaces the activation of every layer by its equal that trains faster on a CPU."""
    for layer in [*model.vision_model.encoder.layers, *model.text_model.encoder.layers]:
        layer.mlp.activation_fn = LeanActivation()


def new_clip(seed: int) -> CLIPModel:
    torch.manual_seed(seed)
    return CLIPModel(clip_config())


def embed_images(model: CLIPModel, pixels: torch.Tensor) -> torch.Tensor:
    """Unit image embeddings, (B, 3, 96, 96) to (B, 128)."""
    features = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)
    return torch.nn.functional.normalize(features.float(), dim=-1)


def embed_ids(model: CLIPModel, ids: list[list[int]], chunk: int = 96) -> torch.Tensor:
    """Unit text embeddings, N token lists to (N, 128); texts of like length share a padded chunk, which saves much padding."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    pad = model.config.text_config.pad_token_id
    parts = []
    for start in range(0, len(order), chunk):
        rows = [ids[i] for i in order[start : start + chunk]]
        width = max(len(row) for row in rows)
        padded = torch.tensor([row + [pad] * (width - len(row)) for row in rows])
        parts.append(model.text_projection(model.text_model(input_ids=padded).pooler_output))
    inverse = torch.empty(len(order), dtype=torch.long)
    inverse[torch.tensor(order)] = torch.arange(len(order))
    return torch.nn.functional.normalize(torch.cat(parts).float(), dim=-1)[inverse]
