"""ONNX graphs in the layout transformers.js reads, with weights stored as f16 and computed in f32.

emoji-clip: text_model (input_ids to text_embeds) and vision_model (pixel_values to image_embeds), projections included.
emoji-llava: vision_encoder (pixel_values to image_features, after the projector), embed_tokens, and
decoder_model_merged (inputs_embeds, attention_mask, position_ids and the key-value cache to logits and the longer cache).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from transformers import CLIPModel, LlavaForConditionalGeneration

from .llava_model import FEATURE_LAYER

OPSET = 18
_SMALL = 64
"""Initialisers with fewer elements (constants of the graph) stay as they are."""


class _TextModel(nn.Module):
    def __init__(self, clip: CLIPModel) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, input_ids: Tensor) -> Tensor:
        embedded = self.clip.text_projection(self.clip.text_model(input_ids=input_ids).pooler_output)
        return embedded / embedded.norm(dim=-1, keepdim=True)


class _VisionModel(nn.Module):
    def __init__(self, clip: CLIPModel) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, pixel_values: Tensor) -> Tensor:
        embedded = self.clip.visual_projection(self.clip.vision_model(pixel_values=pixel_values).pooler_output)
        return embedded / embedded.norm(dim=-1, keepdim=True)


class _VisionEncoder(nn.Module):
    def __init__(self, llava: LlavaForConditionalGeneration) -> None:
        super().__init__()
        self.tower, self.projector = llava.model.vision_tower, llava.model.multi_modal_projector

    def forward(self, pixel_values: Tensor) -> Tensor:
        hidden = self.tower(pixel_values=pixel_values, output_hidden_states=True).hidden_states[FEATURE_LAYER]
        return self.projector(hidden[:, 1:])


class _Decoder(nn.Module):
    """Llama with an explicit cache, written out over the model's own weights so that the graph stays small."""

    def __init__(self, llava: LlavaForConditionalGeneration) -> None:
        super().__init__()
        self.model, self.lm_head = llava.model.language_model, llava.lm_head
        config = llava.config.text_config
        self.heads, self.kv_heads, self.head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        theta = config.rope_parameters["rope_theta"]
        self.register_buffer("inverse_frequency", theta ** (-torch.arange(0, self.head_dim, 2).float() / self.head_dim))

    def _rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        half = self.head_dim // 2
        return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor, position_ids: Tensor, past: list[Tensor]) -> tuple[Tensor, ...]:
        batch, length, _ = inputs_embeds.shape
        total = attention_mask.shape[1]
        angle = position_ids[..., None].float() * self.inverse_frequency
        angle = torch.cat([angle, angle], dim=-1)[:, None]  # (B, 1, T, head_dim)
        cos, sin = angle.cos(), angle.sin()
        column = torch.arange(total)[None, :]
        row = torch.arange(length)[:, None] + (total - length)
        visible = (column <= row)[None, None] & (attention_mask[:, None, None, :] > 0)
        bias = torch.where(visible, 0.0, -1e9)  # (B, 1, T, total)
        hidden, present = inputs_embeds, []
        for index, layer in enumerate(self.model.layers):
            x, attention = layer.input_layernorm(hidden), layer.self_attn
            query = attention.q_proj(x).view(batch, length, self.heads, self.head_dim).transpose(1, 2)
            key = attention.k_proj(x).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
            value = attention.v_proj(x).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
            key = torch.cat([past[2 * index], self._rotate(key, cos, sin)], dim=2)
            value = torch.cat([past[2 * index + 1], value], dim=2)
            present += [key, value]
            group = self.heads // self.kv_heads
            scores = self._rotate(query, cos, sin) @ key.repeat_interleave(group, dim=1).transpose(2, 3) / self.head_dim**0.5
            mixed = torch.softmax(scores + bias, dim=-1) @ value.repeat_interleave(group, dim=1)
            hidden = hidden + attention.o_proj(mixed.transpose(1, 2).reshape(batch, length, self.heads * self.head_dim))
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        return (self.lm_head(self.model.norm(hidden)), *present)


def _name_axes(graph: onnx.GraphProto, axes: dict[str, tuple[str | None, ...]]) -> None:
    """Gives the free dimensions of inputs the names transformers.js goes by: it builds empty caches from them."""
    for value in graph.input:
        for dimension, name in zip(value.type.tensor_type.shape.dim, axes[value.name]):
            if name is not None:
                dimension.dim_param = name
    for value in graph.output:
        for number, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.HasField("dim_param"):
                dimension.dim_param = "batch_size" if number == 0 else f"{value.name}.{number}"


