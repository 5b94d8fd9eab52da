"""emoji-llava's tokenizer: byte-level BPE in which every word of the world is one token, and LLaVA's chat template."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from .clip_tokenizer import caption_corpus, read_merges
from .sft import sft_scene, sft_turns

PAD, BOS, EOS, IMAGE = "<pad>", "<s>", "</s>", "<image>"
MAX_LENGTH = 256
MERGES_FILE = Path(__file__).parent / "tokenizers" / "llava_merges.txt"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT:{% endif %}"
    "{% if message['content'] is string %}"
    "{% if message['role'] == 'assistant' %} {% endif %}{{ message['content'] }}"
    "{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n{% endif %}{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}"
    "{% if message['role'] == 'assistant' %} {% endif %}{{ part['text'] }}"
    "{% endif %}{% endfor %}"
    "{% endif %}"
    "{% if message['role'] == 'user' %} {% else %}</s>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


def chat_prompt(prompt: str) -> str:
    """The text before the answer, one image first, as the chat template writes it."""
    return f"USER: {IMAGE}\n{prompt} ASSISTANT:"


def _corpus() -> list[str]:
    rng = np.random.default_rng(11)
    texts = [text for text in caption_corpus()]
    for _ in range(3000):
        for turn in sft_turns(rng, sft_scene(rng), 5):
            texts.append(f"USER: \n{turn.prompt} ASSISTANT: {turn.answer}")
    # Every word also directly after a line feed or at the start of a text.
    texts += ["Describe Is Are What Write This The There In On At I A An Two Three Yes No How Where Which Can Do Does"] * 60
    texts += [f"\n{word} {word}" for word in ("Describe", "Is", "Are", "What", "Write", "How", "Where", "Does", "Can", "Please") for _ in range(60)]
    return texts


def train_llava_merges() -> list[tuple[str, str]]:
    """Trains the merges on captions, prompts and answers; kept in MERGES_FILE for the reason train_clip_merges gives."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(vocab_size=4000, min_frequency=12, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(_corpus(), trainer)
    return [tuple(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]


@lru_cache(maxsize=1)
def llava_tokenizer() -> PreTrainedTokenizerFast:
    """A fast tokenizer over the frozen merges; ids 0 to 3 are pad, bos (unused), eos and the image token."""
    merges = read_merges(MERGES_FILE)
    special = (PAD, BOS, EOS, IMAGE)
    entries = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(merge) for merge in merges)]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS,
                                   extra_special_tokens={"image_token": IMAGE}, model_max_length=MAX_LENGTH,
                                   padding_side="left", chat_template=CHAT_TEMPLATE)
