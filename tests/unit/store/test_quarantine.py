"""What is set aside is moved whole and kept, with why."""

from __future__ import annotations

from pathlib import Path

from piescope.store import layout
from piescope.store.quarantine import set_aside

KEY = "0" * 32


def test_each_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = layout.artefact(tmp_path, "demo", KEY)
        folder.mkdir(parents=True)
        (folder / "a").write_text(str(number))
        assert set_aside(tmp_path, "demo", KEY, f"why {number}") == tmp_path / "quarantine" / f"demo-{KEY}-{number}"
        assert not folder.exists()
    for number in (1, 2):
        assert (tmp_path / "quarantine" / f"demo-{KEY}-{number}" / "a").read_text() == str(number)
        assert (tmp_path / "quarantine" / f"demo-{KEY}-{number}.txt").read_text() == f"why {number}\n"


def test_a_link_is_moved_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("mine")
    link = layout.artefact(tmp_path, "demo", KEY)
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    moved = set_aside(tmp_path, "demo", KEY, "why")
    assert moved is not None and moved.is_symlink() and not link.is_symlink()
    assert (elsewhere / "mine").read_text() == "mine"


def test_what_another_run_has_set_aside_is_left(tmp_path: Path) -> None:
    assert set_aside(tmp_path, "demo", KEY, "why") is None
    assert list(layout.quarantine(tmp_path).iterdir()) == []
