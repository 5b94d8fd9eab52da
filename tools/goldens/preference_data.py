"""Writes test/goldens/preference-data/: preference pairs as Hugging Face datasets saves them, in parquet.

strings.parquet: plain texts, images embedded as {bytes, path}, a weight, snappy.
messages.parquet: lists of messages with content parts, image paths, zstd, two row groups.

    python tools/goldens/preference_data.py        # needs datasets and pyarrow
"""

import json
from pathlib import Path

import pyarrow.parquet as pq
from datasets import Dataset, Image, Sequence

GOLDENS = Path(__file__).resolve().parents[2] / "test" / "goldens"
SOURCE = GOLDENS / "dpo-trainer"
OUT = GOLDENS / "preference-data"


def part(text=None):
    return {"type": "image" if text is None else "text", "text": text}


def main():
    OUT.mkdir(exist_ok=True)
    rows = [json.loads(line) for line in (SOURCE / "pairs.jsonl").read_text().splitlines()[:3]]
    embedded = [
        {
            **row,
            "images": [{"bytes": (SOURCE / path).read_bytes(), "path": Path(path).name} for path in row["images"]],
            "weight": weight,
            "gap": 2 * i,
        }
        for i, (row, weight) in enumerate(zip(rows, (1.0, 0.5, 2.0)))
    ]
    dataset = Dataset.from_list(embedded).cast_column("images", Sequence(Image()))
    dataset.to_parquet(OUT / "strings.parquet")
    chat = [
        {
            "images": row["images"],
            "prompt": [{"role": "user", "content": [part(), part("describe the picture")]}],
            "chosen": [{"role": "assistant", "content": [part(row["chosen"])]}],
            "rejected": [{"role": "assistant", "content": [part(row["rejected"])]}],
        }
        for row in rows
    ]
    pq.write_table(
        Dataset.from_list(chat).data.table, OUT / "messages.parquet", row_group_size=2, compression="zstd"
    )


if __name__ == "__main__":
    main()
