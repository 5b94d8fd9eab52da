"""Writes test/goldens/decoders/rope.json: logits of the decoder of test/goldens/decoders/llama under each kind of scaled RoPE.

The settings are such that the scaling acts within the few positions that are computed.

    python tools/goldens/rope.py        # needs torch and transformers
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

SEED = 19
LENGTH = 40
FOLDER = Path(__file__).resolve().parents[2] / "test" / "goldens" / "decoders"
THETA = {"rope_theta": 10000.0}
ROPES = {
    "linear": {"rope_type": "linear", "factor": 4.0, **THETA},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0, **THETA},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
        **THETA,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, **THETA},
    "longrope": {
        "rope_type": "longrope",
        "factor": 2.0,
        "short_factor": [1.0, 1.3, 1.7, 2.5],
        "long_factor": [2.0, 3.0, 4.0, 5.0],
        "original_max_position_embeddings": 64,
        **THETA,
    },
}


def main():
    generator = torch.Generator().manual_seed(SEED)
    config = LlamaConfig.from_pretrained(FOLDER / "llama")
    ids = torch.randint(3, config.vocab_size, (1, LENGTH), generator=generator)
    written = json.loads((FOLDER / "llama" / "config.json").read_text())
    cases = []
    plain = None
    for name, rope in {"default": {"rope_type": "default", **THETA}, **ROPES}.items():
        config = LlamaConfig.from_pretrained(FOLDER / "llama", rope_parameters=rope)
        model = LlamaForCausalLM.from_pretrained(FOLDER / "llama", config=config, dtype=torch.float64).eval()
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, -4:-1].float()
        plain = logits if plain is None else plain
        print(name, "differs from plain RoPE by", (logits - plain).abs().max().item())
        cases.append({"name": name, "config": {**written, "rope_parameters": rope}, "logits": logits.flatten().tolist()})
    golden = {
        "script": "tools/goldens/rope.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers)},
        "seed": SEED,
        "ids": ids[0].tolist(),
        "predicted": 3,
        "cases": cases[1:],
    }
    text = json.dumps(golden, indent=1)
    (FOLDER / "rope.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
