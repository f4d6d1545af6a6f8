"""A gate fails closed: neither who reads along nor what breaks makes a broken budget look kept."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conftest import HANG, hear_signals, piescope_command, run_piescope, run_program, wait_until
from piescope.cli import terminal
from piescope.cli.app import app

ROWS = 3000
FULL = Path("/dev/full")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "work"
    inside.mkdir()
    dense = [row % 3 for row in range(ROWS)]
    copy = [0 if row % 10 == 0 else label for row, label in enumerate(dense)]
    for name, labels in (("dense", dense), ("copy", copy), ("truth", dense)):
        lines = "\n".join(f"{row},{label}" for row, label in enumerate(labels))
        (inside / f"{name}.csv").write_text(
            f"id,prediction\n{lines}\n".replace("prediction", "label" if name == "truth" else "prediction")
        )
    return inside


def audit(*budgets: str) -> list[str]:
    return ["audit", "dense.csv", "copy.csv", "--labels", "truth.csv", "--out", "out", "--junit", "ci/j.xml", *budgets]


BROKEN = audit("--strict", "--max-flips", "1")
KEPT = audit("--strict", "--max-flips", "1000")


def in_shell(folder: Path, redirection: str, command: list[str]) -> int:
    """What piescope itself ends with, whatever the rest of the pipe does."""
    shell = f'"$@" {redirection}; echo ${{PIPESTATUS[0]}} > ../code'
    run_program(["bash", "-c", shell, "bash", *command], cwd=folder, errors="replace")  # it may be cut within a sign
    return int((folder.parent / "code").read_text())


def junit_of(folder: Path) -> ElementTree.Element:
    return ElementTree.fromstring((folder / "ci" / "j.xml").read_bytes())


def is_whole(folder: Path) -> bool:
    return {path.name for path in (folder / "out").iterdir()} == {
        "audit.json",
        "audit.md",
        "examples.parquet",
        "report.html",
    }


NOBODY_READS = [
    "| head -3",
    "| head -c 1",
    "| grep -q accuracy",
    "| true",
    ">&-",
    "2>&-",
    ">&- 2>&-",
    "2>&1 | true",
    "<&- >&- 2>&-",
]
NO_ROOM = ["> /dev/full", "2> /dev/full", "> /dev/full 2>&1"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("redirection", NOBODY_READS + NO_ROOM)
def test_a_broken_budget_is_1_whoever_reads(redirection: str, folder: Path) -> None:
    if "/dev/full" in redirection and not FULL.exists():
        pytest.skip("this system has no /dev/full")
    assert in_shell(folder, redirection, piescope_command(*BROKEN)) == 1
    assert junit_of(folder).get("failures") == "1"
    assert is_whole(folder)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("redirection", "code"), [("| true", 0), (">&-", 0), ("2> /dev/full", 0), ("> /dev/full", 3)])
def test_a_kept_budget_is_0_unless_what_is_asked_for_is_lost(redirection: str, code: int, folder: Path) -> None:
    if "/dev/full" in redirection and not FULL.exists():
        pytest.skip("this system has no /dev/full")
    assert in_shell(folder, f"{redirection}", piescope_command(*KEPT)) == code
    assert junit_of(folder).get("failures") == "0"
    assert is_whole(folder)


def test_pipefail_and_python_m_piescope(folder: Path) -> None:
    line = f'set -o pipefail; "{sys.executable}" -m piescope "$@" | head -n 1'
    done = run_program(["bash", "-c", line, "bash", *BROKEN], cwd=folder)
    assert done.returncode == 1
    assert junit_of(folder).get("failures") == "1"


def run_with(folder: Path, prelude: str, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Piescope with something broken in it."""
    return run_piescope(*command, cwd=folder, prelude=prelude)


