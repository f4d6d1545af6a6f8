"""What an audit costs, each time beside what one would write instead. Whole processes; ratios are of one round.

python benchmarks/audits.py small [--runs 5]          two label files of 10,000 rows
python benchmarks/audits.py counts [--runs 5]         PIEs of 30 + 30 models, 10,000 examples: loops, pandas, DuckDB
python benchmarks/audits.py labels [--runs 3]         1,000,000 examples x 60 models of labels
python benchmarks/audits.py logits [--runs 1]         50,000 x 60 x 1,000 half-precision logits, 6 GB, made on the way
python benchmarks/audits.py memory                    peak memory against the number of examples
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PIESCOPE = str(Path(sys.executable).with_name("piescope"))

AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once, as on a user's machine, whatever this one has set: else each start compiles them anew."""

PANDAS_ACCURACY = """
import sys, pandas as pd
dense, compressed, labels = (pd.read_csv(name, index_col="id") for name in sys.argv[1:])
both = dense.join(compressed, lsuffix="_dense", rsuffix="_compressed").join(labels)
lost = (both.prediction_dense == both.label) & (both.prediction_compressed != both.label)
print(len(both), lost.sum(), (both.prediction_dense != both.prediction_compressed).sum())
"""

NUMPY_PIES = """
import sys, numpy as np
from scipy import stats
dense, compressed, truth = (np.load(name) for name in sys.argv[1:])
one, other = (stats.mode(side, axis=0).mode for side in (dense, compressed))
print((one != other).sum(), ((one == truth) & (other != truth)).sum())
"""

NUMPY_LOGITS = """
import sys, numpy as np
truth = np.load(sys.argv[1])
names = sys.argv[2:]
half = len(names) // 2
modal = []
for side in (names[:half], names[half:]):
    labels = np.stack([np.load(name, mmap_mode="r").argmax(1) for name in side])
    votes = np.zeros((len(truth), 1000), np.int32)
    for row in labels:
        votes[np.arange(len(truth)), row] += 1
    modal.append(votes.argmax(1))
print((modal[0] != modal[1]).sum(), ((modal[0] == truth) & (modal[1] != truth)).sum())
"""


