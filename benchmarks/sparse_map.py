"""Measure the map of subjects: updates in batches, beside the bare hash rate of the same run.

Run: python benchmarks/sparse_map.py [largest number of subjects, default 1,000,000]
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections import ChainMap
from collections.abc import MutableMapping
from hashlib import sha256

from benchmarks.support.report import record
from chemtrace.core.map_pages import SparseMap

SIZES = (10_000, 100_000, 1_000_000)
BATCHES = (100, 1_000, 10_000)
ROUNDS = 5


def hash_rate() -> float:
    """SHA-256 of 65 bytes a second, as an inner node needs it; best of three."""
    left, right, best = bytes(32), bytes(32), 0.0
    for _ in range(3):
        start = time.process_time()
        for _ in range(200_000):
            sha256(b"\x01" + left + right).digest()
        best = max(best, 200_000 / (time.process_time() - start))
    return best


def filled(keys: list[bytes], pages: dict[str, bytes], cache_pages: int) -> SparseMap:
    """A map with a value for each key, all pages written."""
    map_ = SparseMap(pages.get, cache_pages=cache_pages)
    for start in range(0, len(keys), 50_000):
        map_.update(dict.fromkeys(keys[start : start + 50_000], bytes(32)))
        pages.update(map_.take_dirty())
    return map_


def measure(
    map_: SparseMap, keys: list[bytes], batch: int, pages: MutableMapping[str, bytes]
) -> dict[str, float]:
    """Updates of random subjects: rate without and with encoding, hashes an update, pages and bytes written."""
    draw = random.Random(batch)
    update_s = encode_s = math.inf
    hashes, dirty = 0.0, dict[str, bytes]()
    for _ in range(ROUNDS):
        changes = {key: draw.randbytes(32) for key in draw.sample(keys, batch)}
        before, start = map_.hashes, time.process_time()
        map_.update(changes)
        middle = time.process_time()
        dirty = map_.take_dirty()
        update_s = min(update_s, middle - start)
        encode_s = min(encode_s, time.process_time() - middle)
        hashes = (map_.hashes - before) / batch
        pages.update(dirty)
    return {
        "updates_per_s": batch / update_s,
        "encoded_updates_per_s": batch / (update_s + encode_s),
        "hashes": hashes,
        "hash_ratio": hashes / (math.log2(len(keys)) - math.log2(batch) + 3),
        "bytes": sum(map(len, dirty.values())) / batch,
    }


def main() -> None:
    """Measure every size and batch; the largest size also with pages read from a store and no cache to speak of."""
    largest = int(sys.argv[1].replace(",", "").replace("_", "")) if len(sys.argv) > 1 else SIZES[-1]
    rate = hash_rate()
    figures: dict[str, float] = {"hash_rate": rate}
    for size in [size for size in SIZES if size <= largest]:
        keys = [sha256(number.to_bytes(8, "big")).digest() for number in range(size)]
        pages: dict[str, bytes] = {}
        kept = filled(keys, pages, cache_pages=1 << 30)
        for batch in BATCHES:
            for name, value in measure(kept, keys, batch, pages).items():
                figures[f"{size}_{batch}_{name}"] = value
            figures[f"{size}_{batch}_share"] = (
                figures[f"{size}_{batch}_updates_per_s"] * figures[f"{size}_{batch}_hashes"] / rate
            )
            shelf: ChainMap[str, bytes] = ChainMap({}, pages)
            cold = measure(SparseMap(shelf.get, cache_pages=256), keys, batch, shelf)
            figures[f"{size}_{batch}_stored_share"] = cold["encoded_updates_per_s"] * cold["hashes"] / rate
    record("sparse_map", figures)


if __name__ == "__main__":
    main()
