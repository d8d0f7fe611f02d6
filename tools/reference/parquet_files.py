"""Writes packages/datasets/test/fixtures/parquet: small files as the Hub's data sets have them, and what they hold.

Run from the repository root: python tools/reference/parquet_files.py   (needs pyarrow)

Shards are written as the `datasets` library writes them: snappy, dictionary encoding, its features in the schema's
metadata; with several row groups each. The values that pyarrow reads back are the expectation.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUTPUT = Path("packages/datasets/test/fixtures/parquet")
WORDS = ["a film", "naïve", "日本 text", "", "long " * 40, 'with "quotes",\ttabs\nand lines', "😀"]
FEATURES = {
    "info": {
        "features": {
            "sentence": {"dtype": "string", "_type": "Value"},
            "label": {"names": ["no", "yes"], "_type": "ClassLabel"},
        }
    }
}


def shard(start: int, rows: int) -> pa.Table:
    """Nulls in the second sentence and in the scores; every int width and float width that occurs."""
    at = range(start, start + rows)
    table = pa.table(
        {
            "sentence": pa.array([f"{i}: {WORDS[i % len(WORDS)]}" for i in at], pa.string()),
            "sentence2": pa.array([None if i % 3 == 0 else WORDS[i % 2] for i in at], pa.large_string()),
            "label": pa.array([i % 2 if i % 5 else -1 for i in at], pa.int64()),
            "idx": pa.array(list(at), pa.int32()),
            "score": pa.array([None if i % 7 == 0 else i / 4 for i in at], pa.float32()),
            "exact": pa.array([i / 3 for i in at], pa.float64()),
            "flag": pa.array([i % 2 == 0 for i in at], pa.bool_()),
            "tokens": pa.array([[str(i), "x"] for i in at], pa.list_(pa.string())),
            "huge": pa.array([2**60 + i for i in at], pa.int64()),
        }
    )
    return table.replace_schema_metadata({"huggingface": json.dumps(FEATURES)})


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
    for name, table in zip(names, [shard(0, 50), shard(50, 7)], strict=True):
        pq.write_table(table, folder / name, compression="snappy", use_dictionary=True, row_group_size=16)
    # Newer pages, no dictionary, no compression.
    pq.write_table(
        shard(0, 50), folder / "plain.parquet", compression="none", use_dictionary=False, data_page_version="2.0"
    )
    pq.write_table(shard(0, 0), folder / "empty.parquet")
    pq.write_table(shard(0, 5), folder / "zstd.parquet", compression="zstd")
    columns = ["sentence", "sentence2", "label", "idx", "score", "exact", "flag"]
    rows = [row for name in names for row in pq.read_table(folder / name, columns=columns).to_pylist()]
    (folder / "expected.json").write_text(json.dumps(rows, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(OUTPUT)
