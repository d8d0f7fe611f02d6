"""Writes packages/datasets/test/fixtures/math: GSM8K, MATH and MetaMathQA in the Hub's forms, a few rows each.

Run from the repository root: python tools/reference/math_parquet.py   (needs pyarrow)

Columns and types are those of `openai/gsm8k`, `EleutherAI/hendrycks_math` and `meta-math/MetaMathQA`; the texts are
made up.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUTPUT = Path("packages/datasets/test/fixtures/math")


def write(name: str, columns: dict[str, list[str]]) -> None:
    file = OUTPUT / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()}), file)


def main() -> None:
    for split, rows in (("train", 5), ("test", 3)):
        at = range(rows)
        write(
            f"gsm8k-{split}.parquet",
            {
                "question": [f"A boat has {i} sails, another {i + 1}. How many in all?" for i in at],
                "answer": [f"{i} + {i + 1} = <<{i}+{i + 1}={2 * i + 1}>>{2 * i + 1} sails\n#### {2 * i + 1}" for i in at],
            },
        )
    write(
        "algebra-test.parquet",
        {
            "problem": [f"Solve $x - {i} = 0$." for i in range(4)],
            "level": [f"Level {i + 1}" for i in range(4)],
            "type": ["Algebra"] * 4,
            "solution": [f"$x = \\boxed{{{i}}}$." for i in range(4)],
        },
    )
    write(
        "metamath-train.parquet",
        {
            "type": ["GSM_Rephrased", "MATH_AnsAug"],
            "query": ["How many sails\nhave two boats?", "Solve $x = 1$."],
            "original_question": ["How many sails?", "Solve $x = 1$."],
            "response": ["Two.\n#### 2\nThe answer is: 2", "$x = \\boxed{1}$.The answer is: 1"],
        },
    )


if __name__ == "__main__":
    main()
