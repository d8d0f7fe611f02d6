"""Writes packages/adapter/test/fixtures/layers/<method>.json: one linear layer a case, as PEFT computes it.

Run from the repository root: python tools/reference/methods.py   (needs torch, peft 0.21)

Each case: PEFT's settings, the layer's weight and bias, random values of every trained tensor under the key that PEFT
saves it by, and outputs, gradients and merged weight, computed by PEFT in double precision from float32 values. PSOFT has
a script of its own, psoft.py.
"""
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import BOFTConfig, LoraConfig, OFTConfig, VeraConfig, get_peft_model, get_peft_model_state_dict
from psoft import numbers, single

import butterfly  # noqa: F401

OUTPUT = Path("packages/adapter/test/fixtures/layers")

SHAPES = {"square": (8, 8), "wide": (6, 10), "tall": (10, 6)}
PREFIX = "base_model.model.layer."

LORA = {
    "plain": {"r": 3, "lora_alpha": 3},
    "alpha": {"r": 2, "lora_alpha": 7, "shape": "wide"},
    "rslora": {"r": 4, "lora_alpha": 6, "use_rslora": True, "shape": "tall"},
    "no bias": {"r": 3, "lora_alpha": 2, "bias": False, "shape": "wide"},
    "rank above both sides": {"r": 12, "lora_alpha": 12, "shape": "tall"},
    "gaussian": {"r": 2, "lora_alpha": 4, "init_lora_weights": "gaussian"},
    "large": {"r": 3, "lora_alpha": 3, "spread": 5.0},
}
CASES = {
    "lora": LORA,
    "dora": {name: {**case, "use_dora": True} for name, case in LORA.items() if name != "gaussian"},
    "pissa": {
        "plain": {"r": 3, "lora_alpha": 3},
        "alpha": {"r": 2, "lora_alpha": 7, "shape": "wide"},
        "rslora, no bias": {"r": 4, "lora_alpha": 6, "use_rslora": True, "shape": "tall", "bias": False},
        "full rank": {"r": 6, "lora_alpha": 6, "shape": "wide"},
        "with magnitudes": {"r": 3, "lora_alpha": 5, "use_dora": True, "shape": "tall"},
        "with magnitudes, no bias": {"r": 2, "lora_alpha": 2, "use_dora": True, "bias": False},
    },
    "vera": {
        "plain": {"r": 4},
        "wide": {"r": 5, "d_initial": 0.3, "shape": "wide"},
        "tall, no bias": {"r": 3, "shape": "tall", "bias": False},
        "another key": {"r": 4, "projection_prng_key": 1234},
        "large": {"r": 16, "spread": 5.0},
    },
    "oft": {
        "block 4": {"oft_block_size": 4},
        "block 2": {"oft_block_size": 2},
        "one block": {"oft_block_size": 8, "bias": False},
        "r": {"r": 2, "oft_block_size": 0},
        "wide": {"oft_block_size": 5, "shape": "wide"},
        "tall": {"oft_block_size": 3, "shape": "tall"},
        "block size adjusted": {"oft_block_size": 4, "shape": "wide"},
        "r adjusted": {"r": 4, "oft_block_size": 0, "shape": "tall"},
        "shared": {"oft_block_size": 4, "block_share": True},
        "shared, exact": {"oft_block_size": 2, "block_share": True, "use_cayley_neumann": False},
        "exact": {"oft_block_size": 4, "use_cayley_neumann": False},
        "exact, wide": {"oft_block_size": 5, "use_cayley_neumann": False, "shape": "wide", "bias": False},
        **{f"{terms} terms": {"oft_block_size": 4, "num_cayley_neumann_terms": terms} for terms in (1, 2, 3, 4, 6)},
        "constrained": {"oft_block_size": 4, "coft": True, "eps": 0.4},
        "constrained, some blocks": {"oft_block_size": 2, "coft": True, "eps": 0.9, "use_cayley_neumann": False},
        "large, exact": {"oft_block_size": 4, "use_cayley_neumann": False, "spread": 2.0},
    },
    "boft": {
        "block 4": {"boft_block_size": 4},
        "block 2": {"boft_block_size": 2, "bias": False},
        "two factors": {"boft_block_size": 2, "boft_n_butterfly_factor": 2},
        "three factors": {"boft_block_size": 2, "boft_n_butterfly_factor": 3},
        "two factors of 4": {"boft_block_size": 4, "boft_n_butterfly_factor": 2, "size": (6, 16)},
        "three factors of 4": {"boft_block_size": 4, "boft_n_butterfly_factor": 3, "size": (5, 32)},
        "odd number of pairs": {"boft_block_size": 2, "boft_n_butterfly_factor": 2, "size": (5, 12)},
        "block number": {"boft_block_size": 0, "boft_block_num": 2, "shape": "wide"},
        "wide": {"boft_block_size": 5, "shape": "wide"},
        "tall": {"boft_block_size": 6, "shape": "tall"},
        "large": {"boft_block_size": 4, "spread": 2.0},
    },
}
CONFIGS = {"lora": LoraConfig, "dora": LoraConfig, "pissa": LoraConfig, "vera": VeraConfig, "oft": OFTConfig, "boft": BOFTConfig}


