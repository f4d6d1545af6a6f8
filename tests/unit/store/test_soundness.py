"""Artefacts that are not as they were written: a look shows it, or a hash does, whatever was done to them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from piescope.store import layout
from piescope.store.artefacts import CorruptArtefactError, Store
from piescope.store.durable import as_json
from piescope.store.soundness import Glance, hashed, look

KEY, OTHER = "0" * 32, "1" * 32
FILES = {"a.json": as_json({"n": 1}), "b.safetensors": bytes(range(256)) * 4}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an artefact; beside it is another, of the same sizes."""
    for key, letter in ((KEY, b"1"), (OTHER, b"2")):
        files = {name: content.replace(b"1", letter) for name, content in FILES.items()}
        Store(tmp_path).write("demo", key, files, "a demo", {})
    return layout.artefact(tmp_path, "demo", KEY)


def whole(folder: Path) -> Glance:
    return hashed(folder, look(folder), every=True)


def test_as_it_was_written(folder: Path) -> None:
    assert look(folder).manifest is not None and look(folder) == whole(folder)
    assert look(folder.with_name("2" * 32)) == Glance(None)


def zero_tail(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-5] + bytes(5))


def swap(path: Path) -> None:
    other = path.parent.with_name(OTHER) / path.name
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)


def exchange(path: Path) -> None:
    """Swaps by renames: no byte and no other stamp changes."""
    other = path.parent.with_name(OTHER) / path.name
    path.rename(path.with_name("x"))
    other.rename(path)
    path.with_name("x").rename(other)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_link(path: Path) -> None:
    """To a file of the same size that is older than the manifest."""
    path.unlink()
    path.symlink_to(path.parent.with_name(OTHER) / path.name)


def become_a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE: list[Callable[[Path], None]] = [
    zero_tail, swap, exchange, become_a_folder, become_a_link, become_a_loop, become_a_pipe, Path.unlink,
    lambda path: os.truncate(path, path.stat().st_size - 1), lambda path: os.truncate(path, 0),
    lambda path: os.truncate(path, 10**12), lambda path: path.write_bytes(b"[]"), lambda path: path.write_bytes(b"[" * 10**5),
]  # fmt: skip


@pytest.mark.parametrize("name", [*FILES, layout.MANIFEST])
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_damage_is_found_at_once_and_before_use(folder: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(folder / name)
    found = hashed(folder, look(folder), every=False)  # what a run does before any work
    assert found.manifest is None and name in found.fault
    store = Store(folder.parents[2])
    with pytest.raises(CorruptArtefactError, match=name):
        store.load("demo", KEY).read(name if name in FILES else "a.json")


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_of_any_byte_is_found_before_use(folder: Path, name: str) -> None:
    artefact = Store(folder.parents[2]).load("demo", KEY)
    with (folder / name).open("r+b") as file:
        for place in range(len(FILES[name])):
            flipped = FILES[name][place] ^ 1 << place % 8
            os.pwrite(file.fileno(), bytes([flipped]), place)
            with pytest.raises(CorruptArtefactError, match="SHA-256"):
                artefact.read(name)
            os.pwrite(file.fileno(), FILES[name][place : place + 1], place)
    assert artefact.read(name) == FILES[name]


def test_what_a_read_finds_damaged_the_next_look_hashes(folder: Path) -> None:
    (folder / "a.json").write_bytes(as_json({"n": 3}))
    (folder / layout.MANIFEST).touch()  # no stamp shows it
    assert look(folder).changed == ()
    with pytest.raises(CorruptArtefactError):
        Store(folder.parents[2]).load("demo", KEY).read("a.json")
    assert look(folder).changed == ("a.json",)


def test_a_copy_is_hashed_once(folder: Path, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copyfile(folder / name, folder / "copy")
        (folder / "copy").replace(folder / name)
    assert set(look(folder).changed) == set(FILES)
    assert hashed(folder, look(folder), every=False).manifest is not None
    assert look(folder).changed == ()


def test_an_artefact_in_the_place_of_another_is_found(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name(OTHER), folder)
    assert "that of another step" in look(folder).fault


def test_what_the_system_cannot_read_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk or a server that does not answer is no reason to do days of work again."""

    def fails(path: Path) -> bytes:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(Path, "read_bytes", fails)
    with pytest.raises(OSError, match="Input/output error"):
        look(folder)
