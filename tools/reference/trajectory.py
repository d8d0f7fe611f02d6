"""Writes packages/training/test/fixtures/trajectory: how the loss goes under PEFT and torch's AdamW.

Run from the repository root: python tools/reference/trajectory.py   (needs torch, transformers 5, peft 0.21)

- config.json, model.safetensors: a small random DeBERTa-v3 classifier.
- batches.json: 20 batches of tokens, masks and labels, and the optimiser's settings.
- <method>/: the adapter as PEFT saved it before the first step, and losses.json: the loss of each of 20 AdamW steps in
  float32, dropout off. For PSOFT also basis.json, by psoft_basis.py.
"""
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, OFTConfig, PsoftConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

OUTPUT = Path("packages/training/test/fixtures/trajectory")
STEPS, BATCH, LENGTH, VOCABULARY = 20, 4, 12, 64

CONFIG = {
    "model_type": "deberta-v2",
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "max_position_embeddings": 32,
    "max_relative_positions": -1,
    "position_buckets": 8,
    "relative_attention": True,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "type_vocab_size": 0,
    "layer_norm_eps": 1e-7,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "pooler_dropout": 0.0,
    "pooler_hidden_act": "gelu",
    "pooler_hidden_size": 32,
    "num_labels": 2,
}

OPTIMISER = {
    "adapterRate": 5e-3,
    "headRate": 1e-3,
    "betas": [0.9, 0.999],
    "epsilon": 1e-8,
    "weightDecay": 0.01,
    "maxGradNorm": 1.0,
}

TARGETS = ["query_proj", "key_proj", "value_proj", "attention.output.dense", "intermediate.dense", "output.dense"]
COMMON = {"target_modules": TARGETS, "modules_to_save": ["pooler", "classifier"], "task_type": "SEQ_CLS"}
METHODS = {
    "psoft": PsoftConfig(r=8, psoft_alpha=8, **COMMON),
    "lora": LoraConfig(r=4, lora_alpha=8, **COMMON),
    "dora": LoraConfig(r=4, lora_alpha=8, use_dora=True, **COMMON),
    "oft": OFTConfig(oft_block_size=8, **COMMON),
}


def base_model() -> DebertaV2ForSequenceClassification:
    model = DebertaV2ForSequenceClassification(DebertaV2Config(**CONFIG))
    model.load_state_dict(load_file(OUTPUT / "model.safetensors"))
    return model


def batches() -> list[dict]:
    generator = torch.Generator().manual_seed(1)
    result = []
    for _ in range(STEPS):
        ids = torch.randint(1, VOCABULARY, (BATCH, LENGTH), generator=generator)
        lengths = torch.randint(4, LENGTH + 1, (BATCH,), generator=generator)
        mask = (torch.arange(LENGTH) < lengths[:, None]).long()
        ids = ids * mask
        # Learnable: whether the first token lies in the upper half of the vocabulary.
        labels = (ids[:, 0] >= VOCABULARY // 2).long()
        result.append({"inputIds": ids.tolist(), "attentionMask": mask.tolist(), "labels": labels.tolist()})
    return result


def adapted(base_model, config, folder: Path):
    """The model under PEFT, with its adapter saved as it starts; for PSOFT with its basis beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(base_model(), config)
        model.save_pretrained(folder)
    (folder / "README.md").unlink()
    # PEFT holds the names in a set: sorted, the file is the same at every run.
    config_file = folder / "adapter_config.json"
    settings = json.loads(config_file.read_text())
    settings["target_modules"].sort()
    config_file.write_text(json.dumps(settings, indent=2) + "\n")
    if isinstance(config, PsoftConfig):
        script = str(Path(__file__).with_name("psoft_basis.py"))
        files = [str(folder), str(folder.parent / "model.safetensors"), str(folder / "basis.json")]
        subprocess.run([sys.executable, script, *files], check=True)
    return model.train()


def train(name: str, config, data: list[dict]) -> list[float]:
    model = adapted(base_model, config, OUTPUT / name)
    trained = [(path, parameter) for path, parameter in model.named_parameters() if parameter.requires_grad]
    heads = [parameter for path, parameter in trained if "modules_to_save" in path]
    adapters = [parameter for path, parameter in trained if "modules_to_save" not in path]
    groups = [{"params": adapters, "lr": OPTIMISER["adapterRate"]}, {"params": heads, "lr": OPTIMISER["headRate"]}]
    betas, decay = tuple(OPTIMISER["betas"]), OPTIMISER["weightDecay"]
    optimiser = torch.optim.AdamW(groups, betas=betas, eps=OPTIMISER["epsilon"], weight_decay=decay)
    losses = []
    for batch in data:
        optimiser.zero_grad()
        ids, mask, labels = (torch.tensor(batch[key]) for key in ("inputIds", "attentionMask", "labels"))
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_([parameter for _, parameter in trained], OPTIMISER["maxGradNorm"])
        optimiser.step()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    initial = DebertaV2ForSequenceClassification(DebertaV2Config(**CONFIG))
    save_file(initial.state_dict(), OUTPUT / "model.safetensors", {"format": "pt"})
    (OUTPUT / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    data = batches()
    (OUTPUT / "batches.json").write_text(json.dumps({"optimiser": OPTIMISER, "batches": data}) + "\n")
    for name, config in METHODS.items():
        losses = train(name, config, data)
        print(name, " ".join(f"{loss:.4f}" for loss in losses))
        (OUTPUT / name / "losses.json").write_text(json.dumps(losses) + "\n")
