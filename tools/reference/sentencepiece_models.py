"""Writes packages/datasets/test/fixtures/sentencepiece: small SentencePiece models and how Python cuts texts with them.

Run from the repository root: python tools/reference/sentencepiece_models.py
(needs sentencepiece, protobuf, tokenizers and transformers 5)

Each model is trained here, with DeBERTa-v3's special pieces at DeBERTa-v3's ids. Of every text there are:
  ids            as transformers 4's DebertaV2TokenizerFast gives them. transformers 5 still has the converter which that
                 class called; here it is called in the same way. With transformers 4 installed
                     python tools/reference/sentencepiece_models.py check
                 compares the files with the class itself.
  transformers5  as its DebertaV2Tokenizer gives them, where they differ.
  sentencepiece  as the library itself gives them, between the special tokens, where they differ.

    python tools/reference/sentencepiece_models.py json FOLDER < tokenizer.json
compares a tokenizer.json made from FOLDER's model with the ids in its encodings.json.
"""

import io
import json
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
import transformers
from tokenizers import AddedToken, Tokenizer

OUTPUT = Path("packages/datasets/test/fixtures/sentencepiece")
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
DEFAULTS = {"do_lower_case": False, "vocab_type": "spm"}
# Model, trainer options, configurations of the tokenizer.
MODELS = {
    "nmt_nfkc": ({"byte_fallback": True}, [DEFAULTS, {**DEFAULTS, "do_lower_case": True}, {**DEFAULTS, "split_by_punct": True}]),
    "identity": ({"user_defined_symbols": "<url>"}, [DEFAULTS]),
    "nmt_nfkc_cf": ({}, [DEFAULTS]),
}

# Herman Melville, Moby-Dick (1851), and lines of our own, so that some letters of other scripts have pieces.
PROSE = """Call me Ishmael. Some years ago - never mind how long precisely - having little or no money in my purse,
and nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of the
world. It is a way I have of driving off the spleen and regulating the circulation. Whenever I find myself growing
grim about the mouth; whenever it is a damp, drizzly November in my soul; whenever I find myself involuntarily pausing
before coffin warehouses, and bringing up the rear of every funeral I meet; then, I account it high time to get to sea
as soon as I can. This is my substitute for pistol and ball. With a philosophical flourish Cato throws himself upon
his sword; I quietly take to the ship. There is nothing surprising in this. If they but knew it, almost all men in
their degree, some time or other, cherish very nearly the same feelings towards the ocean with me.""".replace("\n", " ")
LINES = [
    "The café in Zürich serves crème brûlée to naïve façade painters. What? No! (Never) \"quoted\" it's 'fine'; a/b.",
    "Price: $1,250.75 or 12.5% of 3/4; see [note 7] and {table} at a@b.org, #tag & more <x> = y_z * 2 ~ ^ | \\ `.",
    "In 1990, 2001, 364 and 587 of them 0123456789 came from ABCDEFGHIJKLMNOPQRSTUVWXYZ Street.",
    "你好世界 日本語 中国 人 한국어 가 각",
    "مرحبا بالعالم नमस्ते दुनिया क्षि",
    "αβγ δεζ Привет мир ½ ™ ﬁ 😀",
]

TEXTS = [
    "", " ", "\t\n", "a", "Call me Ishmael.", " leading", "trailing ", "  both  ", "two  spaces   three", "tab\there",
    "line\nbreak\r\nand\rmore\n", "no\u00a0break\u2009thin\u3000wide", "\u00a0", "next\u0085line\u0085", "\u2028sep\u2029",
    "caf\u00e9 cr\u00e8me", "cafe\u0301 cre\u0300me", "Z\u0308u\u0308rich \u1e9b\u0323", "e\u0301\u0323 a\u0323\u0302 o\u0302\u0301",
    "\u0301alone e \u0301", "\uff26\uff55\uff4c\uff4c\u3000\uff57\uff49\uff44\uff54\uff48 \uff11\uff12\uff05", "\uff76\uff9e\uff8a\uff9f \u30ab\u3099",
    "\ufb01ne o\ufb03ce \ufb05 \u0133 \u01c6", "\ufb01\u0301x \u00bd\u0301 \ufb03\u200d", "\u00bd \u00bc 5\u2075 x\u00b2 \u2460 \u2167 \u2122 \u00b5 \u212b \u33a1",
    "wait\u2026 what\u2025", "\u201cquotes\u201d \u2018single\u2019 \u2013 \u2014 \u2212", "\u00b4acute \u00a8 \u02dc \uff5e~",
    "zero\u200bwidth\u200cnon\u200djoin\u2060er", "\ufeffbom and end\ufeff", "end\u200b", "\u200bstart", "a \u200b b", "soft\u00adhyphen",
    "\u200eleft\u200f right \u202aembed\u202c", "\U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467 family", "\U0001f44d\U0001f3fd \u2764\ufe0f \U0001f1e9\U0001f1ea 1\ufe0f\u20e3",
    "e\u200d x\ufe0f", "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8", "\uf900 \u2f00 \u3231", "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab \u1100\u1161",
    "\u0645\u0631\u062d\u0628\u0627 \u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627 \ufdfa \ufefb", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0915\u094d\u0937\u093f \u0958 \u0915\u093c", "\u0e19\u0e49\u0e33 \u0e33",
    "null\u0000byte", "ctl\u0001\u0008\u000b\u001f\u007fend", "esc\u001b[0m \u009f\u008f", "\ufffd bad \ufffd", "\u2581under \u2581 a\u2581b",
    "\u00df \u1e9e \u0130 \u0131 \u03a3\u03a4\u039f\u03a3 \u039f\u03a3", "HELLO World MiXeD", "\u16a0\u16a1\u16a2 \u16a0", "\u16a0x\u16a1 \u16a2\u16a3\u16a4y", "\U00012000\U00012001\U00012002",
    "It is [MASK] that", "a[MASK]b", "[MASK]", " [MASK] ", "[SEP] a [CLS] b [PAD]", "x [UNK] y", "[UNK]", "[mask] [sep] [unk]",
    "\uff3b\uff2d\uff21\uff33\uff2b\uff3d", "\uff3bSEP\uff3d now", "\uff3bUNK\uff3d", "see <url> here<url>", "\uff1curl\uff1e",
    "What?! (No) \"it's\" a/b... $5 -- x_y", "!!!", "a\u3001b\u3002c", "-", "antidisestablishmentarianism qqqzxj",
    "In 1851 the price was $1,857,680.61 (or 12.5 % more).", "word " * 40,
    ["A pair", "of texts."], ["first ", " second"], ["", "only second"], ["only first", ""], ["", ""], ["caf\u00e9\u2026", "\ufb01ne [MASK]"],
]  # fmt: skip


