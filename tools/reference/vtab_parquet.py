"""A VTAB-1K task in miniature as Hugging Face's `datasets` writes it: parquet with embedded PNG images.

python tools/reference/vtab_parquet.py   (needs pyarrow and pillow; writes packages/datasets/test/fixtures/vtab)
"""

import hashlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

OUT = Path(__file__).parents[2] / "packages/datasets/test/fixtures/vtab"
HEIGHT, WIDTH, CLASSES = 7, 9, 8
SPLITS = {"train": 24, "validation": 8, "test": 10}
STRUCT = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def picture(split: str, i: int) -> Image.Image:
    """Smooth, and another one for each split and place."""
    shift = {"train": 0, "validation": 50, "test": 90}[split]
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata(
        [((20 * x + shift) % 256, (30 * y + 5 * i) % 256, (i * 11 + x * y) % 256) for y in range(HEIGHT) for x in range(WIDTH)]
    )
    return image


def main() -> None:
    (OUT / "data").mkdir(parents=True, exist_ok=True)
    expected = {}
    for split, count in SPLITS.items():
        rows, info = [], []
        # The Hub's VTAB-1K calls it img, most others image.
        column = "image" if split == "test" else "img"
        for i in range(count):
            image = picture(split, i)
            file = io.BytesIO()
            image.save(file, "PNG")
            rows.append({column: {"bytes": file.getvalue(), "path": f"{i}.png"}, "label": (3 * i) % CLASSES})
            info.append({"label": (3 * i) % CLASSES, "sha256": hashlib.sha256(image.tobytes()).hexdigest()})
        expected[split] = info
        schema = pa.schema({column: STRUCT, "label": pa.int64()})
        shards = 2 if split == "train" else 1
        size = count // shards
        for shard in range(shards):
            table = pa.Table.from_pylist(rows[shard * size : (shard + 1) * size], schema=schema)
            name = f"{split}-{shard:05d}-of-{shards:05d}.parquet"
            # Several row groups, as large sets have them.
            pq.write_table(table, OUT / "data" / name, row_group_size=5, compression="snappy")
    (OUT / "expected.json").write_text(json.dumps({"width": WIDTH, "height": HEIGHT, "splits": expected}) + "\n")


main()
