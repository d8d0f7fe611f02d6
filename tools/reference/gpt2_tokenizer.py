"""Writes packages/datasets/test/fixtures/gpt2Tokenizer: a byte-pair tokenizer in OPT's layout, and how Python cuts texts.

Run from the repository root: python tools/reference/gpt2_tokenizer.py
(needs tokenizers and transformers 5; sentencepiece and protobuf for the texts it shares with sentencepiece_models.py)

vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json as in facebook/opt-125m, of a small vocabulary
trained here. encodings.json: of every configuration and text the ids that transformers' GPT2Tokenizer gives, and of
plain texts what `tokenizers` makes of its own ByteLevelBPETokenizer, which must agree.
"""
import json
import shutil
import tempfile
import warnings
from pathlib import Path

from sentencepiece_models import LINES, PROSE, TEXTS
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Tokenizer

OUTPUT = Path("packages/datasets/test/fixtures/gpt2Tokenizer")


def token(content):
    return {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


OPT = {
    "errors": "replace",
    "unk_token": token("</s>"),
    "bos_token": token("</s>"),
    "eos_token": token("</s>"),
    "pad_token": token("<pad>"),
    "add_prefix_space": False,
    "add_bos_token": True,
    "special_tokens_map_file": None,
    "tokenizer_class": "GPT2Tokenizer",
}
SPECIAL = {
    name: {key: value for key, value in OPT[name].items() if key != "__type"}
    for name in ["bos_token", "eos_token", "unk_token", "pad_token"]
}
CONFIGS = [
    OPT,
    # The named tokens from special_tokens_map.json.
    {"add_bos_token": True, "add_prefix_space": True, "tokenizer_class": "GPT2Tokenizer"},
    {**OPT, "add_bos_token": False, "tokenizer_class": "GPT2TokenizerFast"},
]
MORE = [
    "I'll we've they're it's don't I'm he'd 'Tis O'Brien's THEY'LL",
    "</s>", "a</s>b", "<pad> <s> <unk> <mask>", "</s></s> x", "x </s> y",
    "def f(x):\n    return x**2  # square\n", "12345 1,234.5 3/4", "   ",
]


def encodings(folder, config):
    with tempfile.TemporaryDirectory() as place:
        for name in ["vocab.json", "merges.txt", "special_tokens_map.json"]:
            shutil.copy(folder / name, place)
        (Path(place) / "tokenizer_config.json").write_text(json.dumps(config))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = GPT2Tokenizer.from_pretrained(place)
    plain = ByteLevelBPETokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=config["add_prefix_space"]
    )
    rows = []
    for text in [*(one for one in TEXTS if isinstance(one, str)), *MORE]:
        ids = made(text)["input_ids"]
        if "<" not in text:
            assert ids == [2] * config["add_bos_token"] + plain.encode(text).ids, text
        rows.append({"text": [text], "ids": ids})
    for pair in [("one text", "and another"), ("", "x"), ("x", "")]:
        rows.append({"text": pair, "ids": made([pair[0]], [pair[1]])["input_ids"][0]})
    return {"config": config, "rows": rows}


def main():
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        [PROSE, *LINES] * 2,
        vocab_size=600,
        min_frequency=2,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    trained.save_model(str(OUTPUT))
    (OUTPUT / "special_tokens_map.json").write_text(json.dumps(SPECIAL, indent=2) + "\n")
    (OUTPUT / "tokenizer_config.json").write_text(json.dumps(OPT, indent=2) + "\n")
    parts = [encodings(OUTPUT, config) for config in CONFIGS]
    text = ",\n".join(
        '{"config": ' + json.dumps(part["config"]) + ', "rows": [\n'
        + ",\n".join(json.dumps(row, ensure_ascii=False) for row in part["rows"]) + "\n]}"
        for part in parts
    )
    (OUTPUT / "encodings.json").write_text(f"[{text}]\n", encoding="utf-8")
    print(f"{trained.get_vocab_size()} tokens, {sum(len(part['rows']) for part in parts)} texts")


if __name__ == "__main__":
    main()
