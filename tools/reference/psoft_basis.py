"""Writes down the basis of a PSOFT adapter that PEFT saved, so that this project can load it exactly.

Usage: python tools/reference/psoft_basis.py ADAPTER_FOLDER BASE_WEIGHTS.safetensors [...] BASIS.json

PEFT rebuilds A and B from the base weights at each load and stores nothing of them; their signs, and where singular
values are close their directions, depend on the LAPACK in use. Run this on the machine, and with the torch, that
trained the adapter. Needs torch, peft 0.21 and safetensors. Load the adapter with
PeftModel.fromPretrained(model, folder, { basis: 'BASIS.json' }).
"""
import base64
import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import PsoftConfig, get_peft_model
from safetensors import safe_open

PREFIX = "base_model.model."
SUFFIX = ".psoft_R.weight"
PROBES = 2


def principal_rows(weight: torch.Tensor, config: PsoftConfig) -> torch.Tensor:
    """A as PEFT builds it: by PEFT itself, on a layer of this weight."""
    holder = torch.nn.Sequential()
    holder.add_module("layer", torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False))
    holder.layer.weight.data = weight.clone()
    settings = {key: getattr(config, key) for key in ("r", "psoft_alpha", "ab_svd_init", "psoft_svd")}
    settings |= {"psoft_svd_lowrank_niter": config.psoft_svd_lowrank_niter, "random_seed": config.random_seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(holder, PsoftConfig(target_modules=["layer"], **settings))
    return model.base_model.model.layer._get_psoft_ab_cache_buffers("default")[0]


def probe_signs(columns: int) -> np.ndarray:
    """[PROBES, columns] of +1 and -1: the top bit of a mixed counter."""
    h = np.arange(1, PROBES * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)
    h = (h ^ (h >> np.uint64(15))) * np.uint64(0x85EBCA77) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    return np.where(h >> np.uint64(31), -1.0, 1.0).reshape(columns, PROBES).T


def probes(a: torch.Tensor) -> str:
    rows = a.double().numpy()
    norms = np.linalg.norm(rows, axis=1)
    products = probe_signs(rows.shape[1]) @ rows.T / np.where(norms == 0, 1, norms)
    return base64.b64encode(products.astype("<f4").tobytes()).decode()


def main(folder: str, *rest: str) -> None:
    *checkpoints, output = rest
    config = PsoftConfig.from_pretrained(folder)
    with safe_open(Path(folder) / "adapter_model.safetensors", "pt") as adapter:
        keys = [key for key in adapter.keys() if key.startswith(PREFIX) and key.endswith(SUFFIX)]
    modules = sorted(key.removeprefix(PREFIX).removesuffix(SUFFIX) for key in keys)
    files = {key: file for file in (safe_open(path, "pt") for path in checkpoints) for key in file.keys()}
    missing = [module for module in modules if f"{module}.weight" not in files]
    if missing:
        sys.exit(f"the checkpoint has no weight for {missing[0]} and {len(missing) - 1} more")
    fingerprint = hashlib.sha256()
    records = {}
    for name in sorted(f"{module}.weight" for module in modules):
        weight = files[name].get_tensor(name).float()
        line = json.dumps([name, list(weight.shape)], separators=(",", ":"), ensure_ascii=False)
        fingerprint.update(f"{line}\n".encode())
        fingerprint.update(weight.contiguous().numpy().astype("<f4").tobytes())
        records[name.removesuffix(".weight")] = {"probes": probes(principal_rows(weight, config))}
    record = {"version": 1, "base": fingerprint.hexdigest(), "modules": records}
    Path(output).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
