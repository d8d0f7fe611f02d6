"""Writes packages/models/test/fixtures/llama.json: Llama as transformers computes it, on small random models.

Run from the repository root: python tools/reference/llama.py   (needs torch and transformers 5)

What the file holds: see causal_lm.py.
"""
from pathlib import Path

from causal_lm import make_case, write
from transformers import LlamaConfig, LlamaForCausalLM

OUTPUT = Path("packages/models/test/fixtures/llama.json")

COMMON = {
    "model_type": "llama",
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "hidden_act": "silu",
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "attention_dropout": 0.15,
    "initializer_range": 0.02,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

# name: (what differs from COMMON, number of tokens that end a text)
CASES = {
    "grouped queries, llama3 scaling, tied embeddings": (
        {
            "rope_theta": 10000.0,
            # So few original positions that all three ranges of frequencies occur in a head of 8.
            "rope_scaling": {
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 32,
            },
            "tie_word_embeddings": True,
        },
        1,
    ),
    "own keys for each head, untied, theta 500000, biases, head size of its own": (
        {
            "num_hidden_layers": 3,
            "num_key_value_heads": 4,
            "head_dim": 12,
            "rope_theta": 500000.0,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": False,
        },
        2,
    ),
    "one key for all heads, linear scaling, untied, gelu": (
        {
            "num_key_value_heads": 1,
            "hidden_act": "gelu",
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "rope_scaling": {"type": "linear", "factor": 4.0},
            "tie_word_embeddings": False,
        },
        1,
    ),
}


def main():
    write(
        OUTPUT,
        [
            make_case(name, LlamaConfig, LlamaForCausalLM, {**COMMON, **changes}, eos_count, 20000)
            for name, (changes, eos_count) in CASES.items()
        ],
    )


if __name__ == "__main__":
    main()
