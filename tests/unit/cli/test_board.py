"""The table that a run shows: what it counts, and that it stays readable where there is little room."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from conftest import SMALL
from piescope.cli.board import Board
from piescope.study.parse import load_study
from piescope.study.plan import Plan, make_plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_study("digits"))


def printed(board: Board, width: int, rows: int = 50) -> str:
    sink = io.StringIO()
    Console(file=sink, width=width).print(board.table(width, rows))
    return sink.getvalue()


def row_of(text: str, method: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(method)).removeprefix(method).split()


def test_every_step_of_an_arm_is_counted_once(plan: Plan) -> None:
    text = printed(Board(plan, plan.steps), 80)
    counted = sum(int(cell.split("/")[1]) for line in text.splitlines()[1:] for cell in line.split() if "/" in cell)
    assert counted == sum(step.kind not in ("data", "project") for step in plan.steps)
    for item in plan.arms:
        assert f"{item.arm.objective} {item.arm.pruning}" in text


def test_steps_move_from_waiting_to_running_to_done_or_failed(plan: Plan) -> None:
    board, first = Board(plan, plan.steps), plan.arms[0]
    method = f"{first.arm.objective} {first.arm.pruning}"
    models = len(first.models)
    board.set(first.models[0], "done")
    board.set(first.models[1], "running")
    board.set(first.models[2], "failed")
    assert row_of(printed(board, 80), method)[:5] == [f"1/{models}", "1", "on", "1", "failed"]
    assert row_of(printed(Board(plan, []), 80), method)[0] == f"{models}/{models}"


def test_names_are_never_shortened_and_40_characters_suffice(plan: Plan) -> None:
    for width in (40, 80):
        text = printed(Board(plan, plan.steps), width)
        assert "…" not in text and max(map(len, text.splitlines())) <= width
        for item in plan.arms:
            assert f"{item.arm.objective} {item.arm.pruning}" in text, width


def test_where_not_all_methods_have_room_those_under_way_have_it(plan: Plan) -> None:
    board, last = Board(plan, plan.steps), plan.arms[-1]
    board.set(last.compare, "running")
    text = printed(board, 80, rows=2)
    methods = {f"{item.arm.objective} {item.arm.pruning}" for item in plan.arms}
    assert f"{last.arm.objective} {last.arm.pruning}" in text and f"and {len(methods) - 2} more" in text


def test_a_step_of_no_arm_is_no_part_of_it() -> None:
    plan = make_plan(load_study(str(SMALL)))
    board = Board(plan, plan.steps)
    before = printed(board, 80)
    board.set(plan.data, "done")
    assert printed(board, 80) == before
