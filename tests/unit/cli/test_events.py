"""What a run tells in a file, and that the file never stands in its way."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import SMALL, run_piescope
from piescope.cli.events import IMAGES_EVERY, Events
from piescope.problems import InputError
from piescope.study.parse import load_study
from piescope.study.plan import Step, make_plan
from piescope.study.scheduling import Failed


@pytest.fixture(scope="module")
def step() -> Step:
    return make_plan(load_study(str(SMALL))).steps[1]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def ticking(step: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += step


def test_each_thing_that_happens_is_a_line(tmp_path: Path, step: Step) -> None:
    clock = ticking(IMAGES_EVERY)
    with Events(tmp_path / "e.jsonl", print, lambda: next(clock)) as told:
        told.started(step)
        told.images(5)
        told.images(7)
        told.tick()
        told.tick()
        told.finished(step, 1.23456)
        told.failed(Failed(step, "no room\n::error::"))
        told.found(step)
        told.said("tried again")
    lines = lines_of(tmp_path / "e.jsonl")
    assert [line["event"] for line in lines] == ["started", "images", "finished", "failed", "found", "said", "ended"]
    assert (lines[0]["key"], lines[0]["kind"], lines[0]["label"]) == (step.key, step.kind, step.label)
    assert lines[1]["images"] == 12 and lines[2]["seconds"] == 1.235
    assert lines[3]["reason"] == "no room\n::error::"
    assert lines[4]["key"] == step.key and lines[5]["text"] == "tried again"
    assert lines[6] | {"time": ""} == {"time": "", "event": "ended", "how": "done", "finished": 1, "failed": 1}


@pytest.mark.parametrize(
    ("stopped", "how"),
    [
        (KeyboardInterrupt(), "SIGINT"),
        (KeyboardInterrupt(signal.SIGTERM), "SIGTERM"),
        (KeyboardInterrupt(int(signal.SIGHUP)), "SIGHUP"),
        (OSError(5, "no"), "OSError"),
    ],
)
def test_what_stopped_a_run_stands_in_the_last_line(stopped: BaseException, how: str, tmp_path: Path) -> None:
    with pytest.raises(type(stopped)), Events(tmp_path / "e.jsonl", print):
        raise stopped
    with Events(tmp_path / "e.jsonl", print):  # a second run adds to it
        pass
    assert [line["how"] for line in lines_of(tmp_path / "e.jsonl")] == [how, "done"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_once_and_no_more_is_written(tmp_path: Path) -> None:
    said: list[str] = []
    events = Events(tmp_path / "e.jsonl", said.append)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, events._file.fileno())  # type: ignore[union-attr]
    events.say("began")
    events.say("began")
    (line,) = said
    assert line.startswith(str(tmp_path / "e.jsonl")) and line.endswith("no more events are written, the run goes on")
    os.close(full)


def test_a_folder_or_a_pipe_is_refused_before_any_work(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InputError, match="--events"):
            Events(place, print)
    ended = run_piescope("run", SMALL, "--out", tmp_path / "out", "--events", tmp_path / "pipe")
    assert ended.returncode == 2 and "--events" in ended.stderr and not (tmp_path / "out" / "artefacts").exists()
