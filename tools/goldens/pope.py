"""Writes test/goldens/pope.json: what POPE's own evaluate.py prints for made-up replies to its questions.

The script and the questions are the user's copies of github.com/AoiDragon/POPE; nothing of them is kept here but question ids.

    python tools/goldens/pope.py PATH_TO_POPE/evaluate.py PATH_TO_POPE/output/coco/coco_pope_adversarial.json
"""

import contextlib
import io
import json
import random
import sys
import tempfile
from pathlib import Path

SEED = 7
QUESTIONS = 400
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "pope.json"
REPLIES = {
    "yes": ["Yes", "Yes.", "yes", "Yes, there is.", "There is one on the table.", "Yes, it is not hidden.", "Maybe"],
    "no": ["No", "No.", "no", "No, there is not.", "There is no such thing. Yes", "It is not there", "NO", "Nope. no"],
}


def main():
    script, questions = Path(sys.argv[1]).read_text(), Path(sys.argv[2]).read_text().splitlines()
    rng = random.Random(SEED)
    asked = [json.loads(line) for line in rng.sample(questions, QUESTIONS)]
    said = [rng.choice(REPLIES[q["label"] if rng.random() < 0.8 else rng.choice(["yes", "no"])]) for q in asked]
    with tempfile.TemporaryDirectory() as folder:
        answers, labels = Path(folder, "answers.jsonl"), Path(folder, "labels.jsonl")
        answers.write_text("".join(json.dumps({"answer": text}) + "\n" for text in said))
        labels.write_text("".join(json.dumps({"label": q["label"]}) + "\n" for q in asked))
        source = script.replace("ans_file = ''", f"ans_file = {str(answers)!r}").replace("label_file = ''", f"label_file = {str(labels)!r}")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(source, "evaluate.py", "exec"), {})
    figures = dict(line.split(": ") for line in out.getvalue().splitlines() if ": " in line)
    names = {"Accuracy": "accuracy", "Precision": "precision", "Recall": "recall", "F1 score": "f1", "Yes ratio": "yesRate"}
    golden = {
        "script": "tools/goldens/pope.py",
        "source": "AoiDragon/POPE, evaluate.py at f3ec604 and questions at 08d957b",
        "seed": SEED,
        "replies": [{"id": q["question_id"], "reply": text} for q, text in zip(asked, said)],
        "figures": {name: float(figures[title]) for title, name in names.items()},
    }
    OUT.write_text(json.dumps(golden) + "\n")
    print(golden["figures"])


if __name__ == "__main__":
    main()
