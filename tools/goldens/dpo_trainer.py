"""Writes test/goldens/dpo-trainer/: ten steps of trl.DPOTrainer with PEFT on a small random LLaVA and a vision dataset.

The folder is what a user brings: a model as the hub lays it out (tokenizer and processor included), images, and
pairs.jsonl in TRL's columns; golden.json holds TRL's log of every step, golden.safetensors the adapter before and after,
and the image features PyTorch computes.

    python tools/goldens/dpo_trainer.py        # needs torch, transformers, peft, trl, datasets and pillow
"""

import json
import shutil
import tempfile
from pathlib import Path

import datasets
import numpy as np
import peft
import torch
import transformers
import trl
from peft import LoraConfig, get_peft_model
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    TrainerCallback,
)
from trl import DPOConfig, DPOTrainer

SEED = 23
STEPS = 10
IMAGE_SIZE = 8
PATCH_SIZE = 4
WORDS = "a the dog cat bird car tree ball red blue small big left of on near sits runs is . and no describe picture :"
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>"]
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "dpo-trainer"
TARGETS = r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj"
CONFIG = {
    "beta": 0.2,
    "learning_rate": 5e-3,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 2,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 2,
    "max_steps": STEPS,
    "seed": SEED,
}
LORA = {"r": 4, "lora_alpha": 8, "target_modules": TARGETS}


def make_processor():
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *WORDS.split()])}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = Split(" ", "removed")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )
    images = CLIPImageProcessor(
        size={"shortest_edge": IMAGE_SIZE}, crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH_SIZE,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
    )


def make_model(processor):
    vocabulary = len(processor.tokenizer)
    shared = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2}
    text = LlamaConfig(
        **shared,
        hidden_size=32,
        intermediate_size=48,
        num_key_value_heads=1,
        vocab_size=vocabulary,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        max_position_embeddings=64,
    )
    vision = CLIPVisionConfig(
        **shared, hidden_size=16, intermediate_size=16, image_size=IMAGE_SIZE, patch_size=PATCH_SIZE
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=processor.tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(IMAGE_SIZE // PATCH_SIZE) ** 2,
    )
    return LlavaForConditionalGeneration(config)


def make_rows(folder, count=24):
    """Pairs over twelve small images of noise; answers of three to nine words, closed by the end token."""
    generator = np.random.default_rng(SEED)
    words = WORDS.split()
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(count):
        path = f"images/{i % 12}.png"
        if i < 12:
            pixels = generator.integers(0, 256, (IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / path)

        def answer():
            return " ".join(generator.choice(words, generator.integers(3, 10))) + " </s>"

        rows.append(
            {
                "images": [path],
                "prompt": "<s> <image> describe the picture :" if i % 2 else "<s> <image> is the dog near :",
                "chosen": answer(),
                "rejected": answer(),
            }
        )
    return rows


class Log(TrainerCallback):
    def __init__(self):
        self.rows = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.rows.append({"step": state.global_step, **logs})


def adapter_tensors(model, prefix):
    return {
        prefix + name.replace(".default.weight", ".weight"): p.detach().clone().float().contiguous()
        for name, p in model.named_parameters()
        if "lora_" in name
    }


def main():
    torch.manual_seed(SEED)
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    processor = make_processor()
    base = make_model(processor)
    base.save_pretrained(OUT / "model")
    processor.save_pretrained(OUT / "model")
    rows = make_rows(OUT)
    (OUT / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    opened = [{**row, "images": [Image.open(OUT / path) for path in row["images"]]} for row in rows]
    dataset = datasets.Dataset.from_list(opened)
    dataset = dataset.cast_column("images", datasets.Sequence(datasets.Image()))
    model = get_peft_model(base, LoraConfig(**LORA))
    generator = torch.Generator().manual_seed(SEED)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero would hide the reference's part in the first gradient
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    tensors = adapter_tensors(model, "init.")
    pixels = processor.image_processor([row["images"][0] for row in opened[:12]], return_tensors="pt")
    with torch.no_grad():
        features = base.get_image_features(pixel_values=pixels["pixel_values"]).pooler_output
    tensors["image_features"] = torch.stack(list(features)).contiguous()

    log = Log()
    with tempfile.TemporaryDirectory() as folder:
        trainer = DPOTrainer(
            model=model,
            args=DPOConfig(
                output_dir=folder,
                **CONFIG,
                logging_steps=1,
                logging_first_step=True,
                save_strategy="no",
                report_to=[],
                use_cpu=True,
                gradient_checkpointing=False,
                bf16=False,
                max_length=None,
            ),
            train_dataset=dataset,
            processing_class=processor,
            callbacks=[log],
        )
        trainer._get_train_sampler = lambda *_: torch.utils.data.SequentialSampler(dataset)
        trainer.train()
    tensors |= adapter_tensors(model, "final.")
    save_file(tensors, OUT / "golden.safetensors")
    golden = {
        "script": "tools/goldens/dpo_trainer.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft, trl, datasets)},
        "seed": SEED,
        "config": {**CONFIG, "peft": LORA},
        "log": log.rows,
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    for row in log.rows[:2]:
        print(row)


if __name__ == "__main__":
    main()
