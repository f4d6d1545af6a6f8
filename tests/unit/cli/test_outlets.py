"""Output that nobody takes ends no command, and why it was lost is known."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from piescope.cli.outlets import Outlet, lost_output

FULL = Path("/dev/full")


def test_what_is_taken_is_written(tmp_path: Path) -> None:
    with Outlet(tmp_path / "out", "wb") as outlet:
        assert outlet.write(b"abc") == 3 and outlet.failure is None
    assert (tmp_path / "out").read_bytes() == b"abc"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_remembered_and_writing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with Outlet(FULL, "wb") as outlet:
        assert (outlet.write(b"abc"), outlet.write(b"de")) == (3, 2)
        failure = outlet.failure
        assert failure is not None
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(outlet), write_through=True))
        assert lost_output() is failure
        monkeypatch.undo()


def test_a_reader_that_has_read_enough_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    end, start = os.pipe()
    os.close(end)
    with Outlet(start, "wb") as outlet:
        assert outlet.write(b"abc") == 3 and isinstance(outlet.failure, BrokenPipeError)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(outlet), write_through=True))
        assert lost_output() is None
        monkeypatch.undo()
