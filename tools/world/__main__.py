"""python -m tools.world <stage>: builds the embedded world, stage by stage. `--help` lists the stages."""

from __future__ import annotations

import argparse
import os
import sys

# Large activations must come from the heap: mapping and unmapping them every step costs a quarter of the time.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456",
           "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
if "MALLOC_TOP_PAD_" not in os.environ:
    os.environ.update(_MALLOC)
    os.execv(sys.executable, [sys.executable, "-m", "tools.world", *sys.argv[1:]])


def main() -> None:
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(prog="python -m tools.world", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    clip = stages.add_parser("clip", help="train emoji-clip's stable stage, or continue it")
    clip.add_argument("--until-step", type=int, default=30_000)
    clip.add_argument("--max-minutes", type=float, default=1e9)
    decay = stages.add_parser("clip-decay", help="finish emoji-clip: let the learning rate fall from the stable checkpoint")
    decay.add_argument("--steps", type=int, default=2_000)
    decay.add_argument("--max-minutes", type=float, default=1e9)
    arguments = parser.parse_args()
    if arguments.stage == "clip":
        from .clip_train import train_clip

        train_clip(arguments.until_step, arguments.max_minutes)
    elif arguments.stage == "clip-decay":
        from .clip_train import train_clip

        train_clip(0, arguments.max_minutes, arguments.steps)


if __name__ == "__main__":
    main()
