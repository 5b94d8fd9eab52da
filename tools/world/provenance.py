"""What a committed figure stands on: the models' weights, and the versions of the libraries that computed it."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

MODELS = ("emoji-clip", "emoji-llava")
LIBRARIES = ("numpy", "onnxruntime", "peft", "pillow", "torch", "transformers", "trl")


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def provenance(models: Path) -> dict[str, dict[str, str]]:
    """weights: SHA-256 of each model's model.safetensors below `models`; versions: of the libraries, without the build's suffix."""
    return {"weights": {name: sha256(models / name / "model.safetensors") for name in MODELS},
            "versions": {name: version(name).split("+")[0] for name in LIBRARIES}}
