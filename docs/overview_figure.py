"""Draws the figure of docs/paper.md from a finished run of the digits study: overview_figure.py DIR OUT.svg."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from matplotlib import pyplot

from piescope.report.layout.canvas import LOOKS, styled
from piescope.report.layout.palette import OBJECTIVES
from piescope.report.study.results import load_results
from piescope.report.study.words import family_name

LINES = {"gmp": "-", "delayed_gmp": "--", "one_shot": ":"}
MARKERS = {"gmp": "o", "delayed_gmp": "s", "one_shot": "^"}
SHOWN = 8


def main(directory: Path, target: Path) -> None:
    """PIE counts against sparsity, and a few of the lost digits."""
    results = load_results(directory)
    assert results is not None
    with (directory / "results" / "tables" / "pies.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["pruning"] in LINES]  # no dense, no controls
    examples = parquet.read_table(directory / "results" / "examples.parquet").to_pylist()
    with styled(LOOKS["paper"]):
        figure = pyplot.figure(figsize=(9, 2.9), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25])
        axes = left.subplots()
        for family in dict.fromkeys((row["objective"], row["pruning"]) for row in rows):
            points = [
                (100 * float(r["sparsity"]), int(r["pies"])) for r in rows if (r["objective"], r["pruning"]) == family
            ]
            axes.plot(
                *np.array(points).T, LINES[family[1]], marker=MARKERS[family[1]], markersize=4,
                color=OBJECTIVES[family[0]].light, linewidth=1.2, label=family_name(*family),
            )  # fmt: skip
        axes.set_xlabel("weights removed (%)")
        axes.set_ylabel(f"PIEs among {len(results.labels)} test digits")
        axes.legend(frameon=False)
        axes.set_title("How many examples are forgotten")
        right.suptitle("Which: SupCon / GMP, 90 % removed", fontsize=8)
        lost = [
            row for row in examples
            if (row["objective"], row["pruning"], row["sparsity"]) == ("supcon", "gmp", 0.9)
            and row["is_pie"] and row["dense_label"] == row["label"]
        ]  # fmt: skip
        lost.sort(key=lambda row: -(row["dense_agreement"] + row["pruned_agreement"]))
        ids = {name: index for index, name in enumerate(results.data.ids)}
        for panel, row in zip(right.subplots(2, SHOWN // 2).ravel(), lost, strict=False):
            panel.imshow(results.images[ids[row["example_id"]]][0], cmap="gray")
            panel.set_title(f"dense {row['dense_label']}, pruned {row['pruned_label']}", fontsize=7)
            panel.axis("off")
        figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
