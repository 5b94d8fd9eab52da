"""Writes test/goldens/adamw.json: ten steps of torch.optim.AdamW with clip_grad_norm_, in float64.

Initial values and gradients are rounded to float32, so that a float32 optimiser starts from the same numbers.

    python tools/goldens/adamw.py        # needs torch
"""

import json
from pathlib import Path

import torch

SEED = 11
SHAPES = [(7,), (3, 11)]
STEPS = 10
MAX_NORM = 1.0
SETTINGS = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weightDecay": 0.01}
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "adamw.json"


def main():
    generator = torch.Generator().manual_seed(SEED)

    def normal(shape):
        return torch.randn(shape, generator=generator, dtype=torch.float32).double()

    parameters = [torch.nn.Parameter(normal(shape)) for shape in SHAPES]
    optimizer = torch.optim.AdamW(
        parameters,
        lr=1e-2,
        betas=(SETTINGS["beta1"], SETTINGS["beta2"]),
        eps=SETTINGS["eps"],
        weight_decay=SETTINGS["weightDecay"],
    )
    golden = {
        "script": "tools/goldens/adamw.py",
        "versions": {"torch": torch.__version__},
        "seed": SEED,
        "settings": SETTINGS,
        "maxNorm": MAX_NORM,
        "initial": [p.detach().flatten().tolist() for p in parameters],
        "steps": [],
    }
    for step in range(STEPS):
        lr = 1e-2 * (1 - step / STEPS)
        scale = 10.0 ** -(step % 3)  # large steps are clipped, small ones are not
        grads = [(scale * normal(shape)).float().double() for shape in SHAPES]
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
        golden["steps"].append(
            {
                "lr": lr,
                "grads": [g.flatten().tolist() for g in grads],
                "norm": norm.item(),
                "parameters": [p.detach().flatten().tolist() for p in parameters],
            }
        )
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(OUT.name, OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
