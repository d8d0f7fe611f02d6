"""Writes packages/datasets/test/fixtures/images: small image files, and their pixels as Pillow and transformers see them.

Run from the repository root: python tools/reference/images.py   (needs pillow, numpy)

Pixels are given as SHA-256 of the RGB bytes, with the first of them; `resized` is Pillow's resize (2 bilinear, 3 bicubic).
"""

import hashlib
import json
import random
from pathlib import Path

from PIL import Image

SIZES = [((12, 12), (224, 224)), ((50, 37), (16, 16)), ((7, 5), (16, 16)), ((90, 30), (24, 24)), ((16, 16), (16, 9)), ((1, 1), (3, 3))]
OUTPUT = Path("packages/datasets/test/fixtures/images")


def scene(width: int, height: int, seed: int) -> Image.Image:
    """Smooth shades with a few sharp edges and some noise: what photographs have."""
    rng = random.Random(seed)
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            edge = 90 if (x // 7 + y // 5) % 2 else 0
            noise = rng.randrange(12)
            image.putpixel((x, y), ((x * 255 // width + edge) % 256, y * 255 // height, 128 + noise))
    return image


def described(image: Image.Image) -> dict:
    data = image.tobytes()
    return {
        "size": list(image.size),
        "sha256": hashlib.sha256(data).hexdigest(),
        "first": list(data[:12]),
    }


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    base = scene(41, 30, 1)
    alpha = base.copy()
    alpha.putalpha(base.getchannel("R"))
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "full.jpg": (base, {"quality": 92, "subsampling": 0}),
        "half.jpg": (base, {"quality": 80, "subsampling": 2}),
        "grey.jpg": (base.convert("L"), {"quality": 90}),
        "turned.jpg": (base, {"quality": 92, "subsampling": 0, "exif": turned}),
        "plain.png": (base, {}),
        "alpha.png": (alpha, {}),
        "grey.png": (base.convert("L"), {}),
        "palette.png": (base.quantize(16), {}),
        "bits.png": (base.convert("1"), {}),
        "plain.webp": (base, {"lossless": True}),
    }
    expected = {}
    for name, (image, options) in files.items():
        image.save(OUTPUT / name, **options)
        rgb = Image.open(OUTPUT / name).convert("RGB")
        expected[name] = {
            **described(rgb),
            "resized": {str(resample): described(rgb.resize((16, 16), resample)) for resample in (2, 3)},
        }
    resizes = []
    for number, (size, to) in enumerate(
        SIZES
    ):
        rng = random.Random(number)
        data = bytes(rng.randrange(256) for _ in range(size[0] * size[1] * 3))
        image = Image.frombytes("RGB", size, data)
        for resample in (2, 3):
            resizes.append(
                {
                    "from": size,
                    "pixels": data.hex(),
                    "resample": resample,
                    **described(image.resize(to, resample)),
                }
            )
    (OUTPUT / "expected.json").write_text(json.dumps({"files": expected, "resizes": resizes}) + "\n")


if __name__ == "__main__":
    main()