def corpus() -> list[str]:
    """Sentences of PROSE's words in a seeded order: enough text for a few hundred pieces."""
    draw = random.Random(7)
    words = PROSE.split()
    drawn = [" ".join(draw.choices(words, k=draw.randint(4, 14))) for _ in range(300)]
    return [PROSE, *LINES * 3, *drawn]


def train(normalization: str, options: dict) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()),
        model_writer=model,
        model_type="unigram",
        vocab_size=800,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name=normalization,
        num_threads=1,
        minloglevel=2,
        **dict(zip(["pad_id", "bos_id", "eos_id", "unk_id"], range(4))),
        **dict(zip(["pad_piece", "bos_piece", "eos_piece", "unk_piece"], SPECIAL)),
        **options,
    )
    return model.getvalue()


class SlowTokenizer:
    """What the converter reads of transformers 4's slow tokenizer."""

    def __init__(self, path: Path, config: dict):
        self.vocab_file = str(path)
        self.do_lower_case = config["do_lower_case"]
        self.split_by_punct = config.get("split_by_punct", False)
        self.convert_tokens_to_ids = SPECIAL.index


def transformers4(path: Path, config: dict) -> Tokenizer:
    from transformers.convert_slow_tokenizer import DebertaV2Converter

    tokenizer = DebertaV2Converter(SlowTokenizer(path, config)).converted()
    # As transformers 4 adds them after the conversion.
    unknown = AddedToken("[UNK]", normalized=True, special=True)
    tokenizer.add_tokens([unknown, AddedToken("[MASK]", normalized=False, special=True)])
    return tokenizer


def folder_of(model: bytes, config: dict, parent: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=parent))
    (folder / "spm.model").write_bytes(model)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def pair(text) -> list[str]:
    return [text] if isinstance(text, str) else text


def batch_of_one(tokenizer, texts: list[str]) -> list[int]:
    """As data sets are encoded. A call without a batch takes an empty second text for none."""
    return tokenizer(*([text] for text in texts))["input_ids"][0]


def encode(model: bytes, config: dict) -> list[dict]:
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    with tempfile.TemporaryDirectory() as parent:
        folder = folder_of(model, config, parent)
        old = transformers4(folder / "spm.model", config)
        new = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    rows = []
    for texts in map(pair, TEXTS):
        row = {"text": texts, "ids": old.encode(*texts).ids}
        by_new = batch_of_one(new, texts)
        if by_new != row["ids"]:
            row["transformers5"] = by_new
        if not config["do_lower_case"] and not config.get("split_by_punct"):
            by_library = [1, *(id for text in texts for id in [*library.encode(text), 2])]
            if by_library != row["ids"]:
                row["sentencepiece"] = by_library
        rows.append(row)
    return rows


def write() -> None:
    for name, (options, configs) in MODELS.items():
        model = train(name, options)
        folder = OUTPUT / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "spm.model").write_bytes(model)
        (folder / "tokenizer_config.json").write_text(json.dumps(DEFAULTS) + "\n")
        parts = []
        for config in configs:
            rows = encode(model, config)
            lines = ",\n".join(json.dumps(row) for row in rows)
            parts.append(f'{{"config": {json.dumps(config)}, "rows": [\n{lines}\n]}}')
            differ = {key: sum(key in row for row in rows) for key in ("transformers5", "sentencepiece")}
            print(name, config, len(model), "bytes,", len(rows), "texts; differ:", differ)
        (folder / "encodings.json").write_text("[" + ",\n".join(parts) + "]\n")


def check() -> None:
    """The files against transformers 4's own class."""
    assert transformers.__version__.startswith("4."), transformers.__version__
    for name in MODELS:
        model = (OUTPUT / name / "spm.model").read_bytes()
        for part in json.loads((OUTPUT / name / "encodings.json").read_text()):
            with tempfile.TemporaryDirectory() as parent:
                folder = folder_of(model, part["config"], parent)
                tokenizer = transformers.DebertaV2TokenizerFast.from_pretrained(folder)
            bad = [r["text"] for r in part["rows"] if batch_of_one(tokenizer, r["text"]) != r["ids"]]
            print(name, part["config"], len(part["rows"]), "texts, not equal:", bad)


def check_json(folder: str) -> None:
    tokenizer = Tokenizer.from_str(sys.stdin.read())
    part = json.loads((Path(folder) / "encodings.json").read_text())[0]
    bad = [r["text"] for r in part["rows"] if tokenizer.encode(*r["text"]).ids != r["ids"]]
    print(len(part["rows"]), "texts, not equal:", bad)


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            write()
        case ["check"]:
            check()
        case ["json", folder]:
            check_json(folder)
        case _:
            sys.exit(__doc__)
