"""Writes emoji-scenes: parquet splits with embedded PNG images and truth columns, and the same truth in AMBER's layout."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Image, Value
from PIL import Image as PillowImage

from .grammar import long_caption, short_caption
from .questions import Question, questions
from .scenes import RELATION_MARGIN, SIZES, Scene, position, relation, render
from .sft import PROMPTS, caption_turn
from .splits import SPLITS, split_scenes
from .vocabulary import NOUNS

_TEXT = Value("string")
FEATURES = Features({
    "id": Value("int32"),
    "image": Image(),
    "place": _TEXT,
    "truth": [_TEXT],
    "hallu": [_TEXT],
    "attributes": [{"noun": _TEXT, "colour": _TEXT, "number": Value("int32"), "positions": [_TEXT]}],
    "relations": [{"subject": _TEXT, "relation": _TEXT, "object": _TEXT}],
    "objects": [{"noun": _TEXT, "colour": _TEXT, "x": Value("int32"), "y": Value("int32"), "size": Value("int32")}],
    "lettering": _TEXT,
    "captions": [_TEXT],
    "sft": [{"prompt": _TEXT, "answer": _TEXT, "invented": [_TEXT]}],
    "questions": [{"kind": _TEXT, "text": _TEXT, "answer": _TEXT}],
})
_AMBER_TYPES = {"existence": "discriminative-hallucination", "colour": "discriminative-attribute-state",
                "number": "discriminative-attribute-number", "relation": "discriminative-relation"}


def png(scene: Scene) -> bytes:
    """The scene's picture as an optimised PNG."""
    buffer = io.BytesIO()
    PillowImage.fromarray(render(scene)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def asked(split: str, index: int, scene: Scene) -> list[Question]:
    """The questions of one picture, fixed by the split's seed."""
    return questions(np.random.default_rng((SPLITS[split].seed, 88, index)), scene)


def row(split: str, index: int, scene: Scene) -> dict[str, Any]:
    """One picture with everything known about it. captions: true ones; sft: the careless mixture's answer to each prompt."""
    rng = np.random.default_rng((SPLITS[split].seed, 77, index))
    turns = [caption_turn(rng, scene, p) for p in range(len(PROMPTS))] if split == "train" else []
    return {
        "id": index + 1,
        "image": {"bytes": png(scene), "path": image_name(split, index)},
        "place": scene.place.name,
        "truth": list(scene.nouns),
        "hallu": list(scene.hallucination_prone()),
        "attributes": [{"noun": g.noun, "colour": g.colour, "number": g.count, "positions": list(position(g))} for g in scene.groups],
        "relations": [{"subject": a.noun, "relation": link, "object": b.noun}
                      for a in scene.groups for b in scene.groups if a is not b for link in relation(a, b)],
        "objects": [{"noun": g.noun, "colour": g.colour, "x": p.x, "y": p.y, "size": SIZES[p.size]} for g in scene.groups for p in g.placements],
        "lettering": None if scene.lettering is None else scene.lettering.word,
        "captions": [short_caption(rng, scene).text, long_caption(rng, scene).text],
        "sft": [{"prompt": t.prompt, "answer": t.answer, "invented": list(t.invented)} for t in turns],
        "questions": [{"kind": q.kind, "text": q.text, "answer": "Yes" if q.truth else "No"} for q in asked(split, index, scene)],
    }


def image_name(split: str, index: int) -> str:
    return f"{split}_{index + 1:04d}.png"


def write_dataset(folder: Path) -> None:
    """data/<split>-00000-of-00001.parquet for every split, and amber/ for heldout."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name in SPLITS:
        rows = [row(name, i, scene) for i, scene in enumerate(split_scenes(name))]
        Dataset.from_list(rows, features=FEATURES, split=name).to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
    write_amber(folder / "amber", "heldout")


def write_amber(folder: Path, split: str) -> None:
    """annotations.json, relation.json, safe_words.txt, query_generative.json, query_discriminative.json and query_all.json."""
    folder.mkdir(parents=True, exist_ok=True)
    annotations: list[dict[str, Any]] = []
    generative: list[dict[str, Any]] = []
    discriminative: list[dict[str, Any]] = []
    scenes = split_scenes(split)
    for index, scene in enumerate(scenes):
        annotations.append({"id": index + 1, "type": "generative", "truth": list(scene.nouns), "hallu": list(scene.hallucination_prone())})
        generative.append({"id": index + 1, "image": image_name(split, index), "query": PROMPTS[0][0]})
    number = len(scenes)
    for kind, amber_type in _AMBER_TYPES.items():
        for index, scene in enumerate(scenes):
            for question in asked(split, index, scene):
                if question.kind == kind:
                    number += 1
                    annotations.append({"id": number, "type": amber_type, "truth": "yes" if question.truth else "no"})
                    discriminative.append({"id": number, "image": image_name(split, index), "query": question.text})
    files = {"annotations.json": annotations, "relation.json": {noun.name: [] for noun in NOUNS}, "query_generative.json": generative,
             "query_discriminative.json": discriminative, "query_all.json": generative + discriminative}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")
    (folder / "safe_words.txt").write_text("")


def data_card() -> str:
    """The README of the data set, with the front matter the hub reads."""
    configs = "\n".join(f"      - split: {name}\n        path: data/{name}-*.parquet" for name in SPLITS)
    table = "\n".join(f"| `{name}` | {split.size} | {split.purpose} | {split.seed} |" for name, split in SPLITS.items())
    return f"""---
license: apache-2.0
pretty_name: emoji-scenes
task_categories: [image-to-text, visual-question-answering]
size_categories: [1K<n<10K]
configs:
  - config_name: default
    data_files:
{configs}
---

# emoji-scenes

Drawn pictures (96 x 96) of everyday things in ten places, whose truth is known completely. Made for measuring
hallucination: every picture lists the nouns that are there (`truth`), and the nouns that would be typical of the place
but are not there (`hallu`), in AMBER's terms.

| split | pictures | for | seed |
|---|---|---|---|
{table}

The splits differ by seed, from one another and from all pictures that emoji-clip and emoji-llava were trained on, and no two
pictures of the four are equal.

## Columns

- `id`, `image` (PNG), `place`
- `truth`, `hallu`: nouns
- `attributes`: for each noun its colour (null where it has only its natural one), how many there are, and the position of a single one
- `relations`: subject, relation (`left of`, `right of`, `above`, `below`), object; true of all objects of the two kinds, by at least {RELATION_MARGIN} pixels
- `objects`: every object with its centre and size in pixels
- `lettering`: the word written in the picture, if there is one (some of `train` only)
- `captions`: a short and a long one, true
- `sft` (split `train` only): the careless answers a language model is trained on, with the nouns they invent
- `questions`: kind (existence, colour, number, relation), text, Yes or No

`amber/` holds the truth of `heldout` in the layout of AMBER's own files (annotations, relation, safe_words, queries). AMBER's own
script (`inference.py`) has run on them, with two of its parts replaced: nouns are found in the closed vocabulary of these pictures
in place of NLTK's tagger, and word vectors are left out, so that no two different words count as similar. What it prints is kept
in `test/goldens/amber-world.json` (`tools/goldens/amber_world.py`), and this project's own figures equal it.

## Sources and licence

Objects are Noto Emoji images, copyright Google LLC, Apache License 2.0; backgrounds, captions and questions are drawn
and written by `tools/world` of this project. The licence's text stands in LICENSE.
"""
