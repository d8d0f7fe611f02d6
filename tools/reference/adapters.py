"""Writes packages/adapter/test/fixtures/peft-adapters/<name>: adapters as PEFT saves them, and what the network computes.

Run from the repository root: python tools/reference/adapters.py   (needs torch, peft 0.21, safetensors)

All stand on the toy network of packages/adapter/test/fixtures/peft/base.safetensors, with random trained values and a
trained head. PSOFT's own, with its basis file, is written by psoft.py.
"""
import json
import shutil
import warnings
from pathlib import Path

import torch
from peft import BOFTConfig, LoraConfig, OFTConfig, PeftModel, VeraConfig, get_peft_model
from safetensors.torch import load_file
from toy import ToyModel

import butterfly  # noqa: F401

FIXTURES = Path("packages/adapter/test/fixtures")
OUTPUT = FIXTURES / "peft-adapters"
COMMON = {"target_modules": ["query_proj", "dense"], "modules_to_save": ["pooler", "classifier"]}
CONFIGS = {
    "lora": LoraConfig(r=4, lora_alpha=6, **COMMON),
    "lora-patterns": LoraConfig(
        r=4,
        lora_alpha=6,
        use_rslora=True,
        rank_pattern={"layer.1.query_proj": 2, "output.dense": 5},
        alpha_pattern={"intermediate.dense": 3},
        **COMMON,
    ),
    "dora": LoraConfig(r=3, lora_alpha=6, use_dora=True, **COMMON),
    "pissa": LoraConfig(r=4, lora_alpha=4, init_lora_weights="pissa", **COMMON),
    "vera": VeraConfig(r=8, **COMMON),
    "vera-key-only": VeraConfig(r=8, save_projection=False, projection_prng_key=7, **COMMON),
    "oft": OFTConfig(oft_block_size=4, **COMMON),
    "oft-exact": OFTConfig(oft_block_size=4, use_cayley_neumann=False, **COMMON),
    "oft-shared": OFTConfig(oft_block_size=2, block_share=True, **COMMON),
    "boft": BOFTConfig(boft_block_size=2, boft_n_butterfly_factor=2, **COMMON),
}


def toy() -> ToyModel:
    model = ToyModel(layers=2, width=12, inner=20)
    model.load_state_dict(load_file(FIXTURES / "peft" / "base.safetensors"))
    return model


def write(name: str, config) -> None:
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(len(name))
    model = get_peft_model(toy(), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.eval()
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    # PEFT holds the names in a set: sorted, the file is the same at every run.
    config_file = folder / "adapter_config.json"
    settings = json.loads(config_file.read_text())
    settings["target_modules"].sort()
    config_file.write_text(json.dumps(settings, indent=2) + "\n")
    x = torch.randn(5, 12)
    with torch.no_grad():
        logits = model(x)
        again = PeftModel.from_pretrained(toy(), folder).eval()(x)
        plain = toy()(x)
    print(f"{name}: moves the logits by {(logits - plain).abs().max():.3g}; loaded again by PEFT: {(again - logits).abs().max():.2g}")
    expected = {"x": x.flatten().tolist(), "logits": logits.flatten().tolist()}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, config in CONFIGS.items():
            write(name, config)