def limited(size: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.sampled(3)
@pytest.mark.parametrize("size", [0, 2_000, 20_000])
def test_a_disk_that_takes_only_so_much(size: int, folder: Path) -> None:
    """A limit of a file's size fails as a full disk does, at whatever file comes to it.

    Python would leave the beginning of what it compiles, which no later interpreter could read, so it compiles nothing.
    """
    compiles_nothing = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = run_program(piescope_command(*BROKEN), cwd=folder, preexec_fn=limited(size), env=compiles_nothing)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "choose another place" in done.stderr or "TMPDIR" in done.stderr
    assert not (folder / "out").exists()
    assert not (folder / "ci").exists()
    assert done.stdout == ""


FULL_FOR = """
import errno, piescope.store.durable as durable
real = durable.sync_folder
def full(path):
    if "{name}" in str(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    real(path)
import os
before = os.fsync
def fsync(descriptor):
    if "{name}" in os.readlink(f"/proc/self/fd/{{descriptor}}"):
        raise OSError(errno.ENOSPC, "No space left on device")
    before(descriptor)
os.fsync = fsync
"""


@pytest.mark.sampled(3)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells files by /proc")
@pytest.mark.parametrize("name", ["j.xml", "report.html", "audit.json", "audit.md"])
def test_a_disk_that_is_full_at_one_file_names_it(name: str, folder: Path) -> None:
    done = run_with(folder, FULL_FOR.format(name=name), BROKEN)
    assert done.returncode == 3
    assert name in done.stderr
    assert "No space left on device; make room there" in done.stderr
    assert not (folder / "ci" / "j.xml").exists()
    assert (folder / "out").exists() == (name == "j.xml")
    assert not [path for path in folder.rglob("*") if ".tmp-" in path.name]


def test_a_verdict_of_yesterday_is_not_left_as_todays(folder: Path) -> None:
    assert run_with(folder, "", KEPT).returncode == 0
    (folder / "copy.csv").write_text("id,prediction\n1,1\n")
    assert run_with(folder, "", KEPT).returncode == 2
    assert not (folder / "ci" / "j.xml").exists()


def test_a_file_that_is_no_junit_stays(folder: Path) -> None:
    (folder / "ci").mkdir()
    for content in ("chapter one", "<xml/>"):
        (folder / "ci" / "j.xml").write_text(content)
        done = run_with(folder, "", KEPT)
        assert done.returncode == 2
        assert "--junit" in done.stderr
        assert (folder / "ci" / "j.xml").read_text() == content
    (folder / "ci" / "j.xml").write_text(
        "<testsuites><testsuite name='pytest'/></testsuites>"
    )  # of another tool: replaced when there is a new one
    assert run_with(folder, "", KEPT).returncode == 0
    assert "max_flips" in (folder / "ci" / "j.xml").read_text()


def test_junit_to_a_device_is_refused(folder: Path) -> None:
    done = run_with(folder, "", [*KEPT[:-4], "/dev/null", *KEPT[-3:]])
    assert done.returncode == 2
    assert "a device or a pipe" in done.stderr
    assert not Path("/dev/null").is_file()


def test_a_fault_of_ours_is_70_and_never_1(folder: Path) -> None:
    for what in (
        "ValueError('x')",
        "AssertionError()",
        "RecursionError()",
        "KeyError('y')",
        "ImportError('z', name='piescope.none')",
    ):
        broken = f"import piescope.auditing.run as run\ndef answer(*_, **__): raise {what}\nrun.answer = answer"
        done = run_with(folder, broken, BROKEN)
        assert done.returncode == 70, what
        assert "Traceback" in done.stderr
        assert "a fault of piescope" in done.stderr.splitlines()[-1]
        assert not (folder / "out").exists()
        assert not (folder / "ci" / "j.xml").exists()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "what", ["MemoryError()", "ImportError('no torch', name='torch')", "OSError(28, 'No space left on device')"]
)
def test_what_the_machine_lacks_is_3(what: str, folder: Path) -> None:
    done = run_with(
        folder, f"import piescope.auditing.run as run\ndef answer(*_, **__): raise {what}\nrun.answer = answer", BROKEN
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_a_library_that_is_missing_is_3(folder: Path) -> None:
    (folder / "typer.py").write_text("raise ImportError('broken')\n")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = run_program([sys.executable, "-m", "piescope", *BROKEN], cwd=folder, env=environment)
    assert done.returncode == 3
    assert "cannot be loaded" in done.stderr


def test_every_command_is_guarded() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert hasattr(command.callback, "__wrapped__"), command.name


def test_what_is_raised_outside_a_command_is_no_1(capsys: pytest.CaptureFixture[str]) -> None:
    def raising(what: BaseException) -> Callable[[], None]:
        def command() -> None:
            raise what

        return command

    for what, code in (
        (ValueError("x"), 70), (SystemExit(2), 2), (SystemExit(None), 0), (SystemExit("text"), 70), (KeyboardInterrupt(), 130),
    ):  # fmt: skip
        assert terminal.concluded(raising(what)) == code
    assert terminal.concluded(lambda: None) == 0
    assert "ValueError: x" in capsys.readouterr().err


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_in_the_middle_leaves_what_was_there(sent: signal.Signals, code: int, folder: Path) -> None:
    assert run_with(folder, "", KEPT).returncode == 0
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    slow = "import piescope.auditing.run as run, time, pathlib\ndef answer(q, out, p):\n    (out / 'examples.parquet').write_text('half')\n    pathlib.Path('began').touch()\n    time.sleep(999)\nrun.answer = answer"
    running = subprocess.Popen(
        [sys.executable, "-c", f"{slow}\nfrom piescope.cli.app import main\nmain()", *BROKEN],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_signals,
    )  # fmt: skip
    wait_until((folder / "began").exists, running)
    running.send_signal(sent)
    _, told = running.communicate(timeout=HANG)
    assert running.returncode == code, told
    assert "nothing was kept" in told
    assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == before
    assert not (folder / "ci" / "j.xml").exists()


@pytest.mark.sampled(3)
def test_other_commands_end_as_without_a_reader(folder: Path) -> None:
    for arguments in (["studies"], ["recipes"], ["--help"], ["data"]):
        for redirection in ("| true", ">&-", "2>&1 | head -c 1"):
            assert in_shell(folder, redirection, piescope_command(*arguments)) == 0, (arguments, redirection)
    assert in_shell(folder, "2>&1 | true", piescope_command("run", "nonsense")) == 2


@pytest.mark.parametrize(("sent", "code"), [((signal.SIGTERM,), 143), ((signal.SIGHUP,), 129), ((), 130)])
def test_a_signal_before_a_command_begins_has_its_code_and_a_word(
    sent: tuple[int, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt(*sent)

    assert terminal.concluded(interrupted) == code
    assert re.fullmatch(r"error: [a-z ]+\n", capsys.readouterr().err)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_comes_when_all_is_done_changes_nothing(sent: signal.Signals) -> None:
    late = f"import atexit, os\natexit.register(lambda: os.kill(os.getpid(), {int(sent)}))"
    done = run_program([sys.executable, "-c", f"{late}\nfrom piescope.cli.app import main\nmain()", "studies"])
    assert (done.returncode, done.stderr) == (0, "") and "digits" in done.stdout


def test_gpus_are_called_as_the_variable_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    for named, expected in (("", ["0", "1"]), ("3,5", ["3", "5"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
        assert terminal.gpus() == expected
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert terminal.gpus() == ["0", "1"]


def test_who_is_to_outlive_its_terminal_does(folder: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    told = "import os, piescope.cli.app as app; app.app = lambda: os.kill(os.getpid(), signal.SIGHUP) or print('on')"
    done = run_program([sys.executable, "-c", f"{ignoring}\n{told}\napp.main()"])
    assert (done.returncode, done.stdout) == (0, "on\n"), done.stderr


def test_a_signal_while_modules_are_loaded_has_its_code(folder: Path) -> None:
    (folder / "typer.py").write_text("raise KeyboardInterrupt\n")
    code = "from piescope.__main__ import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    "fault", [["--budgets", "nowhere.toml"], ["--max-changed", "0.5"], ["--expect-accuracy", "0.5"], ["--strict"], None]
)
def test_no_verdict_of_an_earlier_audit_is_left_where_flags_are_wrong(fault: list[str] | None, folder: Path) -> None:
    assert run_piescope(*audit("--max-changed", "900"), cwd=folder).returncode == 0
    assert junit_of(folder).get("failures") == "0"
    words = audit(*fault) if fault is not None else ["audit", "--junit", "ci/j.xml"]  # no side is named
    done = run_piescope(*words, cwd=folder)
    assert (done.returncode, "no budgets" in done.stderr) == (2, fault == ["--strict"])
    assert not (folder / "ci" / "j.xml").exists()


def test_copies_of_one_file_are_told(folder: Path) -> None:
    (folder / "twin.csv").write_bytes((folder / "dense.csv").read_bytes())
    done = run_piescope("audit", "dense.csv", "twin.csv", "--labels", "truth.csv", cwd=folder)
    assert done.returncode == 0
    told = json.loads((folder / "piescope-audit" / "audit.json").read_text())["inputs"]["notes"]
    assert any("hold the same bytes" in note for note in told)
