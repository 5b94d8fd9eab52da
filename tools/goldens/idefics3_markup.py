"""Writes test/goldens/idefics3-markup/: a small byte-level tokenizer with Idefics 3's marks, and the token ids its processor
makes of texts and chats whose images are one tile each (do_image_splitting off), with 4 image tokens a tile.

    python tools/goldens/idefics3_markup.py        # needs torch, transformers, tokenizers and pillow
"""

import json
import shutil
from pathlib import Path

import transformers
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Idefics3ImageProcessorPil, Idefics3Processor, PreTrainedTokenizerFast

OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "idefics3-markup"
IMAGE_TOKENS = 4
MARKS = ["<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>", "<row_1_col_1>"]
CORPUS = ["User: Describe the picture.\nAssistant: A red ball near a tree.", "Can you see a dog? No, there is no dog.\n\nIt is a cat."]
# SmolVLM's own.
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
TEXTS = ["<image>Describe the picture.", "Look: <image> and\n<image>\n\nwhich one?", "User:<image>\nA dog?", "no picture at all"]
CHATS = [
    [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Describe the picture."}]}],
    [
        {"role": "user", "content": [{"type": "text", "text": "Can you see"}, {"type": "image"}, {"type": "text", "text": " a dog?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "No."}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "And here?"}]},
    ],
]


def tokenizer(marks=MARKS, corpus=CORPUS):
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False))
    raw.add_special_tokens([AddedToken(mark, normalized=False, special=True) for mark in marks])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<|im_start|>", eos_token="<end_of_utterance>", pad_token="<|im_start|>"
    )


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    images = Idefics3ImageProcessorPil(do_image_splitting=False, size={"longest_edge": 8}, max_image_size={"longest_edge": 8})
    processor = Idefics3Processor(images, tokenizer(), image_seq_len=IMAGE_TOKENS, chat_template=TEMPLATE)
    processor.tokenizer.save_pretrained(OUT)
    for path in OUT.iterdir():
        if path.name not in ("tokenizer.json", "tokenizer_config.json"):
            path.unlink()
    picture = Image.new("RGB", (8, 8), (200, 30, 30))
    examples = []
    for prompt in [*TEXTS, *CHATS]:
        text = prompt if isinstance(prompt, str) else processor.apply_chat_template(prompt, add_generation_prompt=True)
        count = text.count("<image>")
        inputs = processor(text=[text], **({"images": [[picture] * count]} if count else {}))
        examples.append({"prompt": prompt, "text": text, "images": count, "ids": list(map(int, inputs["input_ids"][0]))})
    golden = {
        "script": "tools/goldens/idefics3_markup.py",
        "versions": {"transformers": transformers.__version__},
        "imageTokens": IMAGE_TOKENS,
        "imageTokenId": processor.tokenizer.convert_tokens_to_ids("<image>"),
        "template": TEMPLATE,
        "examples": examples,
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
