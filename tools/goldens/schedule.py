"""Writes test/goldens/schedule.json: learning rates of transformers' schedules, step by step.

    python tools/goldens/schedule.py        # needs torch and transformers
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import get_scheduler

OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "schedule.json"
NAMES = ["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt"]
LEARNING_RATE = 2e-4
STEPS = 12


def rates(name, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LEARNING_RATE)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=STEPS)
    values = []
    for _ in range(STEPS):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return values


def main():
    golden = {
        "script": "tools/goldens/schedule.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers)},
        "learningRate": LEARNING_RATE,
        "steps": STEPS,
        "cases": [{"name": n, "warmup": w, "rates": rates(n, w)} for n in NAMES for w in (0, 3)],
    }
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
