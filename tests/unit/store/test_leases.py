"""One owner a step; who is dead is told by its process or by its counter, and whoever wakes too late changes nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from conftest import HANG
from piescope.store import layout
from piescope.store.leases import FILES, OWNER, Holder, Lease, Owner, all_leases, lease_of, take

KEY = "0123456789abcdef" * 2


def taken(out: Path, key: str = KEY) -> Lease:
    lease = take(out, key, "a step")
    assert lease is not None
    return lease


def of_another_machine(lease: Lease) -> Lease:
    owner = lease.owner()
    assert owner is not None
    (lease.folder / OWNER).write_bytes(owner.model_copy(update={"place": "elsewhere"}).as_bytes())
    return lease


def left(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path != layout.work(out))


class Clock:
    """Says what it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_of_many_that_try_one_takes_it(tmp_path: Path) -> None:
    runners, rounds = 8, 25
    together = Barrier(runners)

    def try_all() -> list[Lease | None]:
        tried = []
        for number in range(rounds):
            together.wait(HANG)
            tried.append(take(tmp_path, f"{number:032}", "a step"))
        return tried

    with ThreadPoolExecutor(runners) as pool:
        tried = [attempt.result(HANG) for attempt in [pool.submit(try_all) for _ in range(runners)]]
    for number in range(rounds):
        winners = [each[number] for each in tried if each[number] is not None]
        assert winners == [lease_of(tmp_path, f"{number:032}")]
    assert len(list(all_leases(tmp_path))) == rounds
    assert all(lease.end() for lease in all_leases(tmp_path))
    assert left(tmp_path) == []


def test_of_many_that_take_over_one_does(tmp_path: Path) -> None:
    dead, runners = taken(tmp_path), 8
    together = Barrier(runners)

    def take_over() -> Lease | None:
        found = lease_of(tmp_path, KEY)
        together.wait(HANG)
        return take(tmp_path, KEY, "a step") if found is not None and found.end() else None

    with ThreadPoolExecutor(runners) as pool:
        tried = [attempt.result(HANG) for attempt in [pool.submit(take_over) for _ in range(runners)]]
    (winner,) = [lease for lease in tried if lease is not None]
    assert winner == lease_of(tmp_path, KEY) != dead


def test_who_wakes_too_late_can_neither_publish_nor_beat_nor_end_what_is_anothers(tmp_path: Path) -> None:
    zombie = taken(tmp_path)
    zombie.files.mkdir()
    (zombie.files / "model").write_text("late")
    stale = lease_of(tmp_path, KEY)
    assert stale == zombie and stale.end()
    new = taken(tmp_path)
    assert not zombie.is_held() and not zombie.beat(7) and not zombie.end()
    with pytest.raises(FileNotFoundError):
        zombie.files.rename(tmp_path / "artefact")
    with pytest.raises(FileNotFoundError):
        zombie.files.mkdir()
    assert new.is_held() and new.beat(1) and new.end()
    assert left(tmp_path) == []


def test_an_empty_folder_that_a_kill_left_is_no_lease(tmp_path: Path) -> None:
    layout.lease(tmp_path, KEY).mkdir(parents=True)
    assert lease_of(tmp_path, KEY) is None
    assert taken(tmp_path).is_held()


def test_a_runner_of_this_machine_that_ended_is_found_at_once(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from piescope.store.leases import take
assert take(Path(sys.argv[1]), {KEY!r}, "a step") is not None
print("taken", flush=True)
sys.stdin.read()
"""
    runner = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None and runner.stdout.readline() == "taken\n"
    watching = Holder(tmp_path)
    assert not watching.is_free(KEY)
    runner.kill()
    runner.communicate(timeout=HANG)
    assert watching.is_free(KEY)
    assert left(tmp_path) == []


def test_a_later_process_with_the_same_id_is_not_the_owner(tmp_path: Path) -> None:
    lease = taken(tmp_path)
    owner = lease.owner()
    assert owner is not None and not owner.is_gone()
    if owner.began is not None:
        assert owner.model_copy(update={"began": owner.began - 1}).is_gone()
    assert not owner.model_copy(update={"began": 0, "place": "elsewhere"}).is_gone()  # not ours to know


def test_a_runner_of_another_machine_is_dead_when_its_counter_stands_still(tmp_path: Path) -> None:
    clock = Clock()
    lease, watching = of_another_machine(taken(tmp_path)), Holder(tmp_path, patience=60.0, clock=clock)
    for second in range(0, 600, 5):
        clock.now = second
        if second % 50 == 0:
            lease.beat(second)
        assert not watching.is_free(KEY)
    seen = []
    for second in range(600, 700, 5):
        clock.now = second
        seen.append(watching.is_free(KEY))
    assert seen.index(True) == 3  # at 615: the last beat was seen at 550
    assert all(seen[3:])


def test_a_watcher_that_slept_takes_nobody_for_dead(tmp_path: Path) -> None:
    clock = Clock()
    of_another_machine(taken(tmp_path))
    watching = Holder(tmp_path, patience=60.0, clock=clock)
    for clock.now in (0.0, 86_400.0, 172_800.0):
        assert not watching.is_free(KEY)


def test_owners_that_cannot_be_read_are_given_their_time(tmp_path: Path) -> None:
    clock = Clock()
    (taken(tmp_path).folder / OWNER).write_text("{")
    watching = Holder(tmp_path, patience=60.0, clock=clock)
    assert not watching.is_free(KEY)
    for clock.now in range(5, 70, 5):
        freed = watching.is_free(KEY)
    assert freed


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    with Holder(tmp_path, patience=0.05) as made:
        yield made


def test_a_holder_beats(holder: Holder) -> None:
    lease = holder.take(KEY, "a step")
    assert lease is not None
    before = lease.beats()
    while lease.beats() == before:
        time.sleep(0.02)


def test_a_holder_gives_back_what_is_left(tmp_path: Path) -> None:
    with Holder(tmp_path) as holder:
        leases = [holder.take(f"{number:032}", "a step") for number in range(3)]
        assert None not in leases
        assert leases[0] is not None and leases[1] is not None and leases[2] is not None
        holder.give_back(leases[0])
        assert leases[1].end()  # another runner took it over
        (leases[2].folder / FILES).mkdir()
    assert left(tmp_path) == []


def test_links_are_no_leases(tmp_path: Path) -> None:
    elsewhere = taken(tmp_path / "elsewhere").folder.parent
    layout.work(tmp_path).mkdir()
    layout.lease(tmp_path, KEY).symlink_to(elsewhere)
    assert lease_of(tmp_path, KEY) is not None  # its folder is a link: nobody can take it
    assert list(all_leases(tmp_path)) == []


def test_an_owner_is_told_by_its_host() -> None:
    assert Owner(label="", place="host boot namespace", process=1, began=None).host == "host"
