"""Output that nobody takes ends no command, and why it was lost is known."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from piescope.cli.outlets import SHOWN, Outlet, Printed, _allowed, lost_output

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


def printed(allowed: str, *texts: str) -> bytes:
    """What is written of texts, one after the other."""
    place = io.BytesIO()
    stream = Printed(place, "utf-8", "replace", newline="\n", write_through=True)
    stream.allowed = SHOWN[allowed]
    assert [stream.write(text) for text in texts] == [len(text) for text in texts]
    return place.getvalue()


def test_the_last_gate_lets_pass_what_the_stream_shows() -> None:
    text = "a\t\x1b[1;31mred\x1b[0m \x1b[2K\r\x1b]0;title\x07\u202eb\n"
    assert printed("nothing", text) == rb"a" b"\t" rb"\x1b[1;31mred\x1b[0m \x1b[2K\r\x1b]0;title\x07\u202eb" b"\n"
    assert printed("colours", text).startswith(b"a\t\x1b[1;31mred\x1b[0m " + rb"\x1b[2K\r")
    assert printed("everything", text) == b"a\t\x1b[1;31mred\x1b[0m \x1b[2K\r" + rb"\x1b]0;title\x07\u202eb" + b"\n"


def test_a_command_that_comes_in_pieces() -> None:
    assert printed("nothing", ":", ":error", "::x\n", "a::b\n") == b":\\x3aerror::x\na::b\n"
    assert printed("nothing", "#", "#", "vso[x", "]") == b"##\\x76so[x]"
    assert printed("nothing", "  ", "::x", " ::y") == b"  \\x3a:x ::y"
    assert printed("nothing", "word " * 100, "::x\n", "::y") == b"word " * 100 + b"::x\n\\x3a:y"
    assert printed("nothing", "w" * 1000, "#", "#[error]") == b"w" * 1000 + b"#\\x23[error]"


def test_where_colours_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "GITHUB_ACTIONS", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    with Path(os.devnull).open() as nobody:
        assert _allowed(nobody) is SHOWN["nothing"]
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        assert _allowed(nobody) is SHOWN["colours"]
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert _allowed(nobody) is SHOWN["everything"]
