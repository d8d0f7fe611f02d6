"""Writes packages/models/test/fixtures/deberta.json: DeBERTa-v2 as transformers computes it, on small random models.

Run from the repository root: python tools/reference/deberta.py   (needs torch and transformers 5)

Weights are not stored. Both sides compute them from the tensor's place in the sorted list of names, by `uniform`
below. The models run in double precision. Of each parameter's gradient the fixture holds the norm and the product with
a pseudo-random direction: a wrong gradient misses both only by chance.
"""
import json
from pathlib import Path

import numpy as np
import torch
from transformers import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

OUTPUT = Path("packages/models/test/fixtures/deberta.json")

V3 = {
    "model_type": "deberta-v2",
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 32,
    "type_vocab_size": 0,
    "relative_attention": True,
    "pos_att_type": "p2c|c2p",
    "position_buckets": 8,
    "max_relative_positions": -1,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
    "layer_norm_eps": 1e-7,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.15,
    "pooler_dropout": 0.2,
    "cls_dropout": 0.25,
    "pooler_hidden_act": "gelu",
    "initializer_range": 0.02,
    "pad_token_id": 0,
}

# name: (task, what differs from V3, [batch, length] of each input)
CASES = {
    "v3, log buckets and exact distances": ("sequence-classification", {"num_labels": 3}, [(3, 24), (3, 12), (3, 5), (2, 4)]),
    "no buckets, distances clamped, c2p only, own position key, token types, biased input": (
        "sequence-classification",
        {
            "position_buckets": -1,
            "max_relative_positions": 10,
            "pos_att_type": ["c2p"],
            "share_att_key": False,
            "type_vocab_size": 2,
            "position_biased_input": True,
            "num_attention_heads": 2,
        },
        [(3, 12), (3, 24), (2, 10)],
    ),
    "p2c only, own position query, plain relative embeddings, regression": (
        "sequence-classification",
        {"pos_att_type": "p2c", "share_att_key": False, "norm_rel_ebd": "none", "num_labels": 1},
        [(3, 12)],
    ),
    "both terms, own position projections, gelu_new and tanh": (
        "sequence-classification",
        {"share_att_key": False, "hidden_act": "gelu_new", "pooler_hidden_act": "tanh", "position_buckets": 6},
        [(3, 12)],
    ),
    "absolute positions only, relu": (
        "sequence-classification",
        {
            "relative_attention": False,
            "pos_att_type": [],
            "norm_rel_ebd": "none",
            "position_biased_input": True,
            "hidden_act": "relu",
        },
        [(3, 5)],
    ),
    "masked words, legacy head": ("masked-lm", {}, [(3, 12)]),
    "masked words, new head": ("masked-lm", {"legacy": False, "position_buckets": -1}, [(3, 12)]),
}

CLASSES = {"sequence-classification": DebertaV2ForSequenceClassification, "masked-lm": DebertaV2ForMaskedLM}
LENGTHS = [1.0, 0.6, 0.35]


