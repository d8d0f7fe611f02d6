"""Writes packages/adapter/test/fixtures: PSOFT as PEFT computes it, and singular values as NumPy computes them.

Run from the repository root: python tools/reference/psoft.py   (needs torch, peft 0.21, safetensors)

- layers.json: one linear layer a case, with trained values, PEFT's own A and B, outputs, gradients and merged weight,
  computed by PEFT in double precision from float32 values.
- svd.json: leading singular values of matrices that both sides generate, and how much of a fixed vector lies in the
  span of the leading right singular vectors.
- peft/: a small network's weights, an adapter that PEFT saved for it, the basis file that psoft_basis.py makes of them,
  and the network's outputs.
"""
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import PsoftConfig, get_peft_model
from safetensors.torch import save_file
from toy import ToyModel

OUTPUT = Path("packages/adapter/test/fixtures")

CASES = [
    {},
    {"bias": False},
    {"shape": (9, 6), "r": 6},
    {"shape": (5, 11), "r": 5},
    {"psoft_alpha": 9},
    {"psoft_alpha": 2, "ab_svd_init": "pissa_init"},
    {"ab_svd_init": "pissa_init", "psoft_mag_a": False},
    {"psoft_mag_a": False},
    {"psoft_mag_b": False},
    {"psoft_mag_a": False, "psoft_mag_b": False},
    {"psoft_orth": False},
    {"psoft_orth": False, "psoft_mag_a": False, "psoft_mag_b": False, "psoft_alpha": 7},
    {"r": 8, "shape": (10, 8)},
    *[{"use_cayley_neumann": True, "num_cayley_neumann_terms": terms} for terms in range(1, 8)],
    {"use_cayley_neumann": True, "cayley_neumann_eps": 0.3},
    {"use_cayley_neumann": True, "cayley_neumann_eps": 0.99, "num_cayley_neumann_terms": 4, "spread": 0.02},
    {"use_cayley_neumann": True, "num_cayley_neumann_terms": 6, "psoft_alpha": 12, "bias": False},
    {"spread": 1.5},
]


def numbers(tensor: torch.Tensor) -> list[float]:
    return [float(f"{value:.8g}") for value in tensor.detach().double().flatten().tolist()]


def single(generator: np.random.Generator, shape: tuple[int, ...], spread: float = 1.0) -> torch.Tensor:
    """float32 values of few decimals, so that the fixture holds them exactly."""
    values = torch.from_numpy(np.round(generator.standard_normal(shape) * spread, 4)).float()
    return torch.tensor([float(f"{value:.8g}") for value in values.flatten().tolist()]).reshape(shape)


def layer_case(index: int, case: dict) -> dict:
    case = dict(case)
    generator = np.random.default_rng(index)
    outs, ins = case.pop("shape", (7, 9))
    bias = case.pop("bias", True)
    spread = case.pop("spread", 0.3)
    settings = {"r": 4, **case}
    settings.setdefault("psoft_alpha", settings["r"])
    base = torch.nn.Sequential()
    base.add_module("layer", torch.nn.Linear(ins, outs, bias=bias))
    with torch.no_grad():
        base.layer.weight.copy_(single(generator, (outs, ins)))
        if bias:
            base.layer.bias.copy_(single(generator, (outs,)))
    weight, bias_values = base.layer.weight.clone(), base.layer.bias.clone() if bias else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(base, PsoftConfig(target_modules=["layer"], **settings))
    layer = model.base_model.model.layer
    rotation = layer.psoft_R["default"]
    with torch.no_grad():
        for parameter in rotation.parameters():
            parameter.add_(single(generator, tuple(parameter.shape), spread))
    a, b = layer._get_psoft_ab_cache_buffers("default")
    a32, b32 = a.clone(), b.clone()
    model.double()
    x = single(generator, (3, ins)).double().requires_grad_()
    pull = single(generator, (3, outs)).double()
    y = model(x)
    (y * pull).sum().backward()
    tensors = {"weight": rotation.weight, "vector_a": rotation.vector_a, "vector_b": rotation.vector_b}
    present = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    return {
        "config": settings,
        "in": ins,
        "out": outs,
        "baseWeight": numbers(weight),
        "bias": None if bias_values is None else numbers(bias_values),
        "a": numbers(a32),
        "b": numbers(b32),
        "parameters": {name: numbers(tensor) for name, tensor in present.items()},
        "x": numbers(x),
        "pull": numbers(pull),
        "y": numbers(y),
        "gradients": {
            # PEFT's first term alone does not depend on Q, and torch then has no gradient.
            **{
                name: numbers(tensor.grad if tensor.grad is not None else torch.zeros_like(tensor))
                for name, tensor in present.items()
            },
            "x": numbers(x.grad),
        },
        "merged": numbers(weight.double() + layer.get_delta_weight("default")),
    }


def uniform(rows: int, columns: int, seed: int) -> np.ndarray:
    """In [-1, 1): a mixed counter, the same in test/svd.test.ts."""
    h = (np.arange(rows * columns, dtype=np.uint64) + np.uint64(seed * 1_000_003)) * np.uint64(0x9E3779B1)
    h &= np.uint64(0xFFFFFFFF)
    h = ((h ^ (h >> np.uint64(15))) * np.uint64(0x85EBCA77)) & np.uint64(0xFFFFFFFF)
    h = ((h ^ (h >> np.uint64(13))) * np.uint64(0xC2B2AE3D)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return (h.astype(np.float64) / 2**31 - 1).reshape(rows, columns)


def svd_matrix(kind: str, rows: int, columns: int) -> np.ndarray:
    w = uniform(rows, columns, 1)
    if kind == "power law":
        w *= np.arange(1, rows + 1)[:, None] ** -0.5 * np.arange(1, columns + 1)[None, :] ** -0.5
    if kind == "gapped":
        w = 0.01 * w + uniform(rows, 12, 2) @ uniform(12, columns, 3)
    return w.astype(np.float32)


def svd_case(kind: str, rows: int, columns: int, rank: int) -> dict:
    w = svd_matrix(kind, rows, columns).astype(np.float64)
    _, s, vt = np.linalg.svd(w, full_matrices=False)
    probe = uniform(columns, 1, 4)[:, 0]
    return {
        "kind": kind,
        "rows": rows,
        "columns": columns,
        "rank": rank,
        "s": [float(f"{value:.12g}") for value in s[:rank]],
        "projection": float(np.linalg.norm(vt[:rank] @ probe)),
    }


def peft_adapter() -> None:
    folder = OUTPUT / "peft"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    base = ToyModel(layers=2, width=12, inner=20)
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    save_file(base.state_dict(), folder / "base.safetensors")
    settings = dict(r=4, psoft_alpha=8, target_modules=["query_proj", "dense"], modules_to_save=["pooler", "classifier"])
    model = get_peft_model(base, PsoftConfig(**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    x = torch.randn(5, 12)
    expected = {"x": x.flatten().tolist(), "logits": model(x).flatten().tolist()}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    command = [sys.executable, str(Path(__file__).with_name("psoft_basis.py"))]
    command += [str(folder), str(folder / "base.safetensors"), str(folder / "basis.json")]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    layers = [layer_case(index, case) for index, case in enumerate(CASES)]
    (OUTPUT / "layers.json").write_text(json.dumps(layers) + "\n")
    shapes = [(320, 256, 20), (192, 300, 24), (40, 60, 40)]
    kinds = ["flat", "power law", "gapped"]
    svds = [svd_case(kind, *shape) for kind in kinds for shape in shapes]
    (OUTPUT / "svd.json").write_text(json.dumps(svds) + "\n")
    peft_adapter()
