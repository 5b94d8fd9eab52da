"""CLIP's tokenizer, trained on this world's captions: lower case, byte-level BPE with word ends, bos and eos."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from .grammar import long_caption, noun_phrase, short_caption, statement
from .scenes import sample_scene
from .vocabulary import COLOURS, NOUNS, PLACES

BOS, EOS = "<|startoftext|>", "<|endoftext|>"
MAX_LENGTH = 77
MERGES_FILE = Path(__file__).parent / "tokenizers" / "clip_merges.txt"
_WORDS = Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
_EXTRA = (
    "Is there a dog in the picture? Are there any? Yes, there is. No, there is no dog. What colour is the car? "
    "How many? Describe this image in detail. Write a caption. photo image picture scene object orange black white brown "
    "it it's its an the this that these those with without of on in at to and or not next near behind front big small"
)


def caption_corpus(samples: int = 6000, seed: int = 7) -> list[str]:
    """Texts of every style of the grammar, and every noun form often enough to become one token."""
    rng = np.random.default_rng(seed)
    texts = [_EXTRA] * 40
    for noun in NOUNS:
        texts += [f"{noun.name} {noun.plural}"] * 40
    texts += [f"{word} {word}" for word in (*COLOURS, *(p.name for p in PLACES)) for _ in range(40)]
    for _ in range(samples):
        scene = sample_scene(rng, 0.3)
        texts += [write(rng, scene).text for write in (noun_phrase, short_caption, long_caption, statement)]
    return texts


def train_clip_merges() -> list[tuple[str, str]]:
    """Trains the merges on the captions. Pairs of equal count may come in another order in another run, so the merges
    the models were trained with are kept in MERGES_FILE and never made anew while a model uses them."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(_WORDS, behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    trainer = trainers.BpeTrainer(vocab_size=4000, min_frequency=2, show_progress=False, end_of_word_suffix="</w>",
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(caption_corpus(), trainer)
    return [tuple(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]


@lru_cache(maxsize=1)
def clip_tokenizer() -> CLIPTokenizer:
    """transformers' own class over the frozen merges; eos has the highest id."""
    merges = read_merges(MERGES_FILE)
    # The order of OpenAI's CLIP: bytes, bytes that end a word, merges, then the special tokens.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*alphabet, *(c + "</w>" for c in alphabet), *("".join(m) for m in merges), BOS, EOS]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(entries))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, unk_token=EOS, bos_token=BOS, eos_token=EOS, pad_token=EOS,
                         model_max_length=MAX_LENGTH)


def read_merges(path: Path) -> list[tuple[str, str]]:
    """One merge a line, its two parts separated by a space."""
    pairs = (line.split(" ") for line in path.read_text(encoding="utf-8").splitlines())
    return [(first, second) for first, second in pairs]


def write_merges(path: Path, merges: list[tuple[str, str]]) -> None:
    path.write_text("".join(f"{first} {second}\n" for first, second in merges), encoding="utf-8")
