"""Loads with PEFT what write_lora_export.ts wrote, and prints how far PEFT's outputs are from ours.

Run from the repository root:
    npx tsx tools/reference/write_lora_export.ts FOLDER
    python tools/reference/check_lora_export.py FOLDER   (needs torch, peft 0.21, safetensors)

The LoRA form must agree to float32 rounding. The PSOFT form loads too, but PEFT rebuilds A and B with its own signs,
which the second line shows.
"""
import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from toy import ToyModel

BASE = Path("packages/adapter/test/fixtures/peft/base.safetensors")


def outputs(folder: Path, x: torch.Tensor) -> torch.Tensor:
    base = ToyModel(layers=2, width=12, inner=20)
    base.load_state_dict(load_file(BASE))
    with torch.no_grad():
        return PeftModel.from_pretrained(base, folder).eval()(x)


def main(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    x = torch.tensor(expected["x"]).reshape(5, 12)
    ours, base = (torch.tensor(expected[key]).reshape(5, 2) for key in ("logits", "baseLogits"))
    print(f"the adapter moves the logits by up to {(ours - base).abs().max():.3g}")
    lora, psoft = (outputs(folder / form, x) for form in ("lora", "psoft"))
    print(f"LoRA in PEFT:  largest difference {(lora - ours).abs().max():.3g}")
    print(f"PSOFT in PEFT: largest difference {(psoft - ours).abs().max():.3g}")
    if (lora - ours).abs().max() > 1e-5:
        sys.exit("the LoRA form differs")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
