"""Every artefact is compared once, also over an interruption; what was damaged is named each time."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

import piescope.store.verifying as verifying
from made_stores import MADE, make_all, small_plan
from piescope.store import layout
from piescope.store.soundness import Glance
from piescope.store.verifying import verified

PLAN = small_plan()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    make_all(PLAN, tmp_path)
    return tmp_path


@pytest.fixture
def hashed_folders(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The artefacts whose bytes were read."""
    folders: list[Path] = []
    real = verifying.hashed

    def counted(folder: Path, seen: Glance, every: bool) -> Glance:
        folders.append(folder)
        return real(folder, seen, every)

    monkeypatch.setattr(verifying, "hashed", counted)
    return folders


def test_all_are_read_and_counted(out: Path, hashed_folders: list[Path]) -> None:
    heard: list[int] = []
    found = list(verified(out, 2, heard.append))
    assert len(found) == len(PLAN.steps) == len(set(hashed_folders))
    assert not any(one.fault or one.before for one in found)
    assert sum(heard) == sum(one.bytes for one in found) == sum(path.stat().st_size for path in out.rglob(MADE))
    assert not layout.verifying(out).exists()


def test_an_interrupted_one_is_taken_up(out: Path, hashed_folders: list[Path]) -> None:
    first = verified(out, 1, lambda _: None)
    done = [one.folder for one in islice(first, 10)]
    first.close()
    changed, damaged = done[3] / MADE, done[5] / MADE
    changed.write_bytes(changed.read_bytes())
    damaged.write_bytes(damaged.read_bytes()[:-1] + b" ")
    with layout.verifying(out).open("a") as file:
        file.write("torn")
    hashed_folders.clear()
    found = list(verified(out, 1, lambda _: None))
    assert [one.folder for one in found if one.before] == [one for one in done if one not in (done[3], done[5])]
    assert [one.folder for one in found if one.fault] == [done[5]]
    assert len(hashed_folders) == len(found) - sum(one.before for one in found)
    hashed_folders.clear()
    assert sum(bool(one.fault) for one in verified(out, 1, lambda _: None)) == 1
    assert len(hashed_folders) == len(found)  # what was finished starts anew


def test_a_note_with_a_flipped_bit_counts_for_nothing(out: Path) -> None:
    first = verified(out, 1, lambda _: None)
    next(first), next(first), first.close()
    content, noted = layout.verifying(out).read_bytes(), verifying._noted(layout.verifying(out))
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1
        layout.verifying(out).write_bytes(flipped)
        assert verifying._noted(layout.verifying(out)) < noted


def test_what_cannot_be_read_is_named(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path, seen: Glance, every: bool) -> Glance:
        raise OSError(5, "Input/output error", str(folder / MADE))

    monkeypatch.setattr(verifying, "hashed", fails)
    assert {one.fault.split(": ")[1] for one in verified(out, 1, lambda _: None)} == {"Input/output error"}
