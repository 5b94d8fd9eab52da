"""Writes test/goldens/our-adapter/golden.json: what PEFT computes with an adapter that this project trained and wrote.

The folder's adapter_config.json and adapter_model.safetensors are this project's, made by

    npx clip-dpo train --model test/goldens/dpo-trainer/model --data test/goldens/dpo-trainer/pairs.jsonl \
        --config test/goldens/our-adapter/train.json --out test/goldens/our-adapter

    python tools/goldens/our_adapter.py        # needs torch, transformers, peft and pillow
"""

import json
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftModel
from PIL import Image
from transformers import LlavaForConditionalGeneration, LlavaProcessor

GOLDENS = Path(__file__).resolve().parents[2] / "test" / "goldens"
OUT = GOLDENS / "our-adapter"
DATA = GOLDENS / "dpo-trainer"


def logps(model, processor, row, completion):
    """Log-probability of each token of an answer."""
    images = [Image.open(DATA / path) for path in row["images"]]
    inputs = processor(images=images, text=row["prompt"], return_tensors="pt", add_special_tokens=False)
    prompt = inputs["input_ids"].shape[1]
    answer = processor.tokenizer(completion, add_special_tokens=False, return_tensors="pt")["input_ids"]
    ids = torch.cat((inputs["input_ids"], answer), dim=1)
    pixels = inputs["pixel_values"].to(next(model.parameters()).dtype)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels).logits[0]
    predicted = logits[prompt - 1 : -1].log_softmax(-1)
    return predicted[torch.arange(answer.shape[1]), answer[0]].tolist()


def main():
    processor = LlavaProcessor.from_pretrained(DATA / "model")
    base = LlavaForConditionalGeneration.from_pretrained(DATA / "model", dtype=torch.float64).eval()
    rows = [json.loads(line) for line in (DATA / "pairs.jsonl").read_text().splitlines()[:4]]
    without = [logps(base, processor, row, row["chosen"]) for row in rows]
    model = PeftModel.from_pretrained(base, OUT, autocast_adapter_dtype=False).double().eval()
    adapted = sorted(name.removesuffix(".lora_A.default") for name, _ in model.named_modules() if name.endswith("lora_A.default"))
    golden = {
        "script": "tools/goldens/our_adapter.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "adapted": [name.removeprefix("base_model.model.") for name in adapted],
        "rows": [
            {
                **{key: row[key] for key in ("images", "prompt")},
                "completion": row["chosen"],
                "base": base_logps,
                "adapter": logps(model, processor, row, row["chosen"]),
            }
            for row, base_logps in zip(rows, without)
        ],
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    print(golden["adapted"], sum(without[0]), sum(golden["rows"][0]["adapter"]))


if __name__ == "__main__":
    main()
