"""Any file of a study's folder damaged in any way: no command ends in a trace, and what cannot be read is named with why and what to do."""

from __future__ import annotations

import datetime
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from made_faults import Survived
from piescope.cli.app import app
from piescope.store import layout
from piescope.store.artefacts import CorruptArtefactError, Store
from piescope.store.durable import as_json
from piescope.store.failures import Failure
from piescope.store.soundness import hashed, look

LONG = os.environ.get("PIESCOPE_FAULTS") == "long"
"""`make faults`: every command on every file, damaged in every way; otherwise a sample that is other on each day."""

KEY = "a" * 32

DRAWS = random.Random(datetime.datetime.now(datetime.UTC).toordinal())


@pytest.fixture(scope="module")
def whole(stored_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with results, a failed step, a run that was killed."""
    out = tmp_path_factory.mktemp("damage") / "out"
    shutil.copytree(stored_run, out)
    runner = CliRunner()
    assert runner.invoke(app, ["report", str(out)]).exit_code == 0
    layout.failures(out).mkdir()
    layout.failure(out, KEY).write_bytes(Failure(key=KEY, label="x", reason="it diverged", time="now").as_bytes())
    layout.lock(out).touch()
    return out


def one(out: Path, kind: str, name: str) -> Path:
    return sorted(layout.artefacts(out).glob(f"{kind}/*/{name}"))[0]


FILES: dict[str, Callable[[Path], Path]] = {
    "study.toml": layout.study,
    "catalogue.json": layout.catalogue,
    "failures": lambda out: layout.failure(out, KEY),
    "results/manifest.json": layout.results_manifest,
    "results/tables/pies.csv": lambda out: layout.table(out, "pies", "csv"),
    "results/examples.parquet": layout.examples,
    "report.html": layout.report,
    "data.json": lambda out: one(out, "data", layout.DATA_FACTS),
    "images.safetensors": lambda out: one(out, "data", layout.IMAGES),
    "sparsity.json": lambda out: one(out, "train", layout.SPARSITY),
    "predictions.safetensors": lambda out: one(out, "predict", layout.PREDICTIONS),
    "summary.json": lambda out: one(out, "compare", layout.SUMMARY),
    "examples.parquet": lambda out: one(out, "compare", layout.EXAMPLES),
    "models.safetensors": lambda out: one(out, "compare", layout.MODELS),
    "projection.safetensors": lambda out: one(out, "project", layout.PROJECTION),
    "manifest of data": lambda out: one(out, "data", layout.MANIFEST),
    "manifest of compare": lambda out: one(out, "compare", layout.MANIFEST),
    "manifest of predict": lambda out: one(out, "predict", layout.MANIFEST),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[DRAWS.randrange(len(content))] ^= 1 << DRAWS.randrange(8)
    path.write_bytes(content)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero_tail(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_type(path: Path) -> None:
    path.write_bytes(b"[1]\n")


def other_keys(path: Path) -> None:
    path.write_bytes(
        as_json({"keys": 1, "key": [], "files": 3, "study": None, "arms": 1, "missing": {}, "made_from": []})
    )


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 10**5)


def another_file(path: Path) -> None:
    """Of its neighbour, as if two had been swapped."""
    others = [each for each in sorted(path.parent.iterdir()) if each.is_file() and each != path]
    path.write_bytes((others[0] if others else layout.catalogue(path.parents[1])).read_bytes())


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE = (
    flip, truncate, zero_tail, empty, other_type, other_keys, nested, another_file, a_folder, a_link_to_nothing, a_pipe, Path.unlink,
)  # fmt: skip

COMMANDS: dict[str, tuple[str, ...]] = {
    "status": ("status", "OUT"),
    "verify": ("verify", "OUT"),
    "gc": ("gc", "OUT", "--dry-run"),
    "figures": ("figures", "OUT", "--only", "1", "--format", "svg", "--out", "OUT/../figures"),
    "report": ("report", "OUT"),
    "show": ("show", "OUT", "--no-browser"),
}
"""Those that read a folder; `run` is in test_interruptions.py and tests/unit/study/test_execute.py."""


def cases() -> list[tuple[str, Callable[[Path], None], str]]:
    every = [(name, damage, command) for name in FILES for damage in DAMAGE for command in COMMANDS]
    slow = [case for case in every if case[2] in ("figures", "report", "show")]
    quick = [case for case in every if case not in slow]
    return [*quick, *DRAWS.sample(slow, 90)] if LONG else DRAWS.sample(quick, 25)


@pytest.mark.sampled(8, heavy=True)
def test_no_command_ends_in_a_trace(whole: Path, survived: Survived) -> None:
    tried = cases()
    for name, damage, command in tried:
        path = FILES[name](whole)
        content = path.read_bytes()
        damage(path)
        done = CliRunner().invoke(app, [argument.replace("OUT", str(whole)) for argument in COMMANDS[command]])
        what = f"{command} of {name}, {damage.__name__}\n{done.output}\n{done.exception!r}"
        assert done.exit_code in (0, 1, 2, 3) and "Traceback" not in done.output, what
        if done.exit_code:
            assert re.search(r"^error: ", done.output, re.MULTILINE), what
            assert "piescope" in done.output or "cure" in done.output or "see to it" in done.output, what
        restore(path, content)
    survived("damaged file before a command that reads the folder", len(tried))


def restore(path: Path, content: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_flipped_bit_of_any_file_of_any_kind_of_step_is_found_before_use(whole: Path, survived: Survived) -> None:
    """Of every byte in files of at most 4 kB, elsewhere in 1,000; in `make test` in 30 of each."""
    seen = 0
    for kind in sorted(layout.artefacts(whole).iterdir()):
        folder = sorted(kind.iterdir())[0]
        for path in sorted(folder.iterdir()):
            content, store = path.read_bytes(), Store(whole)
            most = len(content) if len(content) <= 4096 else 1000
            places = DRAWS.sample(range(len(content)), min(len(content), most if LONG else 30))
            with path.open("r+b") as file:
                for place in places:
                    os.pwrite(file.fileno(), bytes([content[place] ^ 1 << DRAWS.randrange(8)]), place)
                    with pytest.raises(CorruptArtefactError):  # what a reader does
                        store.load(kind.name, folder.name).read(path.name)
                    assert hashed(folder, look(folder), every=False).fault  # what a run does before any work
                    os.pwrite(file.fileno(), content[place : place + 1], place)
                    seen += 1
            assert not hashed(folder, look(folder), every=True).fault
    survived("flipped bit in a file of a step, before it is read", seen)
