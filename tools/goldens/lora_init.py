"""Writes test/goldens/lora-init.json: how PEFT's first LoRA matrices are distributed, for each init_lora_weights.

    python tools/goldens/lora_init.py        # needs torch and peft
"""

import json
from pathlib import Path

import peft
import torch
from peft import LoraConfig, get_peft_model

SEED = 5
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "lora-init.json"
LAYERS, INPUTS, OUTPUTS, RANK = 48, 96, 64, 8


def main():
    torch.manual_seed(SEED)
    cases = []
    for kind in (True, "gaussian", False):
        base = torch.nn.ModuleDict({f"l{i}": torch.nn.Linear(INPUTS, OUTPUTS) for i in range(LAYERS)})
        model = get_peft_model(base, LoraConfig(r=RANK, target_modules=r"l\d+", init_lora_weights=kind))
        found = {"init_lora_weights": kind}
        for side in "AB":
            values = torch.cat([p.flatten() for n, p in model.named_parameters() if f"lora_{side}" in n])
            found[side] = {"std": values.std().item(), "max": values.abs().max().item(), "mean": values.mean().item()}
        cases.append(found)
        print(found)
    golden = {
        "script": "tools/goldens/lora_init.py",
        "versions": {m.__name__: m.__version__ for m in (torch, peft)},
        "seed": SEED,
        "shape": {"layers": LAYERS, "inputs": INPUTS, "outputs": OUTPUTS, "rank": RANK},
        "cases": cases,
    }
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
