"""The work folder: everything a stage keeps between runs and that is not committed (checkpoints, caches, logs)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import torch


def work_folder(name: str = "") -> Path:
    """A folder under CLIP_DPO_WORLD_DIR (default ~/.cache/clip-dpo/world), created if absent."""
    root = Path(os.environ.get("CLIP_DPO_WORLD_DIR", str(Path.home() / ".cache" / "clip-dpo" / "world")))
    folder = root / name if name else root
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_atomic(state: dict[str, Any], path: Path) -> None:
    """torch.save to a neighbour, then rename: a reader never sees half a file."""
    partial = path.with_suffix(path.suffix + ".partial")
    torch.save(state, partial)
    os.replace(partial, path)


class Log:
    """Appends JSON lines to a file and echoes them; `seconds` counts from construction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = time.monotonic()

    def __call__(self, **fields: Any) -> None:
        line = json.dumps({**fields, "seconds": round(time.monotonic() - self.start, 1)})
        with self.path.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)
