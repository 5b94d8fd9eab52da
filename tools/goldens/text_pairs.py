"""Writes test/goldens/text-pairs/: the token ids TRL makes of preference rows without images.

Two folders hold a tokenizer: lm/ as a language model has it, vlm/ the same inside a processor. golden.json holds rows, as
plain strings and as messages, and what DPOTrainer's preparation makes of them, with and without a bound on the length.

    python tools/goldens/text_pairs.py        # needs transformers, trl, datasets and torch
"""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import datasets
import tokenizers
import transformers
import trl
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import CLIPImageProcessor, LlavaProcessor, PreTrainedTokenizerFast
from trl import DPOTrainer

OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "text-pairs"
CORPUS = [
    "a dog runs near the tree", "the dogs run and the cat sleeps", "is there a dog in the picture ?", "no , a doghouse .",
    "describe the picture : a red ball and a blue car", "yes , there is a small red car near the big tree .",
] * 4
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<|user|>", "<|assistant|>"]
TEMPLATE = """{%- for message in messages -%}
<|{{ message['role'] }}|>
{%- if message['content'] is string -%}{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}{%- if part['type'] == 'image' -%}<image>{%- else -%}{{ part['text'] }}{%- endif -%}{%- endfor -%}
{%- endif -%}
{{ eos_token }}
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"""
STRINGS = [
    {"prompt": "describe the picture :", "chosen": " a dog runs .", "rejected": " a cat sleeps and the dog runs ."},
    {"prompt": "a do", "chosen": "g runs and the cat sleeps near a ball", "rejected": "ghouse near the tree</s>"},
    {"prompt": "the red car ", "chosen": "is near", "rejected": " is near the tree"},
    {"prompt": "is there a dog in the picture ? yes , there is a small red car near the big tree .", "chosen": " no", "rejected": " yes"},
]


def messages(row):
    def said(role, text):
        return [{"role": role, "content": text}]

    return {"prompt": said("user", row["prompt"]), "chosen": said("assistant", row["chosen"]), "rejected": said("assistant", row["rejected"])}


def make_tokenizer():
    backend = Tokenizer(BPE(unk_token="<unk>"))
    # Words are not cut apart first, so that prompt and answer grow together where they meet.
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    backend.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    backend.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=160, special_tokens=SPECIAL, show_progress=False))
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<image>", "<|user|>", "<|assistant|>"],
    )


def prepared(processing_class, tokenizer, rows, max_length):
    """As DPOTrainer prepares a dataset; it needs no more of a trainer than its tokenizer."""
    trainer = SimpleNamespace(_tokenizer=tokenizer)
    args = SimpleNamespace(dataset_num_proc=None, max_length=max_length, truncation_mode="keep_start")
    dataset = DPOTrainer._prepare_dataset(trainer, datasets.Dataset.from_list(rows), processing_class, args, "train")
    return [{key: row[key] for key in ("prompt_ids", "chosen_ids", "rejected_ids")} for row in dataset]


def main():
    datasets.disable_progress_bars()
    shutil.rmtree(OUT, ignore_errors=True)
    cases = []
    for kind in ("lm", "vlm"):
        for bos in ("", "{{ bos_token }}"):
            tokenizer = make_tokenizer()
            processing_class = tokenizer
            if kind == "vlm":
                processing_class = LlavaProcessor(
                    image_processor=CLIPImageProcessor(), tokenizer=tokenizer, patch_size=4, image_token="<image>"
                )
            processing_class.chat_template = bos + TEMPLATE
            if not bos:
                processing_class.save_pretrained(OUT / kind)
                (OUT / kind / "chat_template.jinja").unlink(missing_ok=True)
            for name, rows in (("strings", STRINGS), ("messages", [messages(row) for row in STRINGS])):
                if name == "strings" and bos:
                    continue
                for max_length in (None, 5 if name == "strings" else 8):
                    cases.append(
                        {
                            "name": f"{kind} {name}{' with a template that begins with <s>' if bos else ''}, max_length {max_length}",
                            "folder": kind,
                            "template": bos + TEMPLATE,
                            "maxLength": max_length,
                            "rows": rows,
                            "prepared": prepared(processing_class, tokenizer, rows, max_length),
                        }
                    )
    golden = {
        "script": "tools/goldens/text_pairs.py",
        "versions": {m.__name__: m.__version__ for m in (transformers, trl, datasets, tokenizers)},
        "cases": cases,
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    for case in cases:
        print(case["name"], len(case["prepared"]), case["prepared"][0])


if __name__ == "__main__":
    main()
