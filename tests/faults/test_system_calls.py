"""Killed, or refused by the system, at each call of each writer: a reader sees all or nothing, and the same again ends alike."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import piescope
from made_faults import STRACE, Call, Survived, Writer, tried
from piescope.report.study.build import publish
from piescope.store import layout
from piescope.store.durable import sealed_json
from piescope.store.run_records import ResultsManifest

LONG = os.environ.get("PIESCOPE_FAULTS") == "long"
KILL = "signal=KILL"
WORDS = {
    KILL: "SIGKILL at a system call",
    "error=ENOSPC": "no space left at a system call",
    "error=EIO": "input/output error at a system call",
    "error=EACCES": "permission denied at a system call",
}
DAY = int(os.environ["PIESCOPE_DAY"])
FAULTS = list(WORDS) if LONG else [KILL, list(WORDS)[1 + DAY % 3]]
SAMPLE = {KILL: 2}
"""Calls of a writer at which it is killed in `make test`, others each day, and one of another fault."""

pytestmark = pytest.mark.skipif(
    STRACE is None and not LONG, reason="no strace here, and no root to install it: `make faults` needs it"
)

STEPS = """
from made_executors import FakeExecutor, Heard, raised, three_models
from piescope.study.execute import execute
from piescope.study.parents import Parents

STUDY = three_models().study
ENVIRONMENT = dict(device="cpu", torch="0", pack_size=1, threads=1, cpu="any", processor="any", libraries={})

def make(task, store):
    step = task.step
    contents = Parents(step, store).contents()
    keys = tuple(ref.key for ref in step.parent_refs())
    files = {"a.json": b"[]", "b.json": b"{}"}
    store.write(step.kind, step.key, files, step.label, {}, keys, ENVIRONMENT, contents)
"""

SCHEDULED = (
    STEPS
    + """
begin()
with command():
    execute(STUDY, out, FakeExecutor(out, 1, make), False, Heard())
"""
)

FAILING = (
    STEPS
    + """
from made_executors import FIRST
begin()
with command():
    executor = FakeExecutor(out, 1, make)
    executor.script(FIRST, lambda task: raised(task.step.key))
    execute(STUDY, out, executor, False, Heard())
"""
)

CHECKPOINTS = """
import numpy as np
from piescope.store.checkpoints import Origin, write_checkpoint
origin = Origin(key="0" * 32, parents={}, environment={})
begin()
with command():
    for step in (1, 2):
        write_checkpoint(out / "checkpoints" / "c.safetensors", origin, "whole", {"step": np.full(1000, step)})
"""

DISCARD = (
    STEPS
    + """
from piescope.store import ownership
begin()
with command():
    ownership.discard(out)
"""
)

VERIFY = """
from piescope.study.verify import verify
begin()
with command():
    verify(out, 1, lambda count: None)
"""

COLLECT = """
from piescope.study.collect import remove, unwanted
begin()
with command():
    remove(unwanted(out))
"""

RESULTS = """
from piescope.report.study.build import publish
from piescope.store import layout
begin()
with command():
    names = [layout.report(out), layout.summary(out), layout.table(out, "pies", "csv")]
    publish(out, {path: b"new" * 5000 for path in names}, {"made": "of new"})
"""

AUDIT = """
import piescope, piescope.audits, piescope.report.audit.document
from piescope.reading import tables
begin()
with command():
    piescope.audit(out.with_name("dense.csv"), out.with_name("pruned.csv"), out=out)
