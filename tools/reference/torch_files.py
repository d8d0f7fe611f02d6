"""Writes packages/engine/test/fixtures/torch: weight files as torch.save writes them, and what they hold.

Run from the repository root: python tools/reference/torch_files.py   (needs torch)
"""
import json
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch

OUTPUT = Path("packages/engine/test/fixtures/torch")


class Evil:
    """Unpickled by pickle, it would run a command."""

    def __reduce__(self):
        return (__import__("os").system, ("echo run",))


def described(tensors: dict) -> dict:
    return {
        name: {"shape": list(tensor.shape), "values": tensor.double().flatten().tolist()}
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and tensor.dtype != torch.float64
    }


def malicious(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": Evil()}, protocol=2))


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    shared = torch.randn(4, 3)
    plain = OrderedDict(
        {
            "embedding.weight": shared,
            "decoder.weight": shared,
            "a.bias": torch.randn(5),
            "half": torch.randn(2, 3).half(),
            "bfloat": torch.randn(3, 2).bfloat16(),
            "row of another": torch.randn(6, 4)[2],
            "scalar": torch.tensor(1.5),
            "position_ids": torch.arange(7)[None],
            "double": torch.randn(2, dtype=torch.float64),
            "mask": torch.tensor([True, False]),
        }
    )
    torch.save(plain, OUTPUT / "plain.bin")
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    torch.save(module.state_dict(), OUTPUT / "state_dict.bin")
    torch.save({name: torch.nn.Parameter(tensor) for name, tensor in module.state_dict().items()}, OUTPUT / "parameters.bin")
    torch.save({"weight": torch.randn(3, 4).T}, OUTPUT / "transposed.bin")
    torch.save({"epoch": 3, "model": plain}, OUTPUT / "training_state.bin")
    torch.save(plain, OUTPUT / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(torch.randn(2), OUTPUT / "tensor.bin")
    malicious(OUTPUT / "malicious.bin")
    expected = {"plain": described(plain), "state_dict": described(module.state_dict())}
    expected["parameters"] = expected["state_dict"]
    (OUTPUT / "expected.json").write_text(json.dumps(expected) + "\n")
