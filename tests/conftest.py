"""What several tests share: commands as their user types them, and whole studies, run once."""

from __future__ import annotations

import datetime
import fcntl
import gc
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from ready import READY

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # before anything reads it: one for each process; and numba sets torch's, too
os.environ.setdefault("SOURCE_DATE_EPOCH", "1790000000")  # pages bear a date; no test hangs on midnight
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of interpreters start: the first compiles for all

TINY = Path(__file__).parent / "golden" / "tiny.toml"
SMALL = Path(__file__).parent / "small.toml"

HANG = 3600.0
"""Seconds after which a program hangs, on however busy a machine; no test waits for less, and none asks for speed."""

LONG = 30 if os.environ.get("PIESCOPE_FUZZ") else 1
"""How many times as many damaged files `make fuzz` looks at."""

SEEN = {"COLUMNS": "120", "NO_COLOR": "1"}
"""The terminal of every command of the tests."""


def piescope_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from piescope.__main__ import main; main()", *map(str, arguments)]


def run_piescope(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    new: bool = False,
    prelude: str = "",
) -> subprocess.CompletedProcess[str]:
    """The command as its user types it; in an interpreter that was made ready for it, or if that matters in a new one.

    ``prelude``, in Python, breaks something in a ready one.
    """
    environment = {**os.environ, **SEEN, **(env or {})}
    if new:
        return run_program(piescope_command(*arguments), cwd=cwd, env=environment)
    return READY.run(list(map(str, arguments)), cwd, environment, HANG, prelude)


def run_python(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Python code in an interpreter of its own."""
    return run_program([sys.executable, "-c", code], **options)


def run_program(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """A program, to its end."""
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False, **options)


def hear_signals() -> None:
    """Between fork and exec: what a suite in the background, or under nohup, ignores, a program of it would, too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_until(happened: Callable[[], bool], program: subprocess.Popen[Any]) -> None:
    """Waits for something that a program does; it must be alive until then."""
    patience = time.monotonic() + HANG
    while not happened():
        assert program.poll() is None, "it ended before"
        assert time.monotonic() < patience, "it hangs"
        time.sleep(0.02)


def processor_seconds() -> float:
    """That this process, and the programs that it waited for, have taken."""
    return sum(os.times()[:4]) + READY.processor_seconds


def yardstick() -> float:
    """Processor seconds of work of always the same size; what is slower here, or beside other work, is slower in both."""
    start = time.process_time()
    sum(number * number for number in range(6_000_000))
    return time.process_time() - start


YARD = 0.46
"""Seconds that the yardstick took where limits were set."""


@contextmanager
def at_most(limit: float) -> Iterator[None]:
    """What runs in it, with the programs that it waits for, computes for fewer seconds, or as many more as this processor
    is slower than the one where the limit was set; what else the machine does has hardly a say.
    """
    before = processor_seconds()
    yield
    taken = processor_seconds() - before
    assert taken < limit or taken < limit * yardstick() / YARD, f"{taken:.1f} s of a processor"


@dataclass(frozen=True)
class Run:
    """A finished study.

    Attributes:
        study: its file.
        out: its folder; tests copy it before they change anything.
        printed: what the run printed.
    """

    study: Path
    out: Path
    printed: str

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.out, to)
        return to


def hashes(out: Path) -> dict[str, str]:
    """SHA-256 of everything that a study leaves, by path."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "run.lock"
    }


settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # how long an example takes is no finding


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Tests of a file stay in one process, of a writer's system calls likewise; so do those for which UMAP compiles itself."""

    def _split_scope(self, nodeid: str) -> str:
        if "faults/test_system_calls" in nodeid:
            return f"calls of {nodeid.partition('[')[2].rstrip(']').partition('-')[0]}"
        umap = "unit/measure/test_projection" in nodeid or "measure.projection." in nodeid
        return "umap" if umap else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """In place of `--dist loadfile`'s."""
    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Before test processes start, so that all of them have the same day, and one cache that is not the user's."""
    os.environ.setdefault("PIESCOPE_DAY", str(datetime.datetime.now(datetime.UTC).toordinal()))
    if "PYTEST_XDIST_WORKER" not in os.environ:
        kept = tempfile.TemporaryDirectory(prefix="piescope-tests-", ignore_cleanup_errors=True)
        os.environ["PIESCOPE_CACHE"] = kept.name
        config.add_cleanup(kept.cleanup)


