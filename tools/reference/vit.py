"""Writes packages/models/test/fixtures/vit.json: ViT and DINOv2 as transformers computes them, on small random models.

Run from the repository root: python tools/reference/vit.py   (needs torch and transformers 5)

Weights and pixels are not stored. Both sides compute them, a weight from its place in the sorted list of names, by
`uniform`. Weights enter and gradients leave through checkpoint files, so that the names are those of the files, which
transformers 5 converts from and to its own. The models run in double precision. Of each gradient the fixture holds the
norm and the product with a pseudo-random direction: a wrong gradient misses both only by chance.
"""
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from deberta import uniform
from safetensors.torch import load_file, save_file
from transformers import (
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2Model,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)

OUTPUT = Path("packages/models/test/fixtures/vit.json")

COMMON = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.15,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-6,
    "image_size": 16,
    "patch_size": 4,
    "num_channels": 3,
    "qkv_bias": True,
    "num_labels": 5,
}
VIT = {"model_type": "vit", **COMMON, "intermediate_size": 48, "layer_norm_eps": 1e-12}
DINO = {"model_type": "dinov2", **COMMON, "mlp_ratio": 2, "layerscale_value": 0.5, "use_swiglu_ffn": False}

# name: (config, [batch, height, width] of each input)
CASES = {
    "vit": (VIT, [(3, 16, 16), (1, 16, 16)]),
    "vit without query, key and value bias, oblong grey images and patches, gelu_new": (
        {
            **VIT,
            "qkv_bias": False,
            "image_size": [8, 12],
            "patch_size": [4, 2],
            "num_channels": 1,
            "num_attention_heads": 2,
            "hidden_act": "gelu_new",
            "num_labels": 2,
        },
        [(4, 8, 12)],
    ),
    "vit of one layer": ({**VIT, "num_hidden_layers": 1, "hidden_act": "relu"}, [(2, 16, 16)]),
    "dinov2, its own image size, more and fewer patches": (
        DINO,
        [(3, 16, 16), (2, 20, 28), (2, 8, 12)],
    ),
    "dinov2 with a gate, no query, key and value bias": (
        {**DINO, "use_swiglu_ffn": True, "qkv_bias": False, "mlp_ratio": 3},
        [(3, 16, 16), (2, 12, 12)],
    ),
}

CLASSES = {
    "vit": (ViTConfig, ViTForImageClassification, ViTModel),
    "dinov2": (Dinov2Config, Dinov2ForImageClassification, Dinov2Model),
}


def scale_and_shift(name, shape):
    """Larger than training would start with, so that attention is far from flat and errors show."""
    if name.endswith("bias"):
        return 0.25, 0.0
    if "norm" in name or "lambda" in name:
        return 0.5, 1.0
    if "token" in name or "position" in name:
        return 1.0, 0.0
    return float(np.float32(2.5 / np.sqrt(np.prod(shape[1:])))), 0.0


def checkpoint_of(model, folder):
    """The model's tensors, and config.json beside them, as transformers writes them."""
    model.save_pretrained(folder)
    return load_file(f"{folder}/model.safetensors")


def is_read(name):
    """Classification has no use for the token of masked patches, nor for a pooler."""
    return "mask_token" not in name and not name.startswith("pooler.")


def filled(raw):
    """A model whose checkpoint holds the agreed weights; and the names and shapes of those that are read."""
    make_config, kind, _ = CLASSES[raw["model_type"]]
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        stored = checkpoint_of(kind(make_config(**raw)).double(), folder)
        shapes = {name: list(stored[name].shape) for name in sorted(stored) if is_read(name)}
        for index, (name, shape) in enumerate(shapes.items()):
            scale, shift = scale_and_shift(name, shape)
            values = uniform(index, stored[name].numel()) * np.float32(scale) + np.float32(shift)
            stored[name] = torch.from_numpy(values).double().reshape(shape)
        save_file(stored, f"{folder}/model.safetensors", metadata={"format": "pt"})
        model = kind.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    return model.eval(), shapes


def gradients_of(model, shapes):
    """By checkpoint name: the gradients take the weights' place in a checkpoint."""
    held = [parameter.detach().clone() for parameter in model.parameters()]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
        with tempfile.TemporaryDirectory() as folder:
            stored = checkpoint_of(model, folder)
        for parameter, value in zip(model.parameters(), held):
            parameter.copy_(value)
    return {name: stored[name].reshape(-1).numpy() for name in shapes}


def run(model, shapes, seed, batch, height, width):
    channels = model.config.num_channels
    pixels = uniform(1000 + seed, batch * channels * height * width).astype(np.float64)
    labels = np.arange(batch, dtype=np.int64) % model.config.num_labels
    model.zero_grad()
    output = model(
        pixel_values=torch.from_numpy(pixels).reshape(batch, channels, height, width),
        labels=torch.from_numpy(labels),
    )
    output.loss.backward()
    gradients = {}
    for index, (name, flat) in enumerate(gradients_of(model, shapes).items()):
        direction = uniform(5000 + index, flat.size).astype(np.float64)
        gradients[name] = [float(np.linalg.norm(flat)), float(flat @ direction)]
    return {
        "seed": 1000 + seed,
        "shape": [batch, channels, height, width],
        "labels": labels.tolist(),
        "logits": [float(f"{x:.9g}") for x in output.logits.detach().reshape(-1).tolist()],
        "loss": output.loss.item(),
        "gradients": gradients,
    }


def dropout_calls(model, shape):
    """Rate and number of elements of each dropout of a training forward pass, in attention too."""
    calls = []
    original = torch.nn.functional.dropout

    def recording(x, p=0.5, training=True, inplace=False):
        calls.append([p, x.numel()])
        return original(x, p, training, inplace)

    torch.nn.functional.dropout = recording
    model.train()
    model(pixel_values=torch.zeros(shape, dtype=torch.float64))
    model.eval()
    torch.nn.functional.dropout = original
    return calls


def bare_names(raw):
    """Of the checkpoint of the encoder alone."""
    make_config, _, kind = CLASSES[raw["model_type"]]
    with tempfile.TemporaryDirectory() as folder:
        return sorted(name for name in checkpoint_of(kind(make_config(**raw)), folder) if is_read(name))


def main():
    cases = []
    for name, (raw, inputs) in CASES.items():
        model, shapes = filled(raw)
        runs = [run(model, shapes, seed, *extent) for seed, extent in enumerate(inputs)]
        cases.append(
            {
                "name": name,
                "config": raw,
                "parameters": shapes,
                "bareNames": bare_names(raw),
                "runs": runs,
                "dropout": dropout_calls(model, runs[0]["shape"]),
            }
        )
    OUTPUT.write_text(json.dumps({"cases": cases}) + "\n")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
