"""What the policy writes: greedy and drawn captions, and drawn next sentences after a shared beginning."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LlavaForConditionalGeneration

from .evaluate_llava import MAX_NEW_TOKENS, input_ids, pixels_of
from .llava_tokenizer import EOS, llava_tokenizer
from .scenes import Scene

Request = tuple[int, str, str]
"""Scene index, prompt, and the answer's beginning ("" for none)."""


@torch.no_grad()
def continuations(
    model: LlavaForConditionalGeneration, scenes: list[Scene], requests: Sequence[Request], temperature: float, seed: int,
    sentence: bool = False, batch: int = 96,
) -> list[str]:
    """One continuation for each request; with `sentence` it ends with the first sentence ("" where the answer ends at once).

    temperature 0 is greedy. Rows of like length share a batch, padded on the left.
    """
    torch.manual_seed(seed)
    tokenizer = llava_tokenizer()
    eos = tokenizer.convert_tokens_to_ids(EOS)
    stop = [eos, *tokenizer(".", add_special_tokens=False)["input_ids"]] if sentence else [eos]
    encoded = [input_ids(prompt) + (tokenizer(f" {begun}", add_special_tokens=False)["input_ids"] if begun else []) for _, prompt, begun in requests]
    order = sorted(range(len(requests)), key=lambda i: len(encoded[i]))
    texts = [""] * len(requests)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        width = max(len(encoded[i]) for i in rows)
        ids = torch.tensor([[tokenizer.pad_token_id] * (width - len(encoded[i])) + encoded[i] for i in rows])
        mask = torch.tensor([[0] * (width - len(encoded[i])) + [1] * len(encoded[i]) for i in rows])
        how = dict(do_sample=True, temperature=temperature, top_k=0) if temperature > 0 else dict(do_sample=False)
        out = model.generate(
            input_ids=ids, attention_mask=mask, pixel_values=pixels_of([scenes[requests[i][0]] for i in rows]),
            max_new_tokens=32 if sentence else MAX_NEW_TOKENS, eos_token_id=stop, pad_token_id=tokenizer.pad_token_id, **how)
        for i, text in zip(rows, tokenizer.batch_decode(out[:, width:], skip_special_tokens=True)):
            texts[i] = text.strip()
    return texts