def layer_case(method: str, index: int, name: str, case: dict) -> dict:
    case = dict(case)
    generator = np.random.default_rng(1000 + index)
    outs, ins = case.pop("size", SHAPES[case.pop("shape", "square")])
    bias = case.pop("bias", True)
    spread = case.pop("spread", 0.3)
    if method == "pissa":
        case["init_lora_weights"] = "pissa"
    base = torch.nn.Sequential()
    base.add_module("layer", torch.nn.Linear(ins, outs, bias=bias))
    with torch.no_grad():
        base.layer.weight.copy_(single(generator, (outs, ins)))
        if bias:
            base.layer.bias.copy_(single(generator, (outs,)))
    weight, bias_values = base.layer.weight.clone(), base.layer.bias.clone() if bias else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(base, CONFIGS[method](target_modules=["layer"], **case))
    frozen = {}
    layer = model.base_model.model.layer
    if method == "vera":
        frozen = {key: getattr(model.base_model, key)["default"] for key in ("vera_A", "vera_B")}
    if method == "pissa":
        frozen = {"pissa_A": layer.lora_A["default"].weight, "pissa_B": layer.lora_B["default"].weight}
    frozen = {key: {"shape": list(tensor.shape), "values": numbers(tensor)} for key, tensor in frozen.items()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with torch.no_grad():
        for parameter in trained:
            parameter.add_(single(generator, tuple(parameter.shape), spread))
    model.double()
    model.eval()
    # What the values are before a forward pass: constrained OFT changes them in it.
    values = {id(parameter): parameter.detach().clone() for parameter in trained}
    x = single(generator, (3, ins)).double().requires_grad_()
    pull = single(generator, (3, outs)).double()
    y = model(x)
    (y * pull).sum().backward()
    saved = {key.removeprefix(PREFIX): tensor for key, tensor in get_peft_model_state_dict(model).items()}
    keys = {}
    for parameter in trained:
        # By their place in memory: the saved dictionary holds the parameters' own tensors.
        [key] = [key for key, tensor in saved.items() if tensor.data_ptr() == parameter.data_ptr()]
        keys[key] = parameter
    merged = model.merge_and_unload().layer.weight
    return {
        "name": name,
        "config": {"peft_type": CONFIGS[method](target_modules=["layer"]).peft_type.value, **case},
        "in": ins,
        "out": outs,
        "baseWeight": numbers(weight),
        "bias": None if bias_values is None else numbers(bias_values),
        "frozen": frozen,
        "parameters": {
            key: {"shape": list(parameter.shape), "values": numbers(values[id(parameter)])} for key, parameter in keys.items()
        },
        "x": numbers(x),
        "pull": numbers(pull),
        "y": numbers(y),
        "gradients": {
            # A series of one term does not depend on its tensor, and torch then has no gradient.
            **{
                key: numbers(parameter.grad if parameter.grad is not None else torch.zeros_like(parameter))
                for key, parameter in keys.items()
            },
            "x": numbers(x.grad),
        },
        "merged": numbers(merged),
    }


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for method, cases in CASES.items():
        torch.manual_seed(0)
        layers = [layer_case(method, index, name, case) for index, (name, case) in enumerate(cases.items())]
        (OUTPUT / f"{method}.json").write_text(json.dumps(layers) + "\n")
        print(method, len(layers), sorted(layers[0]["parameters"]))