"""


UNWANTED = "f" * 32


def whole_artefacts(out: Path) -> None:
    """What a reader finds is there to the last byte; of what nothing wants, `gc` removes the manifest last."""
    from piescope.store.artefacts import Store

    store = Store(out)
    for manifest in store.manifests():
        if manifest.parent.name == UNWANTED:
            continue
        made = store.load(manifest.parent.parent.name, manifest.parent.name)
        assert set(made.manifest.files) == {"a.json", "b.json"}
        for name in made.manifest.files:
            made.read(name)


def whole_checkpoint(out: Path) -> None:
    from piescope.store.checkpoints import Origin, read_checkpoint

    path = out / "checkpoints" / "c.safetensors"
    if path.exists():
        stage, arrays = read_checkpoint(path, Origin(key="0" * 32, parents={}, environment={}))
        assert stage == "whole" and arrays["step"].tolist() in ([1] * 1000, [2] * 1000)


def whole_audit(out: Path) -> None:
    """Either no file of an audit, or an audit.json that can be read and all that belongs to it."""
    from piescope.store.audit_record import AuditRecord

    if (out / "audit.json").exists():
        AuditRecord.read(out)


def finished_run(out: Path) -> None:
    done = SCHEDULED_RUN.work(out)
    assert done.returncode == 0, done.stderr


DAMAGED = b"{"


def damaged_run(out: Path) -> None:
    """Finished, then a file was cut off."""
    finished_run(out)
    one_of(out).write_bytes(DAMAGED)


def one_of(out: Path) -> Path:
    return sorted((out / "artefacts").glob("*/*/b.json"))[0]


def kept_damage(out: Path) -> None:
    """The damaged step is where it was or in quarantine with a line why; in its place is nothing, or a whole one."""
    places = [path for path in out.rglob("b.json") if path.read_bytes() == DAMAGED]
    assert len(places) == 1, places
    if "quarantine" in places[0].parts:
        assert places[0].parent.with_name(f"{places[0].parent.name}.txt").read_text().strip()
        whole_artefacts(out)


def run_with_unwanted(out: Path) -> None:
    """Finished, and set aside, of another version, and left by a killed writer."""
    damaged_run(out)
    done = SCHEDULED_RUN.work(out)
    assert done.returncode == 0, done.stderr
    step = one_of(out).parent
    other = step.with_name(UNWANTED)
    shutil.copytree(step, other)
    content = json.loads((other / "manifest.json").read_bytes())
    del content["sha256"]
    (other / "manifest.json").write_bytes(sealed_json({**content, "key": other.name}))
    (out / f".tmp-a.json-{2**22}-0123abcd").write_bytes(b"half")


def results_of_before(out: Path) -> None:
    """Of another version, which had one file more."""
    out.mkdir()
    files = {
        layout.report(out): b"old",
        layout.table(out, "pies", "csv"): b"old",
        layout.table(out, "gone", "csv"): b"old",
    }
    publish(out, files, {"made": "of old"})


def whole_results(out: Path) -> None:
    """Each file is whole; if nothing differs from the manifest, all are of one time."""
    manifest = ResultsManifest.read(layout.results_manifest(out))
    assert manifest is not None
    contents = {path.read_bytes() for path in (layout.report(out), layout.table(out, "pies", "csv"))}
    assert contents <= {b"old", b"new" * 5000}
    if not manifest.changed(out):
        assert contents == ({b"old"} if manifest.made_from == {"made": "of old"} else {b"new" * 5000})


def two_files(out: Path) -> None:
    for name, wrong in (("dense.csv", 2), ("pruned.csv", 7)):
        rows = [f"{row},{(row + (row < wrong)) % 3},{row % 3}" for row in range(30)]
        out.with_name(name).write_text("id,prediction,label\n" + "\n".join(rows) + "\n")


def an_audit_of_others(out: Path) -> None:
    """Where an audit is, the next one takes its place."""
    two_files(out)
    dense, pruned = out.with_name("dense.csv"), out.with_name("pruned.csv")
    piescope.audit(pruned, dense, out=out)


OF_TIME = r"^(logs|failures)/|run\.lock$"
SCHEDULED_RUN = Writer("run", SCHEDULED, sound=whole_artefacts, ignored=OF_TIME)
# of checkpoints: what a writer that was killed left goes with the next run
WRITERS = [
    SCHEDULED_RUN,
    Writer("run with a step that fails", FAILING, sound=whole_artefacts, ignored=OF_TIME),
    Writer("checkpoints", CHECKPOINTS, sound=whole_checkpoint, ignored=r"\.tmp-"),
    Writer("fresh", DISCARD, prepare=finished_run, ignored=r"run\.lock$"),
    Writer("run that sets aside", SCHEDULED, prepare=damaged_run, sound=kept_damage, ignored=OF_TIME),
    Writer("verify", VERIFY, prepare=finished_run, sound=whole_artefacts, ignored=OF_TIME),
    Writer("gc", COLLECT, prepare=run_with_unwanted, sound=whole_artefacts, ignored=OF_TIME),
    Writer("results", RESULTS, prepare=results_of_before, sound=whole_results),
    Writer("audit", AUDIT, prepare=two_files, sound=whole_audit),
    Writer("audit over another", AUDIT, prepare=an_audit_of_others, sound=whole_audit),
]


TRIED = (
    [WRITERS[(3 * DAY + place) % len(WRITERS)] for place in range(3)]
    if os.environ.get("PIESCOPE_TESTS") == "sample"
    else WRITERS
)
"""`make test` has three, others each day."""


@pytest.fixture(scope="module", params=TRIED, ids=lambda writer: writer.name)
def traced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Writer, list[Call], dict[str, str], Path]]:
    writer: Writer = request.param
    folder = tmp_path_factory.mktemp(writer.name.replace(" ", "-"))
    undisturbed = writer.undisturbed(
        folder
    )  # first: what is imported is compiled then, and the calls are the same from now on
    yield writer, writer.calls(folder), undisturbed, folder


def chosen(calls: list[Call], fault: str) -> list[Call]:
    """`make faults` kills at all and refuses every fifth; here some. Others tomorrow."""
    if LONG:
        return calls if fault == KILL else calls[DAY % 5 :: 5]
    drawn = random.Random(f"{DAY} {fault}")  # steps of a day would never meet some calls
    return drawn.sample(calls, min(len(calls), SAMPLE.get(fault, 1)))


@pytest.mark.sampled(1)  # the day has chosen already
@pytest.mark.parametrize("fault", FAULTS)
def test_all_or_nothing_and_the_same_again_ends_alike(
    traced: tuple[Writer, list[Call], dict[str, str], Path], fault: str, survived: Survived
) -> None:
    writer, calls, undisturbed, folder = traced
    kills = fault == KILL
    places = [call for call in calls if call.changes] if kills else [
        call for call in calls if fault != "error=ENOSPC" or (call.changes and call.name not in ("unlink", "unlinkat", "rmdir"))
    ]  # fmt: skip
    for call, out, ended in tried(writer, folder, chosen(places, fault), fault):
        where = f"{writer.name}, {fault} at {call}\n{ended.stderr}"
        if kills:
            assert ended.returncode == -9, where
        else:
            assert ended.returncode in (0, 1, 3), where
            assert "Traceback" not in ended.stderr, where
            if ended.returncode:
                assert re.search(r"^error: .*(?:;|: ).+", ended.stderr), where
        writer.sound(out)
        again = writer.work(out)
        assert again.returncode == 0, f"{where}\nagain: {again.stderr}"
        writer.sound(out)
        assert writer.tree(out) == undisturbed, where
    survived(f"{WORDS[fault]}: {writer.name}", len(chosen(places, fault)))


def test_a_file_is_on_disk_before_its_name_and_its_name_before_anything_else(
    traced: tuple[Writer, list[Call], dict[str, str], Path],
) -> None:
    """fsync(file) < rename < fsync(folder), of every file that a rename puts in its place."""
    writer, calls, *_ = traced
    written: dict[str, bool] = {}
    for call in calls:
        path = re.search(r"<(/[^>]*)>", call.text)
        if call.name in ("write", "pwrite64") and path:
            written[path[1]] = False
        if call.name in ("fsync", "fdatasync") and path:
            written[path[1]] = True
        if call.name.startswith("rename"):
            old, new = re.findall(r'"(/[^"]*)"', call.text)[:2]
            if f"{os.sep}work{os.sep}" in new or ".tmp-" in new:
                continue  # a lease is of living processes: after a crash of the machine none is
            unsynced = [name for name, synced in written.items() if name.startswith(old) and not synced]
            assert not unsynced, (writer.name, str(call), unsynced)
