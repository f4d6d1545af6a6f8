"""Files that run code or take all memory: refused in a second, in little memory, and nothing of them is ever run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from made_attacks import LIES, calls_of, large_checkpoints, measured, running_checkpoints

YARDSTICKS, MEGABYTES = 4, 500
"""Half a second of a processor each, where the yardstick was made; of one process that reads one file after the other."""

READ_WEIGHTS = "from piescope.adapters.weights import read_state", "read_state(Path(name))"


def refused(paths: list[Path], how: tuple[str, str]) -> None:
    """Each file is refused, by its name and with a cure."""
    for path, (yardsticks, megabytes, said) in zip(paths, measured(paths, *how), strict=True):
        assert said.split(" ")[0].rstrip(":") == path.name, (path.name, said)
        assert " found " in said and " cure " in said, (path.name, said)
        assert yardsticks < YARDSTICKS, (path.name, yardsticks)
        assert megabytes < MEGABYTES, (path.name, megabytes)


@pytest.mark.sampled(3)
def test_checkpoints_are_measured_before_anything_is_allocated(tmp_path: Path) -> None:
    made = large_checkpoints(tmp_path)
    assert set(LIES) < set(made) and sum(path.stat().st_size for path in made.values()) < 50_000_000
    refused(list(made.values()), READ_WEIGHTS)


@pytest.mark.sampled(8, heavy=True)
def test_no_checkpoint_runs_anything(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    paths = list(running_checkpoints(tmp_path, mark))
    assert len(paths) > 75
    refused(paths, READ_WEIGHTS)
    assert not mark.exists()


def test_what_such_a_pickle_would_do_without_a_defence(tmp_path: Path) -> None:
    """The files are no dummies: torch's own door, wide open, runs them."""
    mark, path = tmp_path / "mark", tmp_path / "evil.pt"
    torch.save(calls_of(mark)["system"], path)
    torch.load(path, weights_only=False)
    assert mark.exists()
