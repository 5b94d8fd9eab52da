"""Writes test/goldens/world-captions.json: captions of the embedded world's grammar, each with the nouns it names, in order and
repeated where it repeats them, and with everything it claims.

    python tools/goldens/world_captions.py      # from the repository's root
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.world.amber import nouns_of  # noqa: E402
from tools.world.grammar import body_sentence, long_caption, noun_phrase, short_caption, statement  # noqa: E402
from tools.world.scenes import sample_scene  # noqa: E402
from tools.world.vocabulary import COLOURS, NOUNS  # noqa: E402

SEED = 11
CAPTIONS = 300
WRITERS = (short_caption, long_caption, long_caption, noun_phrase, body_sentence, statement)
OUT = ROOT / "test" / "goldens" / "world-captions.json"


def main():
    rng = np.random.default_rng(SEED)
    rows = []
    for i in range(CAPTIONS):
        caption = WRITERS[i % len(WRITERS)](rng, sample_scene(rng, 0.5, 1, 5))
        claims = [[claim.kind, claim.noun, claim.value] for claim in caption.claims]
        rows.append({"text": caption.text, "nouns": nouns_of(caption.text), "claims": claims})
    golden = {"script": "tools/goldens/world_captions.py", "seed": SEED, "nouns": [n.name for n in NOUNS],
              "colours": COLOURS, "captions": rows}
    OUT.write_text(json.dumps(golden) + "\n")
    print(len(rows), "captions of", len({n for row in rows for n in row["nouns"]}), "of", len(NOUNS), "nouns")


if __name__ == "__main__":
    main()
