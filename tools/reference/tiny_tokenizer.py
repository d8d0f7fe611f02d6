"""Token ids of the tiny models' tokenizer as Python's libraries give them.

Run: python tools/reference/tiny_tokenizer.py   (needs tokenizers and transformers; after training the tokenizer)
Writes packages/tiny-models/test/fixtures/tokenizer.json.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packages/tiny-models/checkpoints/deberta-tiny"

TEXTS = [
    ["Call me Ishmael."],
    ["The sailors who saw the queen sleep."],
    ["The sailors who saw the queen sleeps."],
    ["The queen has never seen herself in the lamp's light."],
    ["Our friends won't buy this analysis, let alone the next one we propose."],
    ["They drank the pub dry."],
    ["No sailor has ever slept; the captain hasn't, either!"],
    ["In 1851 the price was $1,857,680.61 (or 12.5 % more)."],
    ["\"Aye, aye, sir\" - cried Ahab - 'tis well-nigh impossible?"],
    ["antidisestablishmentarianism qqqzxj"],
    ["A caf\u00e9 in Z\u00fcrich, na\u00efve \u201cquotes\u201d \u2013 and \u2026 \u4f60\u597d \u03b1\u03b2"],
    ["cafe\u0301 decomposed"],
    ["  two  spaces \t tab\nnewline   "],
    [""],
    ["What did the man find ?"],
    ["UPPER lower MiXed CamelCase"],
    ["a_b c@d.e #tag <x> {y} [z] ~`^|\\ =+*&%"],
    ["It is [MASK] that we must go."],
    ["The cat sat.", "It slept on the mat."],
    ["Who knows?", "No one does"],
    ["x"],
]

LONG = "The old sailors who saw the ship near the river went home, and nobody knew why they came."
# (texts, maximum length)
TRUNCATED = [
    ([LONG], 3),
    ([LONG], 8),
    ([LONG], 64),
    ([LONG, "It was late."], 5),
    ([LONG, "It was late."], 12),
    ([LONG, "It was late."], 16),
    (["It was late.", LONG], 12),
    (["It was late.", LONG], 11),
    ([LONG, LONG], 12),
    ([LONG, LONG], 13),
    ([LONG, "So " + LONG], 14),
    (["So " + LONG, LONG], 14),
]


def main() -> None:
    raw = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(FOLDER)
    rows = []
    for text in TEXTS:
        encoding = raw.encode(*text)
        assert encoding.ids == auto(*text)["input_ids"], (text, encoding.tokens)
        rows.append({"text": text, "ids": encoding.ids, "tokens": encoding.tokens})
    for text, limit in TRUNCATED:
        ids = auto(*text, truncation=True, max_length=limit)["input_ids"]
        rows.append({"text": text, "maxLength": limit, "ids": ids})
    row = lambda r: json.dumps(r, ensure_ascii=False)
    out = ROOT / "packages/tiny-models/test/fixtures/tokenizer.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("[\n" + ",\n".join(map(row, rows)) + "\n]\n", encoding="utf-8")
    print(f"{type(auto).__name__}: {len(rows)} texts, {auto.vocab_size} tokens")


if __name__ == "__main__":
    main()
