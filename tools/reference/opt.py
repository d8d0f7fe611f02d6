"""Writes packages/models/test/fixtures/opt.json: OPT as transformers computes it, on small random models.

Run from the repository root: python tools/reference/opt.py   (needs torch and transformers 5)

What the file holds: see causal_lm.py.
"""
from pathlib import Path

from causal_lm import make_case, write
from transformers import OPTConfig, OPTForCausalLM

OUTPUT = Path("packages/models/test/fixtures/opt.json")

COMMON = {
    "model_type": "opt",
    "vocab_size": 40,
    "hidden_size": 32,
    "word_embed_proj_dim": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "ffn_dim": 48,
    "activation_function": "relu",
    "max_position_embeddings": 32,
    "do_layer_norm_before": True,
    "dropout": 0.1,
    "attention_dropout": 0.15,
    "init_std": 0.02,
    "pad_token_id": 1,
    "bos_token_id": 2,
    "eos_token_id": 2,
}

# name: (what differs from COMMON, number of tokens that end a text)
CASES = {
    "norms before, as opt-125m": ({}, 1),
    "norms after and projected embeddings, as opt-350m": (
        {"do_layer_norm_before": False, "word_embed_proj_dim": 20},
        2,
    ),
    "no biases, plain norms, no last norm, untied, gelu": (
        {
            "enable_bias": False,
            "layer_norm_elementwise_affine": False,
            "_remove_final_layer_norm": True,
            "activation_function": "gelu",
            "tie_word_embeddings": False,
            "num_attention_heads": 2,
        },
        1,
    ),
}


def main():
    write(
        OUTPUT,
        [
            make_case(name, OPTConfig, OPTForCausalLM, {**COMMON, **changes}, eos_count, 40000)
            for name, (changes, eos_count) in CASES.items()
        ],
    )


if __name__ == "__main__":
    main()
