"""The CLIP rows of the table: can it tell a true caption from one that is wrong in one point, and one noun from none?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from transformers import CLIPModel

from . import edits
from .amber import nouns_of, sentences_of
from .clip_data import TEXT_PHRASES, to_ids, to_pixels, write
from .clip_model import embed_ids, embed_images
from .grammar import holds
from .habits import believed
from .lettering import sample_lettering
from .scenes import Scene, render
from .splits import split_scenes
from .vocabulary import NOUNS, article

PLAIN_PHRASES = ("a picture", "a photo", "a picture of a scene")
"""What the phrases about text are held against, as in src/method/image-text.ts."""
SHORT, LONG = 1, 2
Edit = Callable[[np.random.Generator, Scene], Scene]
EDITS: dict[str, Edit] = {
    "swapped noun": lambda rng, scene: edits.swap_noun(rng, scene, scene, typical=0.5),
    "swapped typical noun": lambda rng, scene: edits.swap_noun(rng, scene, scene, typical=1.0),
    "added typical noun": lambda rng, scene: edits.add_noun(rng, scene, scene, typical=1.0),
    "wrong colour": edits.wrong_colour,
    "wrong number": edits.wrong_number,
    "wrong position": edits.wrong_positions,
    "wrong place": edits.wrong_place,
}


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive scores above a negative, ties counted half."""
    order = np.concatenate([positive, negative])
    values, inverse, counts = np.unique(order, return_inverse=True, return_counts=True)
    rank_of = np.cumsum(counts) - (counts - 1) / 2
    ranks = rank_of[inverse]
    return float((ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))


@torch.no_grad()
def image_embeddings(model: CLIPModel, scenes: list[Scene]) -> torch.Tensor:
    """(N, 128) unit vectors."""
    parts = []
    for start in range(0, len(scenes), 100):
        pixels = to_pixels(torch.from_numpy(np.stack([render(scene) for scene in scenes[start : start + 100]])))
        parts.append(embed_images(model, pixels))
    return torch.cat(parts)


@torch.no_grad()
def text_embeddings(model: CLIPModel, texts: list[str]) -> torch.Tensor:
    """(N, 128) unit vectors."""
    return embed_ids(model, to_ids(texts))


def evaluate_clip(model: CLIPModel, split: str = "heldout", limit: int = 1000) -> dict[str, float]:
    """All CLIP figures on a split's scenes (typical objects, as in use) and on its single-object pictures."""
    model = model.eval()
    scenes = list(split_scenes(split))[:limit]
    images = image_embeddings(model, scenes)
    table = _caption_rows(model, scenes, images)
    table["retrieval@1 of 400"] = _retrieval(model, scenes, images)
    table.update(_noun_rows(model, scenes, images))
    table.update(_sentence_rows(model, scenes, images))
    table.update(_lettering(model, scenes[:500]))
    singles = list(split_scenes("zeroshot"))
    prompts = text_embeddings(model, [f"a photo of {article(noun.name)} {noun.name}." for noun in NOUNS])
    guess = (image_embeddings(model, singles) @ prompts.T).argmax(1).tolist()
    table["zero-shot top-1"] = float(np.mean([NOUNS[g].name == scene.nouns[0] for g, scene in zip(guess, singles)]))
    return table


