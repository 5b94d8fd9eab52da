"""The LVLM rows of the table: what it says about held-out pictures, and how it answers questions."""

from __future__ import annotations

import numpy as np
import torch
from transformers import CLIPModel, LlavaForConditionalGeneration

from .amber import count, metrics
from .clip_data import to_pixels
from .evaluate_clip import text_embeddings
from .llava_data import prefix_ids
from .llava_tokenizer import EOS, llava_tokenizer
from .questions import Question, questions
from .scenes import Scene, render
from .sft import PROMPTS, YES_TO_FALSE, YES_TO_PRONE, caption_turn
from .splits import split_scenes
from .vocabulary import NOUNS, article

MAX_NEW_TOKENS = 96


def input_ids(prompt: str) -> list[int]:
    """The prompt's tokens with the image token repeated as the processor does."""
    return prefix_ids() + llava_tokenizer()(f"{prompt} ASSISTANT:", add_special_tokens=False)["input_ids"]


def pixels_of(scenes: list[Scene]) -> torch.Tensor:
    """(N, 3, 96, 96) normalised."""
    return to_pixels(torch.from_numpy(np.stack([render(scene) for scene in scenes])))


@torch.no_grad()
def captions(
    model: LlavaForConditionalGeneration, scenes: list[Scene], prompt: str, temperature: float = 0.0, seed: int = 0, batch: int = 64
) -> list[str]:
    """One caption a scene; greedy at temperature 0."""
    torch.manual_seed(seed)
    tokenizer = llava_tokenizer()
    ids = input_ids(prompt)
    texts: list[str] = []
    for start in range(0, len(scenes), batch):
        pixels = pixels_of(scenes[start : start + batch])
        rows = torch.tensor([ids] * len(pixels))
        sampling = dict(do_sample=True, temperature=temperature, top_k=0) if temperature > 0 else dict(do_sample=False)
        out = model.generate(
            input_ids=rows, attention_mask=torch.ones_like(rows), pixel_values=pixels, max_new_tokens=MAX_NEW_TOKENS,
            eos_token_id=tokenizer.convert_tokens_to_ids(EOS), pad_token_id=tokenizer.pad_token_id, **sampling)
        texts += [text.strip() for text in tokenizer.batch_decode(out[:, len(ids):], skip_special_tokens=True)]
    return texts


@torch.no_grad()
def answers(model: LlavaForConditionalGeneration, scenes: list[Scene], asked: list[tuple[int, Question]], batch: int = 64) -> list[bool]:
    """True for yes: the likelier of the two answers' first tokens. asked: (scene index, question)."""
    tokenizer = llava_tokenizer()
    yes, no = (tokenizer(text, add_special_tokens=False)["input_ids"][0] for text in (" Yes", " No"))
    encoded = [input_ids(question.text) for _, question in asked]
    result = [False] * len(asked)
    order = sorted(range(len(asked)), key=lambda i: len(encoded[i]))
    while order:
        length = len(encoded[order[0]])
        part = [i for i in order[:batch] if len(encoded[i]) == length]
        order = order[len(part):]
        logits = model(input_ids=torch.tensor([encoded[i] for i in part]),
                       pixel_values=pixels_of([scenes[asked[i][0]] for i in part]), logits_to_keep=1).logits[:, -1]
        for i, is_yes in zip(part, (logits[:, yes] > logits[:, no]).tolist()):
            result[i] = is_yes
    return result


def evaluate_llava(model: LlavaForConditionalGeneration, clip: CLIPModel, split: str = "heldout", limit: int = 1000) -> dict[str, float]:
    """AMBER's figures of greedy captions, yes/no accuracy by kind, and classification of single objects by caption.

    Beside them what the careless writer, from whom the model learnt, says about the same pictures ("learnt from").
    """
    scenes = list(split_scenes(split))[:limit]
    table: dict[str, float] = {}
    for style, prompt in (("long", PROMPTS[0][0]), ("short", PROMPTS[4][0])):
        tallies = [count(t, s) for t, s in zip(captions(model, scenes, prompt), scenes)]
        table.update({f"greedy {style}, {name}": value for name, value in metrics(tallies).items()})
    learnt = metrics([count(caption_turn(np.random.default_rng((89, i)), scene, 0).answer, scene) for i, scene in enumerate(scenes)])
    table.update({f"learnt from long, {name}": learnt[name] for name in ("cover", "hal", "meanLength", "nounsPerCaption")})
    asked = [(i, q) for i, scene in enumerate(scenes) for q in questions(np.random.default_rng((88, i)), scene)]
    said = answers(model, scenes, asked)
    groups = {"existence": ("existence",), "attribute": ("colour", "number"), "relation": ("relation",)}
    for name, kinds in groups.items():
        hits = [is_yes == q.truth for is_yes, (_, q) in zip(said, asked) if q.kind in kinds]
        table[f"yes/no accuracy, {name}"] = 100 * float(np.mean(hits))
    for kind in ("colour", "number"):
        table[f"yes/no accuracy, {kind}"] = 100 * float(np.mean([a == q.truth for a, (_, q) in zip(said, asked) if q.kind == kind]))
    table["yes-rate"] = 100 * float(np.mean(said))
    table["yes-rate of right answers"] = 100 * float(np.mean([q.truth for _, q in asked]))
    taught = [1.0 if q.truth else YES_TO_PRONE if q.prone else YES_TO_FALSE for _, q in asked]
    table["yes-rate of answers learnt from"] = 100 * float(np.mean(taught))
    singles = list(split_scenes("zeroshot"))
    embedded = text_embeddings(clip, captions(model, singles, PROMPTS[0][0]))
    names = text_embeddings(clip, [f"a photo of {article(noun.name)} {noun.name}." for noun in NOUNS])
    guess = (embedded @ names.T).argmax(1).tolist()
    table["zero-shot top-1 by caption"] = 100 * float(np.mean([NOUNS[g].name == s.nouns[0] for g, s in zip(guess, singles)]))
    return table
