"""Writes test/goldens/amber-world.json: what emoji-llava says about the held-out pictures, and what AMBER's own inference.py prints
of it when it is given the files in public/data/emoji-scenes/amber.

The script is the user's copy of github.com/junyangwang0410/AMBER; nothing of it is kept here. Nouns are those of the world's
closed vocabulary, in place of NLTK's, and no two different words count as similar.

    python tools/goldens/amber_world.py PATH_TO_AMBER      # from the repository's root; some minutes
"""

import json
import sys
import types
from pathlib import Path

import torch
from amber import load_script, run
from transformers import LlavaForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.world.amber import nouns_of  # noqa: E402
from tools.world.evaluate_llava import answers, captions  # noqa: E402
from tools.world.splits import split_scenes  # noqa: E402

OUT = ROOT / "test" / "goldens" / "amber-world.json"
WORLD = ROOT / "public" / "data" / "emoji-scenes" / "amber"
FIGURES = ("accuracy", "precision", "recall", "f1")


def main():
    module = load_script((Path(sys.argv[1]) / "inference.py").read_text())
    module.extract_nouns = nouns_of
    files = {"relation": WORLD / "relation.json", "safe_words": WORLD / "safe_words.txt", "annotations": WORLD / "annotations.json",
             "metrics": Path(sys.argv[1]) / "data" / "metrics.txt"}
    model = LlavaForConditionalGeneration.from_pretrained(ROOT / "public/models/emoji-llava", dtype=torch.float32).eval()
    scenes = list(split_scenes("heldout"))
    queries = json.loads((WORLD / "query_generative.json").read_text())
    written = captions(model, scenes, queries[0]["query"])
    told = [{"id": query["id"], "response": text} for query, text in zip(queries, written, strict=True)]
    generative = run(module, files, told, "g")
    asked = json.loads((WORLD / "query_discriminative.json").read_text())
    yes = answers(model, scenes, [(int(q["image"].split("_")[1][:-4]) - 1, types.SimpleNamespace(text=q["query"])) for q in asked])
    said = [{"id": q["id"], "response": "Yes" if is_yes else "No"} for q, is_yes in zip(asked, yes, strict=True)]
    discriminative = run(module, files, said, "d")
    golden = {
        "script": "tools/goldens/amber_world.py",
        "source": "junyangwang0410/AMBER at 534babf",
        "captions": written,
        "generative": dict(zip(("chair", "cover", "hal", "cog"), generative, strict=True)),
        "answers": "".join("y" if is_yes else "n" for is_yes in yes),
        "discriminative": dict(zip(FIGURES, discriminative[:4], strict=True)),
        "existence": dict(zip(FIGURES, discriminative[4:8], strict=True)),
    }
    OUT.write_text(json.dumps(golden) + "\n")
    print(golden["generative"], golden["discriminative"], golden["existence"])


if __name__ == "__main__":
    main()
