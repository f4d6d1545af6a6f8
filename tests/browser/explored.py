"""The explorer in a tester's hands, and what it should show, computed from results/examples.parquet alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from pyarrow import parquet

from browser.watched import Watched, watched
from piescope.store import layout


class Expected:
    """Of each arm and level, what happened to each example."""

    def __init__(self, out: Path) -> None:
        table = parquet.read_table(layout.examples(out))
        columns = {name: np.array(table[name].to_pylist()) for name in table.column_names}
        keys = [
            f"{objective}/{pruning}"
            for objective, pruning in zip(columns["objective"], columns["pruning"], strict=True)
        ]
        self.of: dict[tuple[str, float], dict[str, np.ndarray]] = {}
        for key, level in dict.fromkeys(zip(keys, columns["sparsity"].tolist(), strict=True)):
            mine = (np.array(keys) == key) & (columns["sparsity"] == level)
            self.of[key, level] = {name: values[mine] for name, values in columns.items()}

    def ids(self, arm: str, level: float, kind: str = "", **more: Any) -> set[str]:
        """Ids of the examples that changed so.

        Args:
            arm: ``supcon/gmp``.
            level: sparsity.
            kind: ``lost``, ``won``, ``moved``; empty: any.
            more: ``label``: of this class; ``after``: said to be it; ``confirmed``; ``votes``: at least this share;
                ``kept``: an arm that still says what its dense models say, and rightly.
        """
        rows = self.of[arm, level]
        truth, before, after = rows["label"], rows["dense_label"], rows["pruned_label"]
        fits = {
            "lost": (before == truth) & (after != truth),
            "won": (before != truth) & (after == truth),
            "moved": (before != truth) & (after != truth) & (before != after),
            "": before != after,
        }[kind]
        if "label" in more:
            fits = fits & (truth == more["label"])
        if "before" in more:
            fits = fits & (before == more["before"]) & (after == more["after"])
        if more.get("confirmed"):
            fits = fits & rows["is_confirmed"]
        if "votes" in more:
            fits = fits & (rows["pruned_agreement"] >= more["votes"] - 1e-9)
        if "kept" in more:
            other = self.of[more["kept"], level]
            same = other["dense_label"] == other["pruned_label"]
            fits = fits & same & ((other["pruned_label"] == truth) | (kind != "lost"))
        return set(rows["example_id"][fits].tolist())


@dataclass
class Explored:
    """A page whose explorer stands."""

    seen: Watched

    @property
    def page(self) -> Any:
        return self.seen.page

    def hash(self) -> dict[str, str]:
        """The state that the address has."""
        parts = (part.partition("=") for part in self.page.evaluate("location.hash")[1:].split("&") if part)
        return {key: unquote(value) for key, _, value in parts}

    def rows(self) -> list[dict[str, str]]:
        """What is chosen, as it is saved."""
        with self.page.expect_download() as saved:
            self.page.get_by_role("button", name="Save as CSV").click()
        return list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text(encoding="utf-8"), newline="")))

    def ids(self) -> set[str]:
        """Of what is chosen."""
        return {row["id"] for row in self.rows()}

    def said(self) -> str:
        """The sentence above the wall."""
        return self.page.locator("#wall .x-said").inner_text()

    def opened(self) -> Any:
        """The panel of one example."""
        return self.page.locator(".x-panel")

    def chip(self, group: str, name: str) -> Any:
        """A chip of a group."""
        return self.page.get_by_role("group", name=group).get_by_role("button", name=name)

    def open_first(self, how: str = "click") -> None:
        """Opens the first example of the wall, by click or tap."""
        canvas = self.page.locator("#wall canvas")
        canvas.scroll_into_view_if_needed()
        getattr(canvas, how)(position={"x": 30, "y": 20})


@contextmanager
def explored(browser: Any, path: Path, after: str = "", **options: Any) -> Iterator[Explored]:
    """A page, opened, its explorer ready; afterwards nothing may have been said or asked for."""
    with watched(browser, path, after, **options) as seen:
        seen.page.wait_for_selector("html.x-ready")
        yield Explored(seen)
        seen.assert_quiet()
