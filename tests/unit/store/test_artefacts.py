"""Artefacts: all or nothing, and read only as they were written."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from piescope.store import layout
from piescope.store.artefacts import CorruptArtefactError, Store, as_tensors
from piescope.store.durable import as_json, folder_lock, is_locked, write_file
from piescope.store.leases import LostLeaseError, take

KEY = "0" * 32


def written(out: Path, content: bytes = b"hello") -> Store:
    store = Store(out)
    store.write("demo", KEY, {"a.bin": content}, label="a demo", spec={"x": 1}, parents=("p",))
    return store


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.has("demo", KEY)
    arrays = {"b": np.arange(3), "a": np.ones((2, 2), np.float32)}
    store.write("demo", KEY, {"t": as_tensors(arrays), "j": as_json({"n": None})}, label="l", spec={})
    artefact = store.load("demo", KEY)
    assert store.has("demo", KEY)
    assert artefact.tensors("t")["b"].tolist() == [0, 1, 2]
    assert artefact.json("j") == {"n": None}
    assert [path.parent.name for path in store.manifests()] == [KEY]


@pytest.mark.parametrize("damage", ["flip", "truncate", "zero tail", "remove", "manifest", "manifest of another"])
def test_damage_is_found_before_use(tmp_path: Path, damage: str) -> None:
    store = written(tmp_path, b"0123456789" * 100)
    folder = layout.artefact(tmp_path, "demo", KEY)
    file, manifest = folder / "a.bin", folder / layout.MANIFEST
    content = bytearray(file.read_bytes())
    match damage:
        case "flip":
            content[500] ^= 1
            file.write_bytes(content)
        case "truncate":
            file.write_bytes(content[:-1])
        case "zero tail":
            file.write_bytes(content[:500] + bytes(500))
        case "remove":
            file.unlink()
        case "manifest":
            manifest.write_text("{")
        case _:
            manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "key": "1" * 32}))
    with pytest.raises(CorruptArtefactError, match=r"piescope run .* sets it aside"):
        store.load("demo", KEY).read("a.bin")


def test_no_reader_sees_a_partial_artefact_and_no_leftover_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import piescope.store.artefacts as artefacts

    real, calls = artefacts.write_durably, []

    def fails_on_second(path: Path, content: bytes) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(artefacts, "write_durably", fails_on_second)
    store = Store(tmp_path)
    with pytest.raises(OSError, match="No space"):
        store.write("demo", KEY, {"a": b"1", "b": b"2"}, label="l", spec={})
    assert not store.has("demo", KEY)
    assert not list((tmp_path / "artefacts" / "demo").iterdir())


def test_the_first_of_two_writers_wins(tmp_path: Path) -> None:
    store = Store(tmp_path)
    barrier = threading.Barrier(4)

    def write() -> None:
        barrier.wait()
        store.write("demo", KEY, {"a": b"same"}, label="l", spec={})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.load("demo", KEY).read("a") == b"same"
    assert [path.name for path in (tmp_path / "artefacts" / "demo").iterdir()] == [KEY]


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    store = written(tmp_path)
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "artefacts" / "demo" / f"{layout.TEMPORARY_PREFIX}x-{dead.pid}-0123abcd").mkdir()
    (tmp_path / f"{layout.TEMPORARY_PREFIX}y-{dead.pid}-00000000").write_text("")
    mine = tmp_path / f"{layout.TEMPORARY_PREFIX}y"  # looks a little like one
    mine.write_text("")
    alive = tmp_path / f"{layout.TEMPORARY_PREFIX}report.html-{os.getpid()}-0123abcd"
    alive.write_text("")
    assert store.remove_leftovers() == 2
    assert alive.exists()  # somebody still writes it
    assert mine.exists()
    alive.unlink()
    assert store.has("demo", KEY)
    assert store.remove_leftovers() == 0


def test_checkpoints_of_finished_steps_are_leftovers(tmp_path: Path) -> None:
    """A worker that was killed after it published its step left one."""
    store = written(tmp_path)
    finished, under_way = layout.checkpoint(tmp_path, KEY), layout.checkpoint(tmp_path, "f" * 32)
    finished.parent.mkdir()
    finished.touch()
    under_way.touch()
    assert store.remove_leftovers() == 1
    assert list(finished.parent.iterdir()) == [under_way]


def test_files_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        written(tmp_path)
        write_file(tmp_path / "x", b"")
    finally:
        os.umask(old)
    folder = layout.artefact(tmp_path, "demo", KEY)
    assert folder.stat().st_mode & 0o777 == 0o750
    for file in [*folder.iterdir(), tmp_path / "x"]:
        assert file.stat().st_mode & 0o777 == 0o640


def test_file_is_synced_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def traced_fsync(descriptor: int) -> None:
        trace.append("fsync " + ("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"))  # noqa: PTH112
        fsync(descriptor)

    def traced_replace(self: Path, target: Path) -> Path:
        trace.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(Path, "replace", traced_replace)
    write_file(tmp_path / "x", b"1")
    assert trace == ["fsync file", "rename", "fsync folder"]


def test_a_folders_lock_is_held_by_one_alone_or_shared(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with folder_lock(tmp_path) as first:
        assert first is not None and first.is_alone and is_locked(tmp_path)
        with folder_lock(tmp_path) as second:
            assert second is None
        assert first.share() and is_locked(tmp_path)
        with folder_lock(tmp_path) as third:
            assert third is not None and not third.is_alone
            assert not first.be_alone()
            assert first.share(wait=True)
        assert first.be_alone()
    with folder_lock(tmp_path) as fourth:
        assert fourth is not None and fourth.is_alone
    assert not is_locked(tmp_path)


def test_a_step_is_written_under_its_lease_and_not_without_it(tmp_path: Path) -> None:
    lease = take(tmp_path, KEY, "a demo")
    assert lease is not None
    Store(tmp_path, lease).write("demo", KEY, {"a": b"1"}, label="l", spec={})
    assert Store(tmp_path).load("demo", KEY).read("a") == b"1"
    assert lease.end()
    with pytest.raises(LostLeaseError, match="another runner has taken the step over"):
        Store(tmp_path, lease).write("demo", "1" * 32, {"a": b"1"}, label="l", spec={})
    assert not Store(tmp_path).has("demo", "1" * 32)
    assert not list(tmp_path.glob("work/*"))


def test_a_full_disk_is_told_with_the_name_that_people_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    lease = take(tmp_path, KEY, "a demo")
    assert lease is not None
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as error:
        Store(tmp_path, lease).write("demo", KEY, {"model.bin": b"1"}, label="l", spec={})
    assert error.value.filename == str(layout.artefact(tmp_path, "demo", KEY) / "model.bin")


def test_a_pipe_in_the_place_of_the_run_lock_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(layout.lock(tmp_path))
    assert not is_locked(tmp_path)
    with pytest.raises(OSError, match=r"run\.lock"), folder_lock(tmp_path):
        pass