def run(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak resident memory in GB, and what was printed."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=AS_INSTALLED)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - began
        said.seek(0)
        text = said.read().decode()
    assert os.waitstatus_to_exitcode(status) == 0, text
    return taken, usage.ru_maxrss / 1e6, text


def compared(name: str, ours: list[str], other_name: str, other: list[str], runs: int) -> None:
    rounds = [(run(ours), run(other)) for _ in range(runs)]
    for what, place in ((name, 0), (other_name, 1)):
        taken = [pair[place][0] for pair in rounds]
        memory = max(pair[place][1] for pair in rounds)
        print(
            f"{what:44} {statistics.median(taken):7.2f} s ({min(taken):.2f} to {max(taken):.2f}, n = {runs}), {memory:.2f} GB"
        )
    ratios = [one[0] / two[0] for one, two in rounds]
    print(f"{'ratio':44} {statistics.median(ratios):7.2f}   ({min(ratios):.2f} to {max(ratios):.2f})")


def labels_of(
    random: np.random.Generator, truth: np.ndarray, hardness: np.ndarray, models: int, noise: float
) -> np.ndarray:
    """``[models, examples]``: the harder an example, the more models take it for one of three other classes."""
    wrong = random.random((models, len(truth)), np.float32) < hardness * noise
    other = (truth + 1 + random.integers(0, 3, (models, len(truth)), dtype=np.uint8)) % 10
    return np.where(wrong, other, truth).astype(np.uint8)


def population(examples: int, models: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 10, examples, dtype=np.uint8)
    hardness = random.beta(0.5, 2.0, examples).astype(np.float32)  # most are easy, some are lost by nearly all
    dense, compressed = (labels_of(random, truth, hardness, models, noise) for noise in (0.85, 1.0))
    return truth, dense, compressed


def small(folder: Path, runs: int) -> None:
    import pandas as pd

    truth, dense, compressed = population(10_000, 1)
    ids = pd.Index([f"test-{row:05d}" for row in range(10_000)], name="id")
    columns = {
        "dense": ("prediction", dense[0]),
        "compressed": ("prediction", compressed[0]),
        "labels": ("label", truth),
    }
    for name, (column, values) in columns.items():
        pd.DataFrame({column: values}, index=ids).to_csv(folder / f"{name}.csv")
    files = [str(folder / f"{name}.csv") for name in ("dense", "compressed", "labels")]
    ours = [PIESCOPE, "audit", files[0], files[1], "--labels", files[2], "--out", str(folder / "out")]
    other = [sys.executable, "-c", PANDAS_ACCURACY, *files]
    compared("piescope audit, 10,000 rows", ours, "pandas: three counts of it", other, runs)


def counts(_folder: Path, runs: int) -> None:
    import duckdb
    import pandas as pd

    from piescope import pie_mask

    _, dense, compressed = population(10_000, 30)
    frames = [pd.DataFrame(side.T) for side in (dense, compressed)]
    examples, models = np.indices(dense.T.shape)
    long = pd.concat(
        [
            pd.DataFrame({"side": name, "example": examples.ravel(), "model": models.ravel(), "label": side.T.ravel()})
            for name, side in (("dense", dense), ("compressed", compressed))
        ]
    )
    connection = duckdb.connect()
    connection.register("long", long)
    connection.execute("create table votes as select * from long")
    query = """
        with counted as (select side, example, label, count(*) as n from votes group by all),
        modal as (select side, example, arg_max(label, n * 100 - label) as label from counted group by all)
        select count(*) from modal a join modal b using (example) where a.side = 'dense' and b.side = 'compressed' and a.label != b.label
    """

    def loops() -> int:
        pies = 0
        for example in range(dense.shape[1]):
            modal = []
            for side in (dense, compressed):
                votes: dict[int, int] = {}
                for model in range(side.shape[0]):
                    label = int(side[model, example])
                    votes[label] = votes.get(label, 0) + 1
                most = max(votes.values())
                modal.append(min(label for label, count in votes.items() if count == most))
            pies += modal[0] != modal[1]
        return pies

    ways = {
        "piescope.pie_mask": lambda: int(pie_mask(dense, compressed, 10).sum()),
        "plain loops": loops,
        "pandas: frame.mode(axis=1)": lambda: int((frames[0].mode(axis=1)[0] != frames[1].mode(axis=1)[0]).sum()),
        "DuckDB: one query": lambda: int(connection.execute(query).fetchall()[0][0]),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    pies = {name: way() for name, way in ways.items()}
    assert len(set(pies.values())) == 1, pies
    for _ in range(runs):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - began)
    for name, times in taken.items():
        ratios = [other / own for other, own in zip(times, taken["piescope.pie_mask"], strict=True)]
        print(
            f"{name:28} {1000 * statistics.median(times):9.1f} ms, {statistics.median(ratios):7.1f} x ({min(ratios):.1f} to {max(ratios):.1f}, n = {runs})"
        )


def labels(folder: Path, runs: int) -> None:
    truth, dense, compressed = population(1_000_000, 30)
    files = [str(folder / f"{name}.npy") for name in ("dense", "compressed", "labels")]
    for name, values in zip(files, (dense, compressed, truth), strict=True):
        np.save(name, values)
    ours = [PIESCOPE, "audit", files[0], files[1], "--labels", files[2], "--out", str(folder / "out")]
    other = [sys.executable, "-c", NUMPY_PIES, *files]
    compared("piescope audit, 1,000,000 x 60 labels", ours, "numpy and scipy.stats.mode: two counts", other, runs)


def logits(folder: Path, runs: int) -> None:
    random = np.random.default_rng(0)
    examples, classes, models = 50_000, 1000, 60
    truth = random.integers(0, classes, examples)
    np.save(folder / "labels.npy", truth)
    hardness = random.beta(0.5, 2.0, examples).astype(np.float32)
    files = []
    for model in range(models):
        side = "dense" if model < models // 2 else "compressed"
        (folder / side).mkdir(exist_ok=True)
        scores = random.standard_normal((examples, classes), np.float32)
        scores[np.arange(examples), truth] += 9 * (1 - hardness * (1.0 if side == "dense" else 1.15))
        files.append(str(folder / side / f"seed{model % 30:02d}.npy"))
        np.save(files[-1], scores.astype(np.float16))
    print(f"made {sum(Path(name).stat().st_size for name in files) / 1e9:.1f} GB")
    dense, compressed, labels, out = (str(folder / name) for name in ("dense", "compressed", "labels.npy", "out"))
    ours = [PIESCOPE, "audit", dense, compressed, "--labels", labels, "--out", out]
    other = [sys.executable, "-c", NUMPY_LOGITS, str(folder / "labels.npy"), *files]
    compared("piescope audit, 50,000 x 60 x 1,000 logits", ours, "numpy: two counts", other, runs)


def memory(folder: Path, _runs: int) -> None:
    for examples in (100_000, 400_000, 1_600_000):
        truth, dense, compressed = population(examples, 10)
        for kind in ("labels", "ids"):
            files = [str(folder / f"{name}.npz") for name in ("dense", "compressed")]
            for name, values in zip(files, (dense, compressed), strict=True):
                extra = {"ids": np.arange(examples)} if kind == "ids" else {}
                np.savez(name, predictions=values, labels=truth, **extra)
            taken, peak, _ = run([PIESCOPE, "audit", *files, "--out", str(folder / f"out-{kind}")])
            print(
                f"{examples:>9,} examples, {'matched by id' if kind == 'ids' else 'matched by row':14} {taken:6.1f} s, {peak:.2f} GB"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = {
        "small": (small, 5),
        "counts": (counts, 5),
        "labels": (labels, 3),
        "logits": (logits, 1),
        "memory": (memory, 1),
    }
    parser.add_argument("what", choices=ways)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--folder", type=Path, help="for large files; default: a temporary one")
    arguments = parser.parse_args()
    measure, runs = ways[arguments.what]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        measure(Path(folder), arguments.runs or runs)


if __name__ == "__main__":
    main()
