"""Writes test/goldens/amber.json: what AMBER's own inference.py prints for made-up noun lists and answers.

The script is the user's copy of github.com/junyangwang0410/AMBER; nothing of it is kept here. Its taggers and word vectors
are put out of action: nouns are given, and no two different words count as similar.

    python tools/goldens/amber.py PATH_TO_AMBER
"""

import contextlib
import io
import json
import random
import sys
import tempfile
import types
from pathlib import Path

SEED = 5
CAPTIONS = 120
QUESTIONS = 600
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "amber.json"


def load_script(source):
    """The script as a module, with stand-ins for what it imports."""
    nlp = types.SimpleNamespace(similarity=lambda other: 0.0)
    stand_ins = {
        "spacy": types.SimpleNamespace(load=lambda name: lambda word: nlp),
        "nltk": types.ModuleType("nltk"),
        "nltk.stem": types.SimpleNamespace(WordNetLemmatizer=object),
        "tqdm": types.SimpleNamespace(tqdm=lambda values: values),
    }
    module = types.ModuleType("amber_inference")
    previous = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        exec(compile(source, "inference.py", "exec"), module.__dict__)
    finally:
        for name, old in previous.items():
            sys.modules.pop(name) if old is None else sys.modules.__setitem__(name, old)
    module.extract_nouns = lambda text: text.split("|") if text else []
    return module


def files_of(folder):
    """AMBER's own files."""
    return {"relation": folder / "data/relation.json", "safe_words": folder / "data/safe_words.txt",
            "annotations": folder / "data/annotations.json", "metrics": folder / "data/metrics.txt"}


def run(module, files, data, kind):
    """The figures the script prints for `data`, in its order."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(data, file)
        file.flush()
        module.args = types.SimpleNamespace(
            word_association=files["relation"],
            safe_words=files["safe_words"],
            inference_data=file.name,
            annotation=files["annotations"],
            metrics=files["metrics"],
            similarity_score=0.8,
            evaluation_type=kind,
        )
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            module.main(module.args)
    return [float(line.split(":")[1]) for line in out.getvalue().splitlines() if line.count(":") == 1 and line.split(":")[1].strip()]


def main():
    folder = Path(sys.argv[1])
    module = load_script((folder / "inference.py").read_text())
    annotations = json.loads((folder / "data/annotations.json").read_text())
    association = json.loads((folder / "data/relation.json").read_text())
    vocabulary = sorted({w for k, v in association.items() for w in (k, *v)})
    safe = (folder / "data/safe_words.txt").read_text().split("\n")
    rng = random.Random(SEED)

    captions = []
    for entry in rng.sample([a for a in annotations if a["type"] == "generative"], CAPTIONS):
        near = [w for t in entry["truth"] + entry["hallu"] for w in (t, *association[t])]
        pools = (near, near, near, vocabulary, safe, ["nonsense"])
        captions.append({"id": entry["id"], "nouns": [rng.choice(rng.choice(pools)) for _ in range(rng.randint(0, 9))]})
    generative = run(module, files_of(folder), [{"id": c["id"], "response": "|".join(c["nouns"])} for c in captions], "g")

    asked = rng.sample([a for a in annotations if a["type"] != "generative"], QUESTIONS)
    answers = [{"id": a["id"], "response": rng.choice(["Yes", "No", "No", a["truth"].capitalize(), "Maybe"])} for a in asked]
    discriminative = run(module, files_of(folder), answers, "d")
    golden = {
        "script": "tools/goldens/amber.py",
        "source": "junyangwang0410/AMBER at 534babf",
        "seed": SEED,
        "captions": captions,
        "generative": dict(zip(("chair", "cover", "hal", "cog"), generative, strict=True)),
        "answers": answers,
        "discriminative": dict(zip(("accuracy", "precision", "recall", "f1"), discriminative[:4], strict=True)),
        "existence": dict(zip(("accuracy", "precision", "recall", "f1"), discriminative[4:8], strict=True)),
    }
    OUT.write_text(json.dumps(golden) + "\n")
    print(golden["generative"], golden["discriminative"], golden["existence"])


if __name__ == "__main__":
    main()