def _caption_rows(model: CLIPModel, scenes: list[Scene], images: torch.Tensor) -> dict[str, float]:
    table: dict[str, float] = {}
    for name, edit in EDITS.items():
        rng = np.random.default_rng(1)
        true_texts, false_texts, owners = [], [], []
        for i, scene in enumerate(scenes):
            style, seed = (SHORT, LONG)[i % 2], 5000 + i
            mentioned = edits.subset(rng, scene, len(scene.groups))
            caption = write(style, seed, mentioned)
            wrong = write(style, seed, edit(rng, mentioned))
            if not all(holds(claim, scene) for claim in wrong.claims):
                true_texts.append(caption.text)
                false_texts.append(wrong.text)
                owners.append(i)
        own = images[owners]
        margin = (own * text_embeddings(model, true_texts)).sum(1) - (own * text_embeddings(model, false_texts)).sum(1)
        table[f"true over {name}"] = float((margin > 0).float().mean())
    rng = np.random.default_rng(2)
    full, fewer, owners = [], [], []
    for i, scene in enumerate(scenes):
        if len(scene.groups) > 1:
            mentioned = edits.subset(rng, scene, len(scene.groups))
            full.append(write(LONG, 5000 + i, mentioned).text)
            fewer.append(write(LONG, 5000 + i, edits.subset(np.random.default_rng(i), mentioned, len(scene.groups) - 1)).text)
            owners.append(i)
    own = images[owners]
    margin = (own * text_embeddings(model, full)).sum(1) - (own * text_embeddings(model, fewer)).sum(1)
    table["full over one object fewer"] = float((margin > 0).float().mean())
    return table


def _retrieval(model: CLIPModel, scenes: list[Scene], images: torch.Tensor) -> float:
    """Whole captions of 400 pictures, no two of which show the same nouns."""
    chosen: dict[frozenset[str], int] = {}
    for i, scene in enumerate(scenes):
        chosen.setdefault(frozenset(scene.nouns), i)
    index = list(chosen.values())[:400]
    texts = text_embeddings(model, [write(LONG, 9000 + i, scenes[i]).text for i in index])
    return float(((images[index] @ texts.T).argmax(1) == torch.arange(len(index))).float().mean())


def _lettering(model: CLIPModel, scenes: list[Scene]) -> dict[str, float]:
    """The same pictures with and without a word, by the mean score of the phrases about text less that of the plain ones."""
    rng = np.random.default_rng(4)
    lettered = [replace(scene, lettering=sample_lettering(rng)) for scene in scenes]
    direction = text_embeddings(model, list(TEXT_PHRASES)).mean(0) - text_embeddings(model, list(PLAIN_PHRASES)).mean(0)
    scores_with, scores_without = ((image_embeddings(model, s) @ direction).numpy() for s in (lettered, scenes))
    return {"picture with text vs without, AUC": auc(scores_with, scores_without),
            "picture with text found, score above 0": float((scores_with > 0).mean()),
            "picture without text taken for one with": float((scores_without > 0).mean())}


def _noun_rows(model: CLIPModel, scenes: list[Scene], images: torch.Tensor) -> dict[str, float]:
    phrases = text_embeddings(model, [f"{article(noun.name)} {noun.name}" for noun in NOUNS])
    scores = (images @ phrases.T).numpy()
    present = np.array([[noun.name in scene.nouns for noun in NOUNS] for scene in scenes])
    prone = np.array([[noun.name in scene.hallucination_prone() for noun in NOUNS] for scene in scenes])
    return {"noun present vs absent, AUC": auc(scores[present], scores[~present]),
            "noun present vs typical but absent, AUC": auc(scores[present], scores[prone])}


def _sentence_rows(model: CLIPModel, scenes: list[Scene], images: torch.Tensor) -> dict[str, float]:
    """Sentences after the first of careless captions, those with an invented noun against those without."""
    texts, owners, invented = [], [], []
    for i, scene in enumerate(scenes):
        rng = np.random.default_rng((77, i))
        seen, _ = believed(rng, scene)
        for sentence in sentences_of(write(LONG, 7000 + i, seen).text)[1:]:
            nouns = nouns_of(sentence)
            if nouns:
                texts.append(sentence)
                owners.append(i)
                invented.append(any(noun not in scene.nouns for noun in nouns))
    embedded = text_embeddings(model, texts)
    scores = (images[owners] * embedded).sum(1).numpy()
    calibrated = scores - (embedded @ images.mean(0)).numpy()
    lie = np.array(invented)
    return {"later sentence grounded vs invented, AUC": auc(scores[~lie], scores[lie]),
            "the same, minus the sentence's mean over images": auc(calibrated[~lie], calibrated[lie])}
