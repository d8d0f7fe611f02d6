"""Writes packages/training/test/fixtures/decoder: a small Llama fine-tuned by PEFT, with accumulated micro-batches.

Run from the repository root: python tools/reference/decoder_trajectory.py   (needs torch, transformers 5, peft 0.21)

- config.json, model.safetensors: a small random Llama.
- batches.json: 15 batches of two micro-batches each, of tokens and labels (-100 does not count), and the optimiser's
  settings; prompts, which the trained model continues.
- <method>/: the adapter as PEFT saved it before the first step; losses.json: the loss of each step in float32, the sum
  over both micro-batches divided by all their counted tokens; generations.json: what the trained model says to the
  prompts, greedily. For PSOFT also basis.json, by psoft_basis.py.
"""
import json
from pathlib import Path

import torch
from peft import LoraConfig, PsoftConfig
from safetensors.torch import load_file, save_file
from trajectory import adapted
from transformers import LlamaConfig, LlamaForCausalLM

OUTPUT = Path("packages/training/test/fixtures/decoder")
STEPS, PARTS, BATCH, LENGTH, VOCABULARY = 15, 2, 3, 12, 64
END, NEW_TOKENS = 2, 12

CONFIG = {
    "model_type": "llama",
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "tie_word_embeddings": True,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": END,
}

OPTIMISER = {"adapterRate": 5e-3, "weightDecay": 0.01, "maxGradNorm": 1.0}

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
COMMON = {"target_modules": TARGETS, "task_type": "CAUSAL_LM"}
METHODS = {
    "psoft": PsoftConfig(r=8, psoft_alpha=8, **COMMON),
    "lora": LoraConfig(r=4, lora_alpha=8, **COMMON),
}


def base_model() -> LlamaForCausalLM:
    model = LlamaForCausalLM(LlamaConfig(**CONFIG))
    model.load_state_dict(load_file(OUTPUT / "model.safetensors"), strict=False)
    model.tie_weights()
    return model


def batches() -> list[list[dict]]:
    """Learnable: each counted token is the one before it plus 3; a sequence ends in END."""
    generator = torch.Generator().manual_seed(1)
    result = []
    for _ in range(STEPS):
        parts = []
        for _ in range(PARTS):
            ids = torch.zeros(BATCH, LENGTH, dtype=torch.long)
            labels = torch.full((BATCH, LENGTH), -100)
            for row in range(BATCH):
                prompt = int(torch.randint(2, 5, (1,), generator=generator))
                count = int(torch.randint(1, LENGTH - prompt, (1,), generator=generator))
                ids[row, :prompt] = torch.randint(3, VOCABULARY, (prompt,), generator=generator)
                for place in range(prompt, prompt + count):
                    ids[row, place] = 3 + (ids[row, place - 1]) % (VOCABULARY - 3)
                ids[row, prompt + count] = END
                labels[row, prompt : prompt + count + 1] = ids[row, prompt : prompt + count + 1]
            parts.append({"inputIds": ids.tolist(), "labels": labels.tolist()})
        result.append(parts)
    return result


def prompts() -> list[list[int]]:
    return [[10, 11], [30, 20, 5, 7], [50]]


def generations(model) -> list[list[int]]:
    model.eval()
    longest = max(map(len, prompts()))
    ids = torch.tensor([[0] * (longest - len(one)) + one for one in prompts()])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts()])
    with torch.no_grad():
        out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False)
    result = []
    for row in out[:, longest:].tolist():
        result.append(row[: row.index(END)] if END in row else row)
    return result


def train(name: str, config, data: list[list[dict]]) -> None:
    folder = OUTPUT / name
    model = adapted(base_model, config, folder)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=OPTIMISER["adapterRate"], weight_decay=OPTIMISER["weightDecay"])
    losses = []
    for parts in data:
        optimiser.zero_grad()
        tensors = [{key: torch.tensor(value) for key, value in part.items()} for part in parts]
        count = sum((part["labels"][:, 1:] != -100).sum() for part in tensors)
        total = 0.0
        for part in tensors:
            logits = model(input_ids=part["inputIds"]).logits[:, :-1].flatten(0, 1)
            loss = torch.nn.functional.cross_entropy(logits, part["labels"][:, 1:].flatten(), reduction="sum") / count
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, OPTIMISER["maxGradNorm"])
        optimiser.step()
        losses.append(total)
    said = generations(model)
    print(name, " ".join(f"{loss:.4f}" for loss in losses), said)
    (folder / "losses.json").write_text(json.dumps(losses) + "\n")
    (folder / "generations.json").write_text(json.dumps(said) + "\n")


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    initial = LlamaForCausalLM(LlamaConfig(**CONFIG)).state_dict()
    del initial["lm_head.weight"]
    save_file(initial, OUTPUT / "model.safetensors", {"format": "pt"})
    (OUTPUT / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    data = batches()
    settings = {"optimiser": OPTIMISER, "prompts": prompts(), "newTokens": NEW_TOKENS, "end": END, "batches": data}
    (OUTPUT / "batches.json").write_text(json.dumps(settings) + "\n")
    for name, config in METHODS.items():
        train(name, config, data)
