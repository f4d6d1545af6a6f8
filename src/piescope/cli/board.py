"""The table that a run shows while it works: arms x kinds of steps, how many are done, running and failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from rich.table import Table
from rich.text import Text

from piescope.study.plan import Plan, Ref, Step

State = Literal["waiting", "running", "failed", "done"]

COLUMNS = {"train": "models", "finetune": "models", "predict": "predicted", "depth": "depths", "compare": "compared"}
"""The column of a kind of step that belongs to an arm; models are trained or fine-tuned."""

ROOM_FOR_COLUMNS = 70
"""Characters of a terminal from which on each kind of step has its column; below that, one has all."""


class Board:
    """Counts the steps of each method (arms of an objective and a pruning, all sparsities together).

    Args:
        plan: all steps.
        left: those that are not done.
    """

    def __init__(self, plan: Plan, left: Iterable[Step]) -> None:
        self._place = _places(plan)
        self._rows = list(dict.fromkeys(row for row, _ in self._place.values()))
        waiting = {step.ref for step in left}
        self._state: dict[Ref, State] = {
            step.ref: "waiting" if step.ref in waiting else "done" for step in plan.steps if step.ref in self._place
        }

    def set(self, step: Step, state: State) -> None:
        """A step stands elsewhere now."""
        if step.ref in self._state:
            self._state[step.ref] = state

    def table(self, width: int, rows: int) -> Table:
        """As it stands, for so many characters and methods; where not all have room, those that still have work."""
        counts: dict[tuple[str, str], Counter[str]] = {}
        for ref, (row, column) in self._place.items():
            for name in (column, "steps"):
                counts.setdefault((row, name), Counter())[self._state[ref]] += 1
        columns = list(dict.fromkeys(COLUMNS.values())) if width >= ROOM_FOR_COLUMNS else ["steps"]
        columns = [name for name in columns if any((row, name) in counts for row in self._rows)]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", overflow="fold")
        for name in columns:
            table.add_column(name, no_wrap=True)
        for row in self._shown(counts, rows):
            table.add_row(Text(row), *(_cell(counts.get((row, name))) for name in columns))
        hidden = len(self._rows) - min(rows, len(self._rows))
        if hidden:
            table.add_row(Text(f"and {hidden} more", "dim"))
        return table

    def _shown(self, counts: dict[tuple[str, str], Counter[str]], rows: int) -> list[str]:
        """As many as have room, in the plan's order: first those under way or failed, then what waits."""

        def urgency(row: str) -> int:
            states = counts[row, "steps"]
            return 0 if states["running"] or states["failed"] else 1 if states["waiting"] else 2

        chosen = sorted(self._rows, key=urgency)[:rows]
        return [row for row in self._rows if row in chosen]


def _places(plan: Plan) -> dict[Ref, tuple[str, str]]:
    """Row and column of each step that belongs to an arm; of two names for one method, the first."""
    rows: dict[Ref, str] = {}
    for item in plan.arms:
        for step in (*item.models, item.compare):
            rows.setdefault(step.ref, f"{item.arm.objective} {item.arm.pruning}")
    places = {}
    for step in plan.steps:
        of_model = step.parents.get("model", ()) if step.kind in ("predict", "depth") else ()
        row = rows.get(step.ref) or next((rows[ref] for ref in of_model if ref in rows), None)
        if row is not None:
            places[step.ref] = row, COLUMNS[step.kind]
    return places


def _cell(states: Counter[str] | None) -> Text:
    """``12/30``, and what is under way or failed."""
    if states is None:
        return Text("")
    text = Text(f"{states['done']}/{states.total()}", "green" if states["done"] == states.total() else "")
    if states["running"]:
        text.append(f" {states['running']} on", "bold")
    if states["failed"]:
        text.append(f" {states['failed']} failed", "bold red")
    return text
