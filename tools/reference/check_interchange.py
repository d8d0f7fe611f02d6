"""Loads with PEFT what write_adapters.ts wrote, and prints how far PEFT's outputs are from ours.

Run from the repository root (needs torch, peft 0.21, safetensors):
    npx tsx tools/reference/write_adapters.ts FOLDER
    python tools/reference/psoft_basis.py FOLDER/psoft packages/adapter/test/fixtures/peft/base.safetensors FOLDER/basis.json
    npx tsx tools/reference/write_adapters.ts FOLDER FOLDER/basis.json
    python tools/reference/check_interchange.py FOLDER

All must agree to float32 rounding but one: PSOFT saved without torch's basis, which PEFT reads in signs of its own.
Exits with 1 when another differs, or PEFT refuses to load one.
"""
import json
import sys
import warnings
from pathlib import Path

import peft
import torch
from peft import PeftModel
from safetensors.torch import load_file
from toy import ToyModel

import butterfly  # noqa: F401

BASE = Path("packages/adapter/test/fixtures/peft/base.safetensors")
TOLERANCE = 1e-5
#: Does not determine the update: PEFT rebuilds A and B with the signs that its LAPACK returns.
UNDETERMINED = {"psoft"}


def outputs(folder: Path, x: torch.Tensor) -> torch.Tensor:
    base = ToyModel(layers=2, width=12, inner=20)
    base.load_state_dict(load_file(BASE))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PeftModel.from_pretrained(base, folder).eval()(x)


def main(root: Path) -> None:
    print(f"PEFT {peft.__version__}, torch {torch.__version__}\n")
    print("| adapter | it moves the logits by | PEFT differs by | |\n|---|---|---|---|")
    failed = []
    for folder in sorted(path.parent for path in root.glob("*/adapter_config.json")):
        expected = json.loads((folder / "expected.json").read_text())
        x = torch.tensor(expected["x"]).reshape(5, 12)
        ours, base = (torch.tensor(expected[key]).reshape(5, 2) for key in ("logits", "baseLogits"))
        moves = f"{(ours - base).abs().max():.3g}"
        try:
            theirs = outputs(folder, x)
        except Exception as error:
            # Whatever PEFT says: the other adapters are still compared.
            print(f"| {folder.name} | {moves} | | REFUSED: {type(error).__name__}: {' '.join(str(error).split())[:200]} |")
            failed.append(folder.name)
            continue
        difference = (theirs - ours).abs().max().item()
        same = difference <= TOLERANCE * ours.abs().max().item()
        verdict = "same" if same else "other signs, as expected" if folder.name in UNDETERMINED else "DIFFERS"
        if not same and folder.name not in UNDETERMINED:
            failed.append(folder.name)
        print(f"| {folder.name} | {moves} | {difference:.1e} | {verdict} |")
    if failed:
        sys.exit(f"these differ or are refused: {', '.join(failed)}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
