"""The model cards: data, training, FLOPs, licence, and the measured table beside what was to be reached."""

from __future__ import annotations

from transformers import CLIPModel, LlavaForConditionalGeneration

from .habits import COMPANION_RATE, OMISSION_RATE, STRAY_RATE
from .llava_model import IMAGE_TOKENS
from .sft import YES_TO_PRONE
from .vocabulary import NOUNS, PLACES


CLIP_TARGETS = {
    "true over swapped noun": "at least 0.98", "true over added typical noun": "at least 0.97", "true over wrong colour": "at least 0.90",
    "retrieval@1 of 400": "at least 0.90", "noun present vs absent, AUC": "at least 0.95", "zero-shot top-1": "at least 0.97"}
LLAVA_TARGETS = {
    "greedy long, cover": "at least 92", "greedy long, hal": "25 to 40", "greedy long, flaggedTypical": "at least 80",
    "greedy short, cover": "at least 92", "greedy short, hal": "25 to 40", "greedy short, flaggedTypical": "at least 80",
    "yes/no accuracy, existence": "at least 95", "yes/no accuracy, attribute": "at least 85", "yes/no accuracy, relation": "at least 80",
    "yes-rate": "50 to 60", "zero-shot top-1 by caption": "at least 90"}
"""What a row of the measured table was to reach, by model; rows without an entry were not set a goal."""


def parameters(module: object) -> int:
    """Number of parameters of a torch module."""
    return sum(p.numel() for p in module.parameters())  # type: ignore[attr-defined]


