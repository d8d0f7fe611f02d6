"""Writes packages/models/test/fixtures/gguf: small GGUF files, and what they hold as Python's libraries read them.

Run from the repository root: python tools/reference/gguf_files.py   (needs torch, transformers 5, tokenizers and gguf)

- blocks.json: of every storage type random blocks (base64) and their weights by `gguf`, little-endian float32 in base64.
- quantised.gguf: a small Llama with weights in many types, cut as SmolLM2's texts are; transformers reads the same
  weights from it. llama3.gguf: with Llama 3's scaling, biases, tied embeddings and Llama 3's tokenizer.
- models.json: of both the config as transformers writes it, token ids of texts by `tokenizers`, and the logits of a
  model of transformers that holds the same weights.
"""
import base64
import json
import math
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
from deberta import uniform
from gguf import GGMLQuantizationType as Q
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

OUTPUT = Path("packages/models/test/fixtures/gguf")

BLOCK_TYPES = [Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0, Q.Q4_K, Q.Q5_K, Q.Q6_K]

TEXTS = [
    "the rain in the year 1234 and 56",
    "It's here, isn't it? They'LL see; x=3.14",
    "  two  spaces\n\nand\tlines \r\n",
    "caf\u00e9 \u4f60\u597d \U0001f642",
    "<s>within<pad>",
    "",
]
MERGES = ["Ġ t", "h e", "Ġt he", "i n", "Ġ a", "r e", "n d", "Ġa nd", "' s", "1 2", "3 4", "12 34", "Ċ Ċ", "Ġ Ġ", "s e"]
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
SPECIAL = ["<s>", "</s>", "<pad>"]
TOKENS = [*SPECIAL, *BYTES, *(merge.replace(" ", "") for merge in MERGES)]

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

SIZES = {
    "vocab_size": len(TOKENS),
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 96,
    "hidden_act": "silu",
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}


def b64(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def blocks():
    rows = {}
    for seed, kind in enumerate(BLOCK_TYPES):
        size, width = gguf.GGML_QUANT_SIZES[kind]
        count = max(1, 256 // size) * 2
        raw = ((uniform(seed, count * width) + 1) * 128).astype(np.uint8).reshape(count, width)
        if kind == Q.F32:
            raw = uniform(seed, count).astype("<f4").view(np.uint8)
        elif kind == Q.F16:
            raw = uniform(seed, count).astype("<f2").view(np.uint8)
        elif kind == Q.BF16:
            raw = gguf.quantize(uniform(seed, count), kind).view(np.uint8)
        else:
            # Scales of half precision that are ordinary numbers, wherever they stand.
            places = {Q.Q6_K: [208], Q.Q4_0: [0], Q.Q5_0: [0], Q.Q8_0: [0]}.get(kind, [0, 2])
            for place in places:
                values = uniform(100 + seed + place, count).astype("<f2").view(np.uint8).reshape(count, 2)
                raw[:, place : place + 2] = values
        weights = gguf.dequantize(raw.reshape(-1), kind).astype("<f4")
        assert np.isfinite(weights).all()
        rows[kind.name] = {"blocks": b64(raw), "weights": b64(weights)}
    return rows


def permuted(weight, heads):
    """llama.cpp's order of the rows of query and key: a turning pair stands together."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def ggml_name(name):
    module, kind = name.rsplit(".", 1)
    if module in NAMES:
        return f"{NAMES[module]}.{kind}"
    _, _, index, rest = module.split(".", 3)
    return f"blk.{index}.{NAMES[rest]}.{kind}"


def write_model(file, config, types, pre, extra):
    """Writes the GGUF file; gives transformers' model with the very weights that are stored."""
    model = LlamaForCausalLM(config).eval()
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(TOKENS)
    writer.add_token_types([gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * (len(TOKENS) - len(SPECIAL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(2)
    writer.add_chat_template("{{ messages[0]['content'] }}")
    extra(writer)
    with torch.no_grad():
        for index, (name, parameter) in enumerate(sorted(model.named_parameters())):
            scale = 1.0 if "norm" in name else 0.3 if parameter.dim() == 1 else 2.5 / math.sqrt(parameter.shape[1])
            values = (uniform(7000 + index, parameter.numel()) * np.float32(scale)).reshape(parameter.shape)
            heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
            count = next((n for part, n in heads.items() if part in name), None)
            laid_out = values if count is None else permuted(values, count)
            kind = Q.F32 if parameter.dim() == 1 else types[index % len(types)]
            stored = gguf.quantize(np.ascontiguousarray(laid_out), kind)
            writer.add_tensor(ggml_name(name), stored, raw_dtype=kind)
            # Rows are stored one by one: what is read from them goes back to where it came from.
            read = gguf.dequantize(stored, kind).reshape(parameter.shape)
            order = np.arange(parameter.shape[0])
            back = order if count is None else np.argsort(permuted(order, count))
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(read[back])))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def tokenizer(pre):
    made = Tokenizer(models.BPE(
        vocab={token: index for index, token in enumerate(TOKENS)},
        merges=[tuple(merge.split(" ")) for merge in MERGES],
        ignore_merges=pre == "llama-bpe",
    ))
    cut = (
        [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        if pre == "llama-bpe"
        else [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence(cut)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    if pre == "llama-bpe":
        made.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0)])
    return made


def case(name, config, types, pre, extra):
    file = OUTPUT / f"{name}.gguf"
    model = write_model(str(file), config, types, pre, extra)
    ids = [3 + (7 * place) % (len(TOKENS) - 3) for place in range(9)]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits.flatten().tolist()
    print(f"{file}: {file.stat().st_size} bytes")
    made = tokenizer(pre)
    return model, {
        "name": name,
        "config": json.loads(config.to_json_string()),
        "ids": ids,
        "logits": [float(f"{x:.8g}") for x in logits],
        "texts": [{"text": text, "ids": made.encode(text).ids} for text in TEXTS],
    }


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "blocks.json").write_text(json.dumps(blocks(), indent=0) + "\n")
    plain = LlamaConfig(**SIZES, num_hidden_layers=2, rope_theta=100000.0, tie_word_embeddings=False)
    types = [Q.F16, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0, Q.BF16]
    model, first = case("quantised", plain, types, "smollm", lambda writer: writer.add_add_bos_token(False))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.gguf").write_bytes((OUTPUT / "quantised.gguf").read_bytes())
        read = AutoModelForCausalLM.from_pretrained(folder, gguf_file="x.gguf", dtype=torch.float32)
    own, theirs = model.state_dict(), read.state_dict()
    assert all(torch.equal(own[key], theirs[key]) for key in own), "transformers reads other weights"
    scaling = {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    scaled = LlamaConfig(
        **SIZES, num_hidden_layers=1, rope_theta=500000.0, rope_scaling=scaling, tie_word_embeddings=True,
        attention_bias=True, mlp_bias=True,
    )
    rotary = LlamaForCausalLM(scaled).model.rotary_emb.inv_freq.numpy()
    exponents = np.arange(0, 16, 2, dtype=np.float32) / 16
    factors = (1.0 / (np.float32(500000.0) ** exponents) / rotary).astype(np.float32)
    _, second = case(
        "llama3", scaled, [Q.F16], "llama-bpe", lambda writer: writer.add_tensor("rope_freqs.weight", factors)
    )
    (OUTPUT / "models.json").write_text(json.dumps([first, second]) + "\n")


if __name__ == "__main__":
    main()
