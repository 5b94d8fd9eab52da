"""Builds the embedded world, stage by stage: python -m tools.world <stage> (run in the project's root).

  tokenizers           make the merges anew (the models then have to be trained anew)
  clip, clip-decay     train emoji-clip: the stable stage (stop and continue at will), then the decay that finishes it
  llava, llava-decay   the same for emoji-llava, on a trained emoji-clip
  data, export         emoji-scenes alone; both models and the data set, into public/
  scene-maker          what the page draws scenes from, into public/data, and the pictures its test compares with
  evaluate             the table of held-out figures of the exported models
  cards                the cards of models and data from these figures, and the hashes of everything
  samples              a sheet of pictures and a page of training captions, to look at
  page                 forty captions of the exported emoji-llava, to read
  check                what must hold before anything is frozen (with --public: of the exported folders too)
  witness              CLIP-DPO on the exported models in Python, with its controls
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Large activations must come from the heap: mapping and unmapping them every step costs a quarter of the time.
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456",
                "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.world", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = parser.add_subparsers(dest="stage", required=True)
    for name in ("clip", "llava"):
        stable = stages.add_parser(name)
        stable.add_argument("--until-step", type=int, default=30_000)
        decay = stages.add_parser(f"{name}-decay")
        decay.add_argument("--steps", type=int, default=2_000)
        for stage in (stable, decay):
            stage.add_argument("--max-minutes", type=float, default=1e9)
            if name == "llava":
                stage.add_argument("--clip", choices=("stable", "decayed"), default="decayed")
    stages.add_parser("tokenizers")
    evaluate = stages.add_parser("evaluate")
    evaluate.add_argument("--split", choices=("dev", "heldout"), default="heldout")
    evaluate.add_argument("--limit", type=int, default=1000)
    stages.add_parser("scene-maker")
    samples = stages.add_parser("samples")
    samples.add_argument("--out", type=Path, required=True)
    for name in ("data", "export"):
        stages.add_parser(name).add_argument("--out", type=Path, default=None)
    for name in ("cards", "page"):
        stages.add_parser(name)
    stages.add_parser("check").add_argument("--public", type=Path, default=None)
    witness = stages.add_parser("witness")
    witness.add_argument("--split", choices=("dev", "heldout"), default="dev")
    witness.add_argument("--seeds", type=int, default=3)
    witness.add_argument("--images", type=int, default=512)
    witness.add_argument("--limit", type=int, default=1000)
    witness.add_argument("recipes", nargs="*", default=["plain"])
    return parser


def main() -> None:
    arguments = _parser().parse_args()
    if "MALLOC_TOP_PAD_" not in os.environ:
        os.environ.update(_ENVIRONMENT)
        os.execv(sys.executable, [sys.executable, "-m", "tools.world", *sys.argv[1:]])

    import torch

    torch.set_num_threads(1)
    stage: str = arguments.stage
    if stage == "tokenizers":
        from . import clip_tokenizer, llava_tokenizer

        clip_tokenizer.write_merges(clip_tokenizer.MERGES_FILE, clip_tokenizer.train_clip_merges())
        clip_tokenizer.write_merges(llava_tokenizer.MERGES_FILE, llava_tokenizer.train_llava_merges())
    elif stage.startswith("clip"):
        from .clip_train import train_clip

        train_clip(getattr(arguments, "until_step", 0), arguments.max_minutes, getattr(arguments, "steps", 0))
    elif stage.startswith("llava"):
        from .llava_train import train_llava

        train_llava(arguments.clip, getattr(arguments, "until_step", 0), arguments.max_minutes, getattr(arguments, "steps", 0))
    elif stage == "evaluate":
        from .release import evaluate

        evaluate(arguments.split, arguments.limit)
    elif stage == "cards":
        from .release import write_cards

        write_cards()
    elif stage == "samples":
        from .samples import write_samples

        write_samples(arguments.out)
    elif stage == "page":
        from .samples import write_page

        write_page()
    elif stage == "scene-maker":
        from .release import PUBLIC
        from .scene_maker import write_golden, write_scene_maker

        write_scene_maker(PUBLIC / "data/scene-maker")
        write_golden(PUBLIC.parent / "test/goldens/scene-maker")
    elif stage == "check":
        from .check import check_data, check_exported, check_packing, check_world

        check_world()
        check_packing()
        if arguments.public is not None:
            check_exported(arguments.public / "models")
            check_data(arguments.public / "data/emoji-scenes")
    elif stage == "witness":
        from .witness import run_witness

        run_witness(arguments.recipes, arguments.split, arguments.seeds, arguments.images, arguments.limit)
    else:
        from .release import PUBLIC, export, export_data

        target = arguments.out or PUBLIC
        export_data(target) if stage == "data" else export(target=target)


if __name__ == "__main__":
    main()
