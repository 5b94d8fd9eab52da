"""Writes test/goldens/preference.json: every preference loss, its gradients and TRL's metrics, by TRL's own code.

Runs DPOTrainer._compute_loss in float64 on made-up logits (no model, no tokenizer). The derivative by a token's
log-probability g follows from the one by its logits z, dL/dz_v = g ([v = target] - softmax(z)_v).

    python tools/goldens/preference.py        # needs torch and trl 1.13
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
import trl
from trl.trainer.dpo_trainer import DPOTrainer

SEED = 7
VOCABULARY = 11
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "preference.json"


class Logits(torch.nn.Module):
    """A model that answers with fixed logits."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.nn.Parameter(logits)

    def forward(self, **_):
        return SimpleNamespace(logits=self.logits)


def make_batch(pairs, generator):
    """Answers of 1 to 6 tokens after a prompt of 2; a batch is [chosen, rejected], as TRL has it."""
    lengths = torch.randint(1, 7, (2 * pairs,), generator=generator)
    steps = 2 + int(lengths.max())
    mask = torch.zeros(2 * pairs, steps, dtype=torch.long)
    for row, length in enumerate(lengths.tolist()):
        mask[row, 2 : 2 + length] = 1
    ids = torch.randint(0, VOCABULARY, (2 * pairs, steps), generator=generator)
    logits = 2 * torch.randn(2 * pairs, steps, VOCABULARY, generator=generator, dtype=torch.float64)
    logps = answers_of(logits.log_softmax(-1).gather(-1, ids.roll(-1, 1)[..., None])[..., 0], mask)
    ref = torch.stack([row.sum() for row in logps])
    ref = ref + 3 * torch.randn(2 * pairs, generator=generator, dtype=torch.float64)
    return SimpleNamespace(ids=ids, mask=mask, logits=logits, ref=ref, pairs=pairs, lengths=lengths)


def answers_of(per_position, mask):
    """Cuts what each position predicts down to the answers' tokens, one tensor an answer."""
    return [row[:-1][keep[1:].bool()] for row, keep in zip(per_position, mask, strict=True)]


def run(batch, loss_type, loss_weights, beta, label_smoothing, use_weighting):
    model = Logits(batch.logits.clone()).train()
    accelerator = SimpleNamespace(
        device=torch.device("cpu"), gather_for_metrics=lambda x: x, gather=lambda x: x, unwrap_model=lambda m: m
    )
    trainer = SimpleNamespace(
        model=model,
        accelerator=accelerator,
        aux_loss_enabled=False,
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=loss_type,
        loss_weights=loss_weights,
        beta=beta,
        label_smoothing=label_smoothing,
        use_weighting=use_weighting,
        args=SimpleNamespace(discopop_tau=0.05),
        _metrics={"train": defaultdict(list)},
        _total_train_tokens=0,
        _tp_size=1,
    )
    inputs = {
        "input_ids": batch.ids,
        "attention_mask": torch.ones_like(batch.ids),
        "completion_mask": batch.mask,
        "ref_chosen_logps": batch.ref[: batch.pairs],
        "ref_rejected_logps": batch.ref[batch.pairs :],
    }
    loss = DPOTrainer._compute_loss(trainer, model, inputs, False)
    loss.backward()
    targets = batch.ids.roll(-1, 1)[..., None]
    probability = batch.logits.softmax(-1).gather(-1, targets)
    slopes = (model.logits.grad.gather(-1, targets) / (1 - probability))[..., 0]
    per_answer = []
    for answer in answers_of(slopes, batch.mask):
        assert torch.allclose(answer, answer[0].expand_as(answer), rtol=1e-9, atol=1e-12)
        per_answer.append(answer[0].item())
    metrics = {name: values[-1] for name, values in trainer._metrics["train"].items() if name != "num_tokens"}
    return {
        "lossType": loss_type,
        "lossWeights": loss_weights,
        "beta": beta,
        "labelSmoothing": label_smoothing,
        "weighted": use_weighting,
        "loss": loss.item(),
        "dChosenLogps": per_answer[: batch.pairs],
        "dRejectedLogps": per_answer[batch.pairs :],
        "metrics": metrics,
    }


def pair_weights(batch):
    """The weights TRL's use_weighting gives the pairs (WPO, arXiv 2406.11827)."""
    logps = batch.logits.log_softmax(-1)
    aligned = logps.gather(-1, batch.ids.roll(-1, 1)[..., None])[..., 0] - (2 * logps).logsumexp(-1)
    means = torch.stack([answer.mean() for answer in answers_of(aligned, batch.mask)])
    return (means[: batch.pairs].exp() * means[batch.pairs :].exp()).tolist()


def tokens(batch):
    """What the fused head hands over for every answer token."""
    logps = batch.logits.log_softmax(-1)
    targets = batch.ids.roll(-1, 1)

    def lists(per_position):
        return [answer.tolist() for answer in answers_of(per_position, batch.mask)]

    return {
        "logps": lists(logps.gather(-1, targets[..., None])[..., 0]),
        "entropy": lists(-(logps.exp() * logps).sum(-1)),
        "meanLogit": lists(batch.logits.mean(-1)),
        "targets": lists(targets),
        "argmax": lists(batch.logits.argmax(-1)),
    }


SINGLE = ["sigmoid", "hinge", "ipo", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired"]
SINGLE += ["apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm"]
CASES = [([name], [1.0], 0.3, 0.0, False) for name in SINGLE]
CASES += [([name], [1.0], 0.3, 0.1, False) for name in ["sigmoid", "robust", "exo_pair", "aot", "aot_unpaired"]]
CASES += [([name], [1.0], 0.1, 0.2, True) for name in ["sigmoid", "ipo", "exo_pair", "apo_down", "sigmoid_norm"]]
CASES += [(["sigmoid", "bco_pair", "sft"], [0.8, 0.2, 1.0], 0.1, 0.0, False)]
CASES += [(["aot", "sppo_hard", "discopop"], [0.5, 0.25, 2.0], 0.5, 0.0, False)]


def rounded(value):
    """12 significant digits: far below what is compared, and half the file."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def main():
    generator = torch.Generator().manual_seed(SEED)
    batches = []
    for pairs in [1, 5]:
        batch = make_batch(pairs, generator)
        batches.append(
            {
                "refChosenLogps": batch.ref[:pairs].tolist(),
                "refRejectedLogps": batch.ref[pairs:].tolist(),
                "pairWeights": pair_weights(batch),
                "tokens": tokens(batch),
                "cases": [run(batch, *case) for case in CASES],
            }
        )
    golden = {
        "script": "tools/goldens/preference.py",
        "versions": {"trl": trl.__version__, "torch": torch.__version__},
        "seed": SEED,
        "batches": rounded(batches),
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(OUT.name, OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