MANY_CASES = 6

WHOLE_COMMANDS = ("tests/browser/", "tests/cases/", "tests/cli/", "tests/unit/cli/", "tests/unit/report/")
"""Whole commands and pages; what they are made of has tests of its own."""


def _own(item: pytest.Item) -> str:
    """A test without its case."""
    return item.nodeid.split("[")[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test` (PIESCOPE_TESTS=sample) runs one in n of each test that is `sampled(n)`, or of all tests of a file that
    are (`of_file=True`), or of all that are heavy (`heavy=True`: of 2 s of a processor or more; so, days are alike). Of
    what is not marked: a quarter of a file's simulations, a third of what has `MANY_CASES` and of each file of
    `WHOLE_COMMANDS`. Tomorrow others, so that each runs within some days. `make whole` runs all.
    """
    if os.environ.get("PIESCOPE_TESTS") != "sample":
        return
    could = [  # what `make screens` has is no case here, and the real data is always tried
        item
        for item in items
        if not item.get_closest_marker("skip") and "cifar10" not in getattr(item, "fixturenames", ())
    ]
    cases = Counter(_own(item) for item in could)
    seen: Counter[str] = Counter()
    left_out: dict[pytest.Item, None] = {}
    for item in could:
        sampled = item.get_closest_marker("sampled")
        one_in, options = (sampled.args[0], sampled.kwargs) if sampled else (1, {})
        if not sampled and item.get_closest_marker("simulation"):
            one_in, options = 4, {"of_file": True}
        elif not sampled and cases[_own(item)] >= MANY_CASES:
            one_in = 3
        elif not sampled and item.nodeid.startswith(WHOLE_COMMANDS):
            one_in, options = 3, {"of_file": True}
        of_file, heavy = options.get("of_file", False), options.get("heavy", False)
        own = str(item.path.relative_to(config.rootpath)) if of_file else _own(item)
        among = "heavy" if heavy else own
        if one_in > 1:
            seen[among] += 1
            day = int(os.environ["PIESCOPE_DAY"]) + zlib.crc32(among.encode())  # not all that are heavy on one day
            if (seen[among] + day) % one_in:
                left_out[item] = None
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is loaded meanwhile stays: nobody need look through it for garbage, neither now nor after every few tests."""
    gc.disable()
    yield
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Annotated shapes are enforced where results are compared with an oracle's; other tests give lists, and wrong shapes on purpose."""
    compared = "oracle" in item.path.parts and not item.get_closest_marker("simulation")
    jaxtyping.config.update("jaxtyping_disable", not (compared or item.get_closest_marker("shapes")))


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Gives a folder that is made by whichever test process asks for it first; the others wait and share it.

    Nobody may write to it.
    """
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def shared(name: str, make: Callable[[Path], None]) -> Path:
        folder, made = root / "shared" / name, root / "shared" / f"{name}.made"
        folder.parent.mkdir(exist_ok=True)
        with (root / "shared" / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                make(folder)
                made.touch()
        return folder

    return shared


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A script of benchmarks/ as a module, by its name; they find each other as when they run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return import_module


@pytest.fixture(scope="session")
def tiny_run(once: Once) -> Run:
    """The study that has everything."""
    return finished(once, TINY)


@pytest.fixture(scope="session")
def small_run(once: Once) -> Run:
    """The study that is quickly done."""
    return finished(once, SMALL)


def finished(once: Once, study: Path) -> Run:
    """By one worker: the other core has tests to do."""

    def run(folder: Path) -> None:
        done = run_piescope("run", study, "--out", folder / "a folder with spaces", "--workers", "1", new=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "printed.txt").write_text(done.stdout)

    folder = once(study.stem, run)
    return Run(study, folder / "a folder with spaces", (folder / "printed.txt").read_text())


@pytest.fixture(scope="session")
def stored_run(once: Once) -> Path:
    """The folder of a study whose models nobody trained: the same on every processor."""
    from portable import write_stored_study

    return once("stored", write_stored_study)


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """The real CIFAR-10: PIESCOPE_DATA, or ../shared/data beside the project; where neither is, its tests skip."""
    given = os.environ.get("PIESCOPE_DATA")
    place = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not place.exists():
        pytest.skip("CIFAR-10 is not here: set PIESCOPE_DATA to its folder")
    return place
