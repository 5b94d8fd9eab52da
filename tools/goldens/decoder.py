"""Writes test/goldens/decoders/<name>/: small random decoders as transformers saves them, and what PyTorch and PEFT compute.

golden.safetensors holds, in float64 arithmetic rounded to float32: the logits with the adapter on and off, the sigmoid-DPO
gradient of every LoRA matrix, and the adapter after ten AdamW steps; golden.json the batch and the losses of the steps.

    python tools/goldens/decoder.py [NAME...]        # needs torch, transformers and peft
"""

import json
import shutil
import sys
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

SEED = 17
VOCABULARY = 97
IMAGE_TOKEN = 96
BETA = 0.1
STEPS = 10
OPTIMIZER = {"learning_rate": 5e-3, "weight_decay": 0.01, "max_grad_norm": 1.0}
LORA = {"r": 4, "lora_alpha": 8}
OUT = Path(__file__).resolve().parents[2] / "test" / "goldens" / "decoders"
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 44,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def llava():
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=8,
        patch_size=4,
        initializer_range=0.2,
    )
    text = LlamaConfig(**SHAPE)
    return LlavaForConditionalGeneration(LlavaConfig(vision_config=vision, text_config=text, image_token_index=IMAGE_TOKEN))


MODELS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, tie_word_embeddings=True)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=16)),
    "llava": llava,
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SHAPE, head_dim=16, sliding_window=64)),
    "llava-qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
}
# Models whose prompts begin with an image of four tokens.
SEEING = {"llava", "llava-qwen2"}


def randomise(model, generator):
    """Norm weights and biases start at one and zero, which would hide mistakes."""
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            centre = 1.0 if name.endswith("weight") else 0.0
            parameter.data = centre + 0.2 * torch.randn(parameter.shape, generator=generator)


def make_batch(name, generator):
    """Two prompts with two answers each."""

    def tokens(count):
        return torch.randint(3, IMAGE_TOKEN, (count,), generator=generator).tolist()

    image = [IMAGE_TOKEN] * 4 if name in SEEING else []
    return [
        {"prompt": [1, *image, *tokens(5)], "chosen": [*tokens(4), 2], "rejected": [*tokens(6), 2]},
        {"prompt": [1, *image, *tokens(2)], "chosen": [*tokens(5), 2], "rejected": [*tokens(1), 2]},
    ]


def sequences(batch):
    for i, pair in enumerate(batch):
        for side in ("chosen", "rejected"):
            yield i, side, pair["prompt"], pair[side]


def embedded(model, ids, features):
    """The inputs of a model whose image features are put in from outside."""
    inputs = model.get_input_embeddings()(ids).clone()
    inputs[ids == IMAGE_TOKEN] = features
    return inputs


def run(model, images, batch):
    """Logits of every sequence (T, V) and its answer's summed log-probability. Images are pixels, or features by rows."""
    logits, logps = {}, {}
    for i, side, prompt, answer in sequences(batch):
        ids = torch.tensor([prompt + answer])
        if images is None:
            out = model(input_ids=ids).logits[0]
        elif images.ndim == 4:
            out = model(input_ids=ids, pixel_values=images[i : i + 1]).logits[0]
        else:
            out = model(inputs_embeds=embedded(model, ids, images[i])).logits[0]
        logits[f"{i}.{side}"] = out
        predicted = out[len(prompt) - 1 : -1].log_softmax(-1)
        logps[f"{i}.{side}"] = predicted[torch.arange(len(answer)), torch.tensor(answer)].sum()
    return logits, logps


def dpo_loss(policy, reference, count):
    margins = [
        policy[f"{i}.chosen"] - reference[f"{i}.chosen"] - policy[f"{i}.rejected"] + reference[f"{i}.rejected"]
        for i in range(count)
    ]
    return -torch.nn.functional.logsigmoid(BETA * torch.stack(margins)).mean()


def adapter_tensors(model, what):
    return {
        name.replace(".default.weight", ".weight"): what(p).detach().float().contiguous()
        for name, p in model.named_parameters()
        if p.requires_grad
    }


def make_llava_qwen2(folder):
    """Turns a saved Qwen2 into what LLaVA's own code saves: one model with its vision tower and projector inside."""
    config = json.loads((folder / "config.json").read_text())
    config |= {"architectures": ["LlavaQwen2ForCausalLM"], "model_type": "llava_qwen2", "image_token_index": IMAGE_TOKEN}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.mm_projector.0.weight"] = torch.zeros(4, 4)
    tensors["model.vision_tower.vision_tower.model.head.proj"] = torch.zeros(4, 4)
    tensors["model.image_newline"] = torch.zeros(4)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def write(name, make):
    generator = torch.Generator().manual_seed(SEED)
    torch.manual_seed(SEED)
    model = make().eval()
    randomise(model, generator)
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name == "llava-qwen2":
        make_llava_qwen2(folder)
    scope = r"model\.language_model\..*" if name == "llava" else r"model\.layers\..*"
    model = get_peft_model(model, LoraConfig(**LORA, target_modules=scope + r"_proj", init_lora_weights=False))
    model = model.double().eval()
    batch = make_batch(name, generator)
    pixels = None
    if name in SEEING:
        shape = (3, 8, 8) if name == "llava" else (4, SHAPE["hidden_size"])
        pixels = torch.randn((len(batch), *shape), generator=generator).double()

    tensors = {f"init.{k}": v for k, v in adapter_tensors(model, lambda p: p).items()}
    with torch.no_grad(), model.disable_adapter():
        base_logits, reference = run(model, pixels, batch)
    tensors |= {f"logits.base.{k}": v.float().contiguous() for k, v in base_logits.items()}
    if name == "llava-qwen2":
        tensors["image_features"] = pixels.float().contiguous()
    elif pixels is not None:
        with torch.no_grad():
            features = model.base_model.model.get_image_features(pixel_values=pixels).pooler_output
        tensors["image_features"] = torch.stack(list(features)).float().contiguous()

    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=OPTIMIZER["learning_rate"], weight_decay=OPTIMIZER["weight_decay"])
    steps = []
    for step in range(STEPS):
        logits, policy = run(model, pixels, batch)
        loss = dpo_loss(policy, reference, len(batch))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            tensors |= {f"logits.adapter.{k}": v.detach().float().contiguous() for k, v in logits.items()}
            tensors |= {f"grad.{k}": v for k, v in adapter_tensors(model, lambda p: p.grad).items()}
        norm = torch.nn.utils.clip_grad_norm_(parameters, OPTIMIZER["max_grad_norm"])
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "logps": {k: v.item() for k, v in policy.items()}})
        optimizer.step()
    tensors |= {f"final.{k}": v for k, v in adapter_tensors(model, lambda p: p).items()}
    save_file(tensors, folder / "golden.safetensors")
    golden = {
        "script": "tools/goldens/decoder.py",
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "seed": SEED,
        "lora": LORA,
        "beta": BETA,
        "optimizer": OPTIMIZER,
        "batch": batch,
        "reference": {k: v.item() for k, v in reference.items()},
        "steps": steps,
    }
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    print(name, [round(s["loss"], 4) for s in steps], [round(s["grad_norm"], 3) for s in steps[:3]])


def main():
    for name in sys.argv[1:] or MODELS:
        write(name, MODELS[name])


if __name__ == "__main__":
    main()
