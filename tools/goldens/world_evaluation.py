"""Writes test/goldens/world-evaluation.json: captions of the embedded world's pictures by a careless and by a true writer, and what
tools/world, which was written on its own, measures of both: AMBER's figures, lengths, and the verdict on truncation.

    python tools/goldens/world_evaluation.py      # from the repository's root
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.world.amber import count, metrics, paired_bootstrap  # noqa: E402
from tools.world.controls import drop_last  # noqa: E402
from tools.world.grammar import long_caption  # noqa: E402
from tools.world.habits import believed  # noqa: E402
from tools.world.scenes import sample_scene  # noqa: E402

SEED = 23
IMAGES = 150
OUT = ROOT / "test" / "goldens" / "world-evaluation.json"


def main():
    rng = np.random.default_rng(SEED)
    scenes = [sample_scene(rng, 0.85, 1, 5) for _ in range(IMAGES)]
    before = [long_caption(rng, believed(rng, scene)[0]).text for scene in scenes]
    # The tuned writer believes what is there half of the time.
    after = [long_caption(rng, scene).text if rng.random() < 0.5 else text for scene, text in zip(scenes, before)]
    counts = {name: [count(text, scene) for text, scene in zip(texts, scenes)]
              for name, texts in {"before": before, "after": after, "cut": [drop_last(t) for t in before]}.items()}
    names = ("chair", "cover", "hal", "cog", "meanLength", "nounsPerCaption")
    golden = {
        "script": "tools/goldens/world_evaluation.py",
        "seed": SEED,
        "images": [{"truth": list(s.nouns), "hallu": list(s.hallucination_prone()), "before": b, "after": a}
                   for s, b, a in zip(scenes, before, after)],
        "figures": {name: {k: metrics(tallies)[k] for k in names} for name, tallies in counts.items()},
        "delta": {k: paired_bootstrap(counts["before"], counts["after"], resamples=2000)[k] for k in names},
    }
    OUT.write_text(json.dumps(golden) + "\n")
    print(golden["figures"], golden["delta"])


if __name__ == "__main__":
    main()
