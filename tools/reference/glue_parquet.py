"""Writes packages/datasets/test/fixtures/glue: RTE, STS-B and MNLI in the Hub's form, a few rows of each split.

Run from the repository root: python tools/reference/glue_parquet.py   (needs pyarrow)

Columns, types, file names and labels are those of `nyu-mll/glue`; the texts are made up.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUTPUT = Path("packages/datasets/test/fixtures/glue")
SIZES = {"train": 24, "validation": 12, "test": 5}
TASKS = {
    "rte": (("sentence1", "sentence2"), pa.int64(), lambda i: i % 2, SIZES),
    "stsb": (("sentence1", "sentence2"), pa.float32(), lambda i: (i % 11) / 2, SIZES),
    "mnli": (
        ("premise", "hypothesis"),
        pa.int64(),
        lambda i: i % 3,
        {
            "train": 24,
            "validation_matched": 12,
            "validation_mismatched": 9,
            "test_matched": 5,
            "test_mismatched": 4,
        },
    ),
}


def main() -> None:
    for name, ((first, second), kind, label, sizes) in TASKS.items():
        for split, rows in sizes.items():
            at = range(rows)
            is_test = split.startswith("test")
            table = pa.table(
                {
                    first: pa.array([f"The sailor saw ship {i}." for i in at], pa.string()),
                    second: pa.array([f"The ship {i % 3} was seen." for i in at], pa.string()),
                    "label": pa.array([-1 if is_test else label(i) for i in at], kind),
                    "idx": pa.array(list(at), pa.int32()),
                }
            )
            file = OUTPUT / name / f"{split}-00000-of-00001.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, file, compression="snappy")


if __name__ == "__main__":
    main()