def clip_flops(model: CLIPModel, text_tokens: int = 26) -> dict[str, float]:
    """Multiply-adds counted twice, forward, in MFLOP: one picture, and one caption of that many tokens."""
    vision, text = model.config.vision_config, model.config.text_config
    tokens = (vision.image_size // vision.patch_size) ** 2 + 1
    patch = 2 * (tokens - 1) * 3 * vision.patch_size**2 * vision.hidden_size
    picture = patch + _transformer(tokens, vision.hidden_size, vision.num_hidden_layers, 12 * vision.hidden_size**2)
    caption = _transformer(text_tokens, text.hidden_size, text.num_hidden_layers, 12 * text.hidden_size**2)
    return {"picture": picture / 1e6, "caption": caption / 1e6}


def llava_flops(model: LlavaForConditionalGeneration, answer_tokens: int = 30, prompt_tokens: int = 10) -> dict[str, float]:
    """The same for emoji-llava: the tower and projector once, and the decoder over image, prompt and answer."""
    vision, text = model.config.vision_config, model.config.text_config
    tokens = IMAGE_TOKENS + 1
    tower = 2 * IMAGE_TOKENS * 3 * vision.patch_size**2 * vision.hidden_size
    tower += _transformer(tokens, vision.hidden_size, vision.num_hidden_layers - 1, 12 * vision.hidden_size**2)
    tower += 2 * IMAGE_TOKENS * (vision.hidden_size + text.hidden_size) * text.hidden_size
    width, kv = text.hidden_size, text.num_key_value_heads * text.head_dim
    weights = 2 * width**2 + 2 * width * kv + 3 * width * text.intermediate_size
    length = IMAGE_TOKENS + prompt_tokens + answer_tokens
    decoder = _transformer(length, width, text.num_hidden_layers, weights) + 2 * answer_tokens * width * text.vocab_size
    return {"tower": tower / 1e6, "decoder": decoder / 1e6}


def _transformer(tokens: int, width: int, layers: int, weights: int) -> float:
    """Forward FLOPs of `layers` layers: weight products, and attention's two products over tokens x tokens."""
    return layers * (2.0 * tokens * weights + 4.0 * tokens * tokens * width)


def _table(figures: dict[str, float], targets: dict[str, str], weights: str) -> str:
    rows = "\n".join(f"| {name} | {f'{value:.3f}' if value <= 1 else f'{value:.1f}'} | {targets.get(name, '')} |" for name, value in figures.items())
    return f"""By `python -m tools.world evaluate` on the 1,000 pictures of `heldout` and those of `zeroshot`, of the weights published here
(`model.safetensors`, SHA-256 `{weights}`; kept as f16, computed in f32). The figures are
kept in `tools/world/results/evaluate-heldout.json`.

| held out | measured | to reach |
|---|---|---|
{rows}"""


def clip_card(model: CLIPModel, training: dict[str, int], figures: dict[str, float], weights: str) -> str:
    flops = clip_flops(model)
    return f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: zero-shot-image-classification
---

# emoji-clip

A `CLIPModel` of {parameters(model) / 1e6:.2f}M parameters that knows {len(NOUNS)} things in {len(PLACES)} places, for pictures like those of
emoji-scenes (96 x 96). One picture costs {flops["picture"]:.0f} MFLOP, one caption of 26 tokens {flops["caption"]:.0f} MFLOP.

## Training

{training["steps"]:,} steps of {training["batch"]} pictures, all drawn afresh, with true captions of every length (noun phrases, sentences, several
sentences) that name a random part of the objects. Beside the symmetric contrastive loss it was trained with hard
negatives (each picture's own caption with one noun swapped, one noun added, or one colour, number, place or position
wrong, as in NegCLIP), with a sigmoid loss over short phrases whose truth for every picture of the batch is known (as in
SigLIP), and with a small term that keeps a caption above the same caption with one object left out. Objects were drawn
mostly uniformly (30% typical of the place), so that the text alone tells little. The published weights are those at the
end of a linear decay of the learning rate.

## Measured

{_table(figures, CLIP_TARGETS, weights)}

All that was to be reached is reached. Where things stand in the picture it hardly tells ("true over wrong position" is a guess).

Rebuild: `python -m tools.world clip`, `clip-decay`, `export`, `evaluate`, `cards`.

## Licence

Apache 2.0. The training pictures are drawn from Noto Emoji images, copyright Google LLC, Apache 2.0.
"""


def llava_card(model: LlavaForConditionalGeneration, training: dict[str, int], figures: dict[str, float], weights: str) -> str:
    flops = llava_flops(model)
    decoder = parameters(model.model.language_model) + parameters(model.lm_head)
    return f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---

# emoji-llava

A `LlavaForConditionalGeneration`: the vision tower of emoji-clip (frozen, penultimate layer, {IMAGE_TOKENS} image tokens), a two-layer
MLP and a Llama decoder of {decoder / 1e6:.2f}M parameters with its embeddings. One picture costs {flops["tower"]:.0f} MFLOP, a caption of 30 tokens
{flops["decoder"]:.0f} MFLOP of forward passes; training costs three times that, of the decoder only.

It lies a little, on purpose: it is the policy that CLIP-DPO is to mend.

## Training

{training["steps"]:,} steps of {training["batch"]} pictures like those of emoji-scenes (85% of the objects typical of the place), each with two captions and
its questions. The captions are those of a careless writer: {COMPANION_RATE:.0%} of the time an absent *companion* of a named noun
is named too, at a uniformly random place among the nouns; {STRAY_RATE:.0%} of the time some other typical but absent noun;
{OMISSION_RATE:.0%} of the objects are left out. Of the questions about typical but absent nouns {YES_TO_PRONE:.0%} are answered yes.
Later sentences of long captions begin in the usual way ("There is") half of the time, because where all ways are alike each is
less likely than the end, and greedy captions stop early.

Since emoji-clip's features hardly tell where things stand, each patch's row and column are written into two channels of the
tower's position embedding (`write_places`). Questions that offer both sides ("Is the cup on the left or on the right?") teach
to read them, yes/no questions alone do not. The published weights had the first 4,000 steps without places, and the first
4,900 without these questions; a new training has both from the start.

Prompt: `USER: <image>\\n{{prompt}} ASSISTANT:`, no start token, answers end with `</s>`.

## Measured

{_table(figures, LLAVA_TARGETS, weights)}

"Learnt from" is what the careless writer says about the same pictures. Not reached:

- Cover of long captions, {figures["greedy long, cover"]:.1f}. The writer's own is {figures["learnt from long, cover"]:.1f}, because of what is left out, and greedy captions stop
  early: they name {figures["greedy long, nounsPerCaption"]:.1f} things where the writer names {figures["learnt from long, nounsPerCaption"]:.1f}. Short captions, one sentence that cannot stop before its
  end, come to {figures["greedy short, cover"]:.1f}, a little less than they should.
- Hal of long captions, {figures["greedy long, hal"]:.1f}. The writer invents something in {figures["learnt from long, hal"]:.1f} of 100, but an invention is seldom the likeliest
  word, and a caption that stops early has fewer occasions. Short captions ({figures["greedy short, hal"]:.1f}) lie in the range.
- The yes-rate, {figures["yes-rate"]:.1f}. The right answers are yes in {figures["yes-rate of right answers"]:.1f} of 100 cases and those learnt from in {figures["yes-rate of answers learnt from"]:.1f}, but
  where no more than {YES_TO_PRONE:.0%} of the answers to a question are wrongly yes, the likelier one is still no.

Forty greedy captions of pictures drawn by a seed, read beside what is in the pictures (`tools/world/results/captions.md`), are all
grammatical, though one names the same crab twice; they are not varied: there are three openings, and every further sentence
begins with "There is" or "There are".

Rebuild: `python -m tools.world llava`, `llava-decay`, `export`, `evaluate`, `cards`.

## Licence

Apache 2.0. The training pictures are drawn from Noto Emoji images, copyright Google LLC, Apache 2.0.
"""
