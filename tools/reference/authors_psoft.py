"""Writes packages/adapter/test/fixtures/authors/<case>: PSOFT adapters in the layout of the paper's released code.

Run from the repository root: python tools/reference/authors_psoft.py   (needs torch, safetensors)

The layout (github.com/fei407/PSOFT): a LoRA folder in which every module holds frozen `lora_A` and `lora_B`, and
`lora_orth` with `a_params` (strict lower triangle, row by row), `mag_vector_a`, `mag_vector_b` and the index buffer. The
frozen weight is W - s B A. Outputs are computed here from that definition, in double precision.
"""
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from toy import ToyModel

FIXTURES = Path("packages/adapter/test/fixtures")
TARGETS = ["query_proj", "dense"]
CASES = {
    "series": dict(rank=4, alpha=4, terms=5, mags="ab"),
    "exact": dict(rank=5, alpha=10, terms=None, mags="a"),
    "free": dict(rank=3, alpha=3, terms=None, mags="", orth=False),
}


def rotation(params: torch.Tensor, rank: int, terms: int | None) -> torch.Tensor:
    rows, columns = torch.tril_indices(rank, rank, -1)
    skew = torch.zeros(rank, rank, dtype=torch.float64)
    skew[rows, columns] = params.double()
    skew = skew - skew.T
    identity = torch.eye(rank, dtype=torch.float64)
    if terms is None:
        return (identity - skew) @ torch.linalg.inv(identity + skew)
    powers = [torch.linalg.matrix_power(-skew, k) for k in range(terms + 2)]
    return powers[0] + 2 * sum(powers[1 : terms + 1]) + powers[terms + 1]


def write(name: str, rank: int, alpha: float, terms: int | None, mags: str, orth: bool = True) -> None:
    torch.manual_seed(len(name))
    folder = FIXTURES / "authors" / name
    folder.mkdir(parents=True, exist_ok=True)
    model = ToyModel(layers=2, width=12, inner=20)
    model.load_state_dict(load_file(FIXTURES / "peft" / "base.safetensors"))
    model.double()
    scaling = alpha / rank
    tensors = {}
    for path, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or path.startswith(("pooler", "classifier")):
            continue
        weight = module.weight.data
        u, s, vh = torch.linalg.svd(weight, full_matrices=False)
        a, b = vh[:rank], u[:, :rank] * s[:rank] / scaling
        params = torch.randn(rank * (rank - 1) // 2) * 0.2 if orth else torch.eye(rank) + 0.2 * torch.randn(rank, rank)
        r = rotation(params, rank, terms) if orth else params.double()
        key = f"base_model.model.{path}."
        for letter in "ba":
            if letter in mags:
                vector = 1 + 0.2 * torch.randn(rank)
                tensors[f"{key}lora_orth.mag_vector_{letter}"] = vector
                r = torch.diag(vector.double()) @ r if letter == "b" else r @ torch.diag(vector.double())
        if orth:
            tensors[key + "lora_orth.indices_lower"] = torch.tril_indices(rank, rank, -1)
        tensors[key + "lora_orth.a_params"] = params
        tensors[key + "lora_A.weight"] = a.float().contiguous()
        tensors[key + "lora_B.weight"] = b.float().contiguous()
        module.weight.data = weight - scaling * b @ a + scaling * b @ r @ a
    for path, parameter in model.named_parameters():
        if path.startswith(("pooler", "classifier")):
            head = (parameter.data + 0.1 * torch.randn(parameter.shape)).float()
            tensors["base_model.model." + path] = head
            parameter.data = head.double()
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "init_lora_weights": "psoft_init",
        "target_modules": TARGETS,
        "modules_to_save": ["classifier", "pooler"],
        "task_type": "SEQ_CLS",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    x = torch.randn(5, 12)
    logits = model(x.double())
    (folder / "expected.json").write_text(json.dumps({"x": x.flatten().tolist(), "logits": logits.flatten().tolist()}) + "\n")


if __name__ == "__main__":
    for name, case in CASES.items():
        write(name, **case)
