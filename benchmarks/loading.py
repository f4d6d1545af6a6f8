"""How long CIFAR-10's 60,000 images take to load from the binary layout, hashes checked: n loads in one process.

python benchmarks/loading.py DIR [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from piescope.data.sources import load_source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    taken = []
    for _ in range(arguments.runs):
        began = time.perf_counter()
        splits = load_source("cifar10", arguments.directory)
        taken.append(time.perf_counter() - began)
        assert len(splits.train) + len(splits.test) == 60_000
    print(f"median {statistics.median(taken):.2f} s, {min(taken):.2f} to {max(taken):.2f} s, n = {len(taken)}")


if __name__ == "__main__":
    main()
