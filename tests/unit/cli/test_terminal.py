"""What the system refuses is told with where it was, and with what can be done about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from piescope.cli.terminal import memory_of_cards, told_of_system


def test_each_card_has_a_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    sizes = [80 << 30, 40 << 30]
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda card: SimpleNamespace(total_memory=sizes[card]))
    assert memory_of_cards("cuda") == sizes
    assert memory_of_cards("cpu") == []


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.ENOSPC, "make room there, or choose another place"),
        (errno.EDQUOT, "make room there, or choose another place"),
        (errno.EFBIG, "raise the limit of a file's size (ulimit -f), or choose another place"),
        (errno.EACCES, "make it writable, or choose another place"),
        (errno.EROFS, "make it writable, or choose another place"),
    ],
)
def test_what_the_system_refuses(code: int, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path / "cache"))
    said = os.strerror(code)
    assert told_of_system(OSError(code, said, "out/report.html")) == f"out/report.html: {said}; {cure}"
    in_cache = told_of_system(OSError(code, said, str(tmp_path / "cache" / "images" / "a.npy")))
    beside = told_of_system(OSError(code, said, str(tmp_path / "cached" / "a.npy")))
    variable = f"let the variable PIESCOPE_CACHE name another folder than {tmp_path / 'cache'}"
    assert in_cache.endswith(cure.replace("choose another place", variable)) and beside.endswith(cure)
    assert "the system" in told_of_system(OSError(code, said)) or "a temporary file" in told_of_system(
        OSError(code, said)
    )
