"""Writes test/goldens/decoder-config.json: config.json files as transformers writes them, what it reads from them, and
the RoPE frequencies it computes, for every family and rope_type.

    python tools/goldens/decoder_config.py        # needs torch and transformers
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import (
    Idefics3Config,
    LlamaConfig,
    LlavaConfig,
    LlavaOnevisionConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "decoder-config.json"
SMALL = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
LONG = {"rope_theta": 10000.0, "original_max_position_embeddings": 4096}
ROPES = {
    "linear": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "rope_theta": 500000.0,
        "original_max_position_embeddings": 256,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, **LONG},
    "yarn-mscale": {
        "rope_type": "yarn",
        "factor": 40.0,
        "mscale": 0.707,
        "mscale_all_dim": 1.2,
        "beta_fast": 16,
        "beta_slow": 2,
        "truncate": False,
        **LONG,
    },
    "longrope": {
        "rope_type": "longrope",
        "factor": 4.0,
        "short_factor": [1 + 0.1 * i for i in range(8)],
        "long_factor": [2 + 0.5 * i for i in range(8)],
        **LONG,
    },
}


def cases():
    yield "llama", "LlamaForCausalLM", LlamaConfig(**SMALL, num_key_value_heads=2, tie_word_embeddings=True)
    yield "llama with biases", "LlamaForCausalLM", LlamaConfig(**SMALL, attention_bias=True, mlp_bias=True)
    yield "mistral", "MistralForCausalLM", MistralConfig(**SMALL, num_key_value_heads=2, head_dim=24)
    yield "qwen2", "Qwen2ForCausalLM", Qwen2Config(**SMALL, num_key_value_heads=2, sliding_window=7)
    yield "qwen3", "Qwen3ForCausalLM", Qwen3Config(**SMALL, num_key_value_heads=2, attention_bias=True)
    yield "llava", "LlavaForConditionalGeneration", LlavaConfig(text_config=LlamaConfig(**SMALL), image_token_index=31)
    yield (
        "onevision",
        "LlavaOnevisionForConditionalGeneration",
        LlavaOnevisionConfig(text_config=Qwen2Config(**SMALL, num_key_value_heads=4)),
    )
    yield "smolvlm", "Idefics3ForConditionalGeneration", Idefics3Config(text_config=LlamaConfig(**SMALL))
    for name, rope in ROPES.items():
        yield f"rope {name}", "LlamaForCausalLM", LlamaConfig(**SMALL, max_position_embeddings=8192, rope_parameters=rope)


def frequencies(text, length):
    kind = text.rope_parameters["rope_type"]
    if kind == "default":
        dim = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        exponents = torch.arange(0, dim, 2, dtype=torch.int64).float() / dim
        return (1.0 / text.rope_parameters["rope_theta"] ** exponents).tolist(), 1.0
    values, factor = ROPE_INIT_FUNCTIONS[kind](text, "cpu", seq_len=length)
    return values.tolist(), float(factor)


def expected(config):
    text = config.get_text_config()
    heads = text.num_attention_heads
    return {
        "vocabSize": text.vocab_size,
        "hiddenSize": text.hidden_size,
        "intermediateSize": text.intermediate_size,
        "numLayers": text.num_hidden_layers,
        "numHeads": heads,
        "numKvHeads": text.num_key_value_heads,
        "headDim": getattr(text, "head_dim", None) or text.hidden_size // heads,
        "rmsNormEps": text.rms_norm_eps,
        "maxPositions": text.max_position_embeddings,
    }


def main():
    golden = {
        "script": "tools/goldens/decoder_config.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "cases": [],
    }
    for name, architecture, config in cases():
        text = config.get_text_config()
        written = {**json.loads(config.to_json_string()), "architectures": [architecture]}
        golden["cases"].append(
            {
                "name": name,
                "config": written,
                "expected": expected(config),
                "short": frequencies(text, 16),
                "long": frequencies(text, 3 * text.max_position_embeddings),
            }
        )
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