def store_f16(path: Path, axes: dict[str, tuple[str | None, ...]]) -> None:
    """Rewrites a model file: every large f32 initialiser becomes f16 followed by a cast back; axes are named."""
    model = onnx.load(path)
    graph = model.graph
    _name_axes(graph, axes)
    casts, kept = [], []
    for initialiser in graph.initializer:
        array = numpy_helper.to_array(initialiser)
        if initialiser.data_type != TensorProto.FLOAT or array.size < _SMALL:
            kept.append(initialiser)
            continue
        stored = initialiser.name + ".f16"
        kept.append(numpy_helper.from_array(array.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [initialiser.name], name=initialiser.name + ".cast", to=TensorProto.FLOAT))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    del graph.value_info[:]
    for node in graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _export(module: nn.Module, arguments: tuple[object, ...], path: Path, inputs: list[str], outputs: list[str],
            axes: dict[str, tuple[str | None, ...]], shapes: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(module.eval(), arguments, str(path), input_names=inputs, output_names=outputs, dynamic_shapes=shapes,
                      opset_version=OPSET, dynamo=True, external_data=False, verbose=False)
    store_f16(path, axes)


def export_clip_onnx(clip: CLIPModel, folder: Path) -> None:
    """Writes text_model.onnx and vision_model.onnx."""
    batch, length = torch.export.Dim("batch", max=4096), torch.export.Dim("length", min=2, max=77)
    eos = clip.config.text_config.eos_token_id
    ids = torch.full((3, 9), 5)
    ids[:, -1] = eos
    _export(_TextModel(clip), (ids,), folder / "text_model.onnx", ["input_ids"], ["text_embeds"],
            {"input_ids": ("batch_size", "sequence_length")}, {"input_ids": {0: batch, 1: length}})
    size = clip.config.vision_config.image_size
    _export(_VisionModel(clip), (torch.randn(3, 3, size, size),), folder / "vision_model.onnx", ["pixel_values"], ["image_embeds"],
            {"pixel_values": ("batch_size", None, None, None)}, {"pixel_values": {0: batch}})


def export_llava_onnx(llava: LlavaForConditionalGeneration, folder: Path) -> None:
    """Writes vision_encoder.onnx, embed_tokens.onnx and decoder_model_merged.onnx."""
    batch, length = torch.export.Dim("batch", max=4096), torch.export.Dim("length", max=4096)
    config = llava.config.text_config
    size = llava.config.vision_config.image_size
    _export(_VisionEncoder(llava), (torch.randn(3, 3, size, size),), folder / "vision_encoder.onnx", ["pixel_values"], ["image_features"],
            {"pixel_values": ("batch_size", None, None, None)}, {"pixel_values": {0: batch}})
    _export(llava.get_input_embeddings(), (torch.full((3, 9), 5),), folder / "embed_tokens.onnx", ["input_ids"], ["inputs_embeds"],
            {"input_ids": ("batch_size", "sequence_length")}, {"input": {0: batch, 1: length}})
    layers = config.num_hidden_layers
    past = [torch.randn(3, config.num_key_value_heads, 4, config.head_dim) for _ in range(2 * layers)]
    arguments = (torch.randn(3, 9, config.hidden_size), torch.ones(3, 13, dtype=torch.long), torch.arange(4, 13).expand(3, 9).contiguous(), past)
    names = [f"{part}.{i}.{kind}" for part in ("past_key_values", "present") for i in range(layers) for kind in ("key", "value")]
    auto = torch.export.Dim.AUTO
    _export(_Decoder(llava), arguments, folder / "decoder_model_merged.onnx",
            ["inputs_embeds", "attention_mask", "position_ids", *names[: 2 * layers]], ["logits", *names[2 * layers :]],
            {"inputs_embeds": ("batch_size", "sequence_length", None), "attention_mask": ("batch_size", "total_sequence_length"),
             "position_ids": ("batch_size", "sequence_length"),
             **{name: ("batch_size", None, "past_sequence_length", None) for name in names[: 2 * layers]}},
            {"inputs_embeds": {0: auto, 1: auto}, "attention_mask": {0: auto, 1: auto}, "position_ids": {0: auto, 1: auto},
             "past": [{0: auto, 2: auto} for _ in range(2 * layers)]})
