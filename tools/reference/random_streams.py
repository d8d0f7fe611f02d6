"""Writes packages/engine/test/fixtures/random.json: known values for random.ts, numpyRandom.ts and numpyGenerator.ts.

Run from the repository root: python tools/reference/random_streams.py   (needs numpy)
"""
import hashlib
import json
from pathlib import Path

import numpy as np

MASK = 0xFFFFFFFF


def rotl(x, k):
    return ((x << k) | (x >> (32 - k))) & MASK


def xoshiro128starstar(state, count):
    """The published recurrence in Python's unbounded integers."""
    s = list(state)
    out = []
    for _ in range(count):
        out.append(rotl(s[1] * 5 & MASK, 7) * 9 & MASK)
        t = s[1] << 9 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 11)
    return out, s


def stream(seed, *names):
    text = json.dumps([seed, *names], separators=(",", ":"), ensure_ascii=False)
    words = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], "<u4")
    return [int(w) for w in words]


def main():
    streams = []
    for path in [(42,), (42, "init"), (42, "init", "psoft"), (42, "initpsoft"), (2**53 - 1, "é\"\\"), (0, "order")]:
        outputs, end = xoshiro128starstar(stream(*path), 1000)
        streams.append({"path": path, "first": outputs[:6], "sum": sum(outputs), "end": end})
    shuffles = []
    for count, seed in [(10, 42), (1043, 1), (1043, 2), (1043, 3), (5463, 0), (70000, 2**32 - 1), (1, 7), (0, 7)]:
        order = np.arange(count)
        np.random.RandomState(seed).shuffle(order)
        shuffles.append({
            "count": count,
            "seed": seed,
            "first": order[:10].tolist(),
            "sha256": hashlib.sha256(order.astype("<i4").tobytes()).hexdigest(),
        })
    permutations = []
    for count, seed in [(10, 42), (15119, 42), (1000, 0), (100000, 2**32 - 1), (1, 7), (0, 7)]:
        order = np.random.default_rng(seed).permutation(count)
        permutations.append({
            "count": count,
            "seed": seed,
            "first": order[:10].tolist(),
            "sha256": hashlib.sha256(order.astype("<i4").tobytes()).hexdigest(),
        })
    uniform = {str(seed): np.random.RandomState(seed).random_sample(5).tolist() for seed in (0, 42, 123456789)}
    known, _ = xoshiro128starstar([1, 2, 3, 4], 10)
    target = Path("packages/engine/test/fixtures/random.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"known": known, "streams": streams, "shuffles": shuffles, "permutations": permutations, "uniform": uniform}, indent=1) + "\n")


main()
