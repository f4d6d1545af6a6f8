"""What `make test` leaves out today it runs on another day."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import MANY_CASES, pytest_collection_modifyitems


class Item:
    def __init__(
        self, nodeid: str, fixtures: tuple[str, ...] = (), **marks: tuple[tuple[int, ...], dict[str, bool]]
    ) -> None:
        self.nodeid, self.fixturenames, self.path = nodeid, fixtures, Path("/root") / nodeid.split("::")[0]
        self.marks = {
            name: getattr(pytest.mark, name)(*args, **options).mark for name, (args, options) in marks.items()
        }

    def get_closest_marker(self, name: str) -> Any:
        return self.marks.get(name)


class Config:
    """As much of pytest's as the selection asks."""

    rootpath = Path("/root")

    def __init__(self) -> None:
        self.hook, self.left_out = self, 0

    def pytest_deselected(self, items: list[Item]) -> None:
        self.left_out = len(items)


def made() -> list[Item]:
    plain = [Item(f"tests/unit/measure/test_a.py::test_{number}") for number in range(5)]
    cases = [Item(f"tests/unit/measure/test_a.py::test_cases[{case}]") for case in range(MANY_CASES + 5)]
    few = [Item(f"tests/unit/measure/test_a.py::test_few[{case}]") for case in range(MANY_CASES - 1)]
    heavy = [Item(f"tests/unit/test_{n}.py::test_heavy", sampled=((8,), {"heavy": True})) for n in range(40)]
    of_file = [Item(f"tests/unit/test_f.py::test_{n}", sampled=((3,), {"of_file": True})) for n in range(7)]
    own = [Item(f"tests/oracle/test_o.py::test_own[{n}]", sampled=((4,), {})) for n in range(9)]
    simulations = [Item(f"tests/oracle/test_o.py::test_s{n}", simulation=((), {})) for n in range(9)]
    commands = [Item(f"tests/cli/test_c.py::test_{n}") for n in range(9)]
    lone = [Item("tests/cli/test_lone.py::test_lone")]
    return [*plain, *cases, *few, *heavy, *of_file, *own, *simulations, *commands, *lone]


def test_each_test_runs_on_some_day_and_as_often_as_it_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIESCOPE_TESTS", "sample")
    always = [
        Item("tests/cli/test_c.py::test_real", fixtures=("tmp_path", "cifar10")),
        Item("tests/browser/test_b.py::test_skipped", skip=((), {})),
    ]
    ran: Counter[str] = Counter()
    for day in range(739_950, 739_974):
        monkeypatch.setenv("PIESCOPE_DAY", str(day))
        items: list[Any] = [*made(), *always]
        config: Any = Config()
        pytest_collection_modifyitems(config, items)
        assert len(items) + config.left_out == len(made()) + len(always)
        assert set(always) <= set(items)
        ran.update(item.nodeid for item in items)
    often = {name.partition("::")[2].partition("[")[0]: count for name, count in ran.items()}
    assert {item.nodeid for item in made()} <= set(ran)
    assert (often["test_few"], often["test_cases"], often["test_heavy"], often["test_own"]) == (24, 8, 3, 6)
    assert (often["test_s3"], often["test_lone"]) == (6, 8)
    assert {ran[f"tests/unit/test_f.py::test_{n}"] for n in range(7)} == {8}
    assert {ran[f"tests/cli/test_c.py::test_{n}"] for n in range(9)} == {8}


def test_elsewhere_all_of_them_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIESCOPE_TESTS", raising=False)
    items: list[Any] = list(made())
    config: Any = Config()
    pytest_collection_modifyitems(config, items)
    assert len(items) == len(made())
