"""Writes fixtures for packages/engine/src/weights: files by the safetensors library, and half-precision pairs.

Run from the repository root: python tools/reference/safetensors_files.py   (needs torch, numpy and safetensors)
With --check FILE it instead prints what the library reads in a file that writeSafetensors wrote.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

FOLDER = Path("packages/engine/test/fixtures/weights")


def bits(values):
    """float32 tensor -> unsigned 32-bit patterns, which JSON keeps exactly (NaN and infinity included)."""
    return values.contiguous().view(torch.int32).flatten().numpy().view(np.uint32).tolist()


def mixed_file():
    generator = torch.Generator().manual_seed(7)
    special = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1e-40, 6e-8, 65504.0, -1 / 3])
    tensors = {
        "encoder.weight": torch.randn(5, 3, generator=generator),
        "encoder.half": torch.randn(2, 3, 4, generator=generator).half(),
        "encoder.brain": torch.randn(7, generator=generator).bfloat16(),
        "special.f32": special,
        "special.f16": special.half(),
        "special.bf16": special.bfloat16(),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(2.5),
        "embeddings.position_ids": torch.arange(6).reshape(1, 6),
        "mask": torch.tensor([True, False, True]),
        "double": torch.tensor([1.5], dtype=torch.float64),
        "naïve \"name\"": torch.ones(1),
    }
    metadata = {"note": "café"}  # One key: the library writes several in no fixed order.
    save_file(tensors, str(FOLDER / "mixed.safetensors"), metadata=metadata)
    floats = (torch.float32, torch.float16, torch.bfloat16)
    expected = {
        "metadata": metadata,
        "tensors": {
            name: {"shape": list(t.shape), "dtype": str(t.dtype).removeprefix("torch."), "bits": bits(t.float())}
            for name, t in sorted(tensors.items())
            if t.dtype in floats
        },
        "others": {name: list(t.shape) for name, t in sorted(tensors.items()) if t.dtype not in floats},
    }
    (FOLDER / "mixed.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def narrowing():
    """float32 patterns with the float16 of NumPy and the bfloat16 of torch (NaN left out: payloads are not defined)."""
    rng = np.random.default_rng(8)
    anywhere = rng.integers(0, 2**32, 1500, dtype=np.uint64).astype(np.uint32)
    # Exponents where halves are normal, subnormal and vanish, with low bits that make ties.
    exponent = rng.integers(98, 145, 2500, dtype=np.uint32) << 23
    mantissa = (rng.integers(0, 2**12, 2500, dtype=np.uint32) << 11) + rng.integers(-1, 2, 2500).astype(np.uint32)
    sign = rng.integers(0, 2, 2500, dtype=np.uint32) << 31
    pattern = np.concatenate([anywhere, sign | exponent | (mantissa & 0x7FFFFF)])
    values = pattern.view(np.float32)
    pattern = pattern[~np.isnan(values)]
    values = pattern.view(np.float32)
    with np.errstate(over="ignore"):
        half = values.astype(np.float16).view(np.uint16)
    brain = torch.from_numpy(values.copy()).bfloat16().view(torch.int16).numpy().view(np.uint16)
    rows = {"f32": pattern.tolist(), "f16": half.tolist(), "bf16": brain.tolist()}
    (FOLDER / "narrowing.json").write_text(json.dumps(rows) + "\n")


def check(path):
    with safe_open(path, "pt") as file:
        print("metadata", file.metadata())
        for name in file.keys():
            tensor = file.get_tensor(name)
            print(json.dumps([name, str(tensor.dtype), list(tensor.shape), bits(tensor.float())]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2])
    else:
        FOLDER.mkdir(parents=True, exist_ok=True)
        mixed_file()
        narrowing()