def uniform(seed, count):
    """float32 in [-1, 1): a 32-bit integer hash of (seed, place)."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed * 0x85EBCA77 & 0xFFFFFFFF)
    x = (x ^ (x >> 15)) * np.uint32(0x2C1B3C6D)
    x = (x ^ (x >> 12)) * np.uint32(0x297A2D39)
    x ^= x >> 15
    return ((x >> 8).astype(np.float64) / 2**23 - 1).astype(np.float32)


def scale_and_shift(name, shape):
    """Larger than training would start with, so that attention is far from flat and errors show."""
    if name.endswith("bias"):
        return 0.25, 0.0
    if "LayerNorm" in name:
        return 0.5, 1.0
    return (1.0, 0.0) if "embeddings" in name else (float(np.float32(2.5 / np.sqrt(shape[1]))), 0.0)


def fill(model):
    for index, (name, parameter) in enumerate(sorted(model.named_parameters())):
        scale, shift = scale_and_shift(name, parameter.shape)
        values = uniform(index, parameter.numel()) * np.float32(scale) + np.float32(shift)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))


def inputs_of(config, task, batch, length, seed):
    mask = np.zeros((batch, length), dtype=np.int64)
    for row in range(batch):
        mask[row, : max(1, round(length * LENGTHS[row]))] = 1
    words = np.floor((uniform(1000 + seed, batch * length) + 1) / 2 * (config.vocab_size - 1)).astype(np.int64) + 1
    ids = words.reshape(batch, length) * mask
    made = {"inputIds": ids, "attentionMask": mask}
    if config.type_vocab_size > 0:
        made["tokenTypeIds"] = (uniform(2000 + seed, batch * length) > 0).astype(np.int64).reshape(batch, length)
    if task == "masked-lm":
        targets = np.floor((uniform(3000 + seed, batch * length) + 1) / 2 * config.vocab_size).astype(np.int64)
        chosen = (uniform(4000 + seed, batch * length) > 0) & (mask.reshape(-1) == 1)
        made["labels"] = np.where(chosen, targets, -100)
    elif config.num_labels == 1:
        made["labels"] = uniform(3000 + seed, batch)
    else:
        made["labels"] = np.arange(batch, dtype=np.int64) % config.num_labels
    return made


def run(model, task, made):
    ids = torch.from_numpy(made["inputIds"])
    labels = torch.from_numpy(made["labels"])
    if labels.is_floating_point():
        labels = labels.double()
    types = made.get("tokenTypeIds")
    model.zero_grad()
    output = model(
        input_ids=ids,
        attention_mask=torch.from_numpy(made["attentionMask"]),
        token_type_ids=None if types is None else torch.from_numpy(types),
        labels=labels.reshape(ids.shape) if task == "masked-lm" else labels,
    )
    output.loss.backward()
    gradients = {}
    for index, (name, parameter) in enumerate(sorted(model.named_parameters())):
        flat = np.zeros(parameter.numel()) if parameter.grad is None else parameter.grad.reshape(-1).numpy()
        direction = uniform(5000 + index, flat.size).astype(np.float64)
        gradients[name] = [float(np.linalg.norm(flat)), float(flat @ direction)]
    logits = output.logits.detach()
    if task == "masked-lm":
        logits = logits.reshape(-1, logits.shape[-1])[labels.reshape(-1) >= 0]
    return {
        **{key: value.reshape(-1).tolist() for key, value in made.items()},
        "shape": list(ids.shape),
        "logits": [float(f"{x:.9g}") for x in logits.reshape(-1).tolist()],
        "loss": output.loss.item(),
        "gradients": gradients,
    }


def dropout_calls(model, made):
    """Name, rate and number of elements of each dropout of a training forward pass."""
    calls = []
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Dropout):
            module.register_forward_hook(
                lambda module, args, _, name=name: calls.append([name, module.p, args[0].numel()])
            )
    model.train()
    model(input_ids=torch.from_numpy(made["inputIds"]), attention_mask=torch.from_numpy(made["attentionMask"]))
    return calls


def main():
    cases = []
    for name, (task, changes, shapes) in CASES.items():
        raw = {**V3, **changes}
        config = DebertaV2Config(**raw)
        torch.manual_seed(0)
        model = CLASSES[task](config).double().eval()
        fill(model)
        runs = [run(model, task, inputs_of(config, task, *shape, seed)) for seed, shape in enumerate(shapes)]
        made = inputs_of(config, task, *shapes[0], 0)
        parameters = {key: list(value.shape) for key, value in sorted(model.named_parameters())}
        cases.append(
            {
                "name": name,
                "task": task,
                "config": raw,
                "parameters": parameters,
                "runs": runs,
                "dropout": dropout_calls(model, made),
            }
        )
    distances = torch.arange(600)
    buckets = [
        {"buckets": size, "max": most, "expected": make_log_bucket_position(distances, size, most).long().tolist()}
        for size, most in [(256, 512), (8, 32), (6, 32), (32, 128), (64, 256), (7, 40)]
    ]
    OUTPUT.write_text(json.dumps({"cases": cases, "buckets": buckets}) + "\n")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
