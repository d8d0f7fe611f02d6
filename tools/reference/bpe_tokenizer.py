"""Token ids of the tiny Llama's tokenizer as Python's libraries give them.

Run: python tools/reference/bpe_tokenizer.py   (needs tokenizers and transformers; after training the tokenizer)
Writes packages/tiny-models/test/fixtures/bpeTokenizer.json.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packages/tiny-models/checkpoints/llama-tiny"

TEXTS = [
    "",
    " ",
    "Ana has 12 apples.",
    "Tom has 3 boxes of 12 apples. How many apples does Tom have?\n12*3=36. 36 apples.",
    "$\\frac{1}{2}+\\frac{3}{4}=\\frac{5}{4}$. So we get $\\boxed{\\frac{5}{4}}$.",
    "Below is an instruction that describes a task.\n\n### Instruction:\nRepeat it.\n\n### Response:",
    "The answer is: 1,234,567",
    "#### 42",
    "I'm sure they'LL see we've won; it's O'Brien's, isn't it? 'tis",
    "  two  spaces \t tab\nnewline   \r\n\r\n end  ",
    "trailing spaces   ",
    "\n\n\n",
    "UPPER lower MiXed snake_case camelCase",
    "x=3.14e-10; a[0]+=b<<2 && !c || ~d ^ (e%f)",
    "caf\u00e9 cafe\u0301 na\u00efve Z\u00fcrich \u201cquotes\u201d \u2013 \u2026",
    "\u4f60\u597d\uff0c\u4e16\u754c \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e8\U0001f1ed \U0001d54f",
    "\u0661\u0662\u0663 \u2167 \u00bd \u2460",
    "\u00a0nbsp\u2003em\u3000wide\u200bzero",
    "\u0000\u0001\u007f",
    "tag <|end_of_text|> inside",
    "qqqzxj antidisestablishmentarianism",
]


def main() -> None:
    raw = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    auto = PreTrainedTokenizerFast.from_pretrained(FOLDER)
    rows = []
    for text in TEXTS:
        ids = raw.encode(text).ids
        assert ids == auto(text)["input_ids"], text
        decoded = raw.decode(ids[1:], skip_special_tokens=False)
        assert decoded == text, (text, decoded)
        rows.append({"text": text, "ids": ids})
    out = ROOT / "packages/tiny-models/test/fixtures/bpeTokenizer.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(rows)} texts, {raw.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
