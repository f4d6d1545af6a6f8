"""Each command as its user types it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conftest import HANG, SMALL, TINY, Run, piescope_command, run_piescope
from piescope.cli.app import app
from piescope.data.sources import SOURCES
from piescope.study.execute import prepare
from piescope.study.forecast import Forecast
from piescope.study.parse import builtin_studies, load_study
from piescope.study.provenance import recipe_names
from piescope.study.tuning import Tuned


def test_no_arguments_show_the_commands() -> None:
    done = run_piescope()
    assert done.returncode == 2
    assert "Commands" in done.stdout + done.stderr


def test_a_typo_ends_with_2() -> None:
    done = run_piescope("rum", "digits")
    assert done.returncode == 2
    assert "No such command 'rum'" in done.stderr
    assert run_piescope("run", "digits", "--workers", "0").returncode == 2
    assert run_piescope("run").returncode == 2


def test_a_wrong_study_ends_with_2_before_any_work(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(TINY.read_text().replace("[0.5, 0.9]", "[0.5, 90]").replace("seed = 7", "sede = 7"))
    done = run_piescope("run", wrong, "--out", tmp_path / "out")
    assert done.returncode == 2
    for part in ("sparsities.1", "found     90", "write 0.9 for 90 %", "unknown key 'sede'", "did you mean 'seed'?"):
        assert part in done.stderr
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in done.stderr


def test_unknown_study(tmp_path: Path) -> None:
    done = run_piescope("run", "digitz", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'digits'?" in done.stderr
    assert not list(tmp_path.iterdir())


def test_studies_lists_the_builtin_ones() -> None:
    done = run_piescope("studies")
    assert done.returncode == 0
    assert "digits" in done.stdout
    assert "WRN-10-1" in done.stdout


@pytest.mark.parametrize("width", ["200", "81", "80", "60", "20"])
def test_names_that_one_types_are_whole_at_any_width(width: str) -> None:
    for command, names in (("studies", builtin_studies()), ("recipes", recipe_names()), ("data", SOURCES)):
        words = run_piescope(command, env={"COLUMNS": width}).stdout.split()
        assert set(names) <= set(words), (command, width)


@pytest.mark.sampled(8, heavy=True)
def test_plan_json(tmp_path: Path) -> None:
    done = run_piescope("plan", TINY, "--json", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["models"] == sum(arm["models"] for arm in told["arms"]) == 24
    assert set(told["arms"][0]) == {"objective", "pruning", "sparsity", "models"}
    assert told["trainings"] + told["finetunings"] == 24
    assert (told["workers"], told["paces"]) == (1, "measured now")
    assert sum(told["steps"].values()) == 75
    assert told["training_flops"] > 1e9
    assert 0 < told["seconds"] < 3600
    assert told["peak_memory_bytes"] > 10**8
    assert not list(tmp_path.iterdir())  # runs nothing


@pytest.fixture
def plan_at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`piescope plan` in this process and without its seconds of calibration."""
    monkeypatch.setattr("piescope.cli.app.tuned_for", lambda plan, *_: Tuned(3, {}, "kept of a day", "why so many"))
    told = Forecast(180.0, 300.0, 10**9)
    monkeypatch.setattr("piescope.study.forecast.forecast", lambda plan, workers, paces: told)
    return lambda *arguments: CliRunner().invoke(app, ["plan", *map(str, arguments)])


def test_plan_in_words(plan_at_once: Callable[..., Result]) -> None:
    told = plan_at_once(TINY, "--workers", "3")
    assert told.exit_code == 0
    more = "more if trainings of a seed did not share their first steps)"
    time = "about 3 min 0 s on 3 workers, if nothing else runs (5 min 0 s of processors)"
    chosen = ("kept of a day", "workers          3: why so many")
    for words in ("models           24", "steps            75", more, "about 1.0 GB", time, *chosen):
        assert words in told.stdout, told.stdout


def test_plan_tells_that_arms_have_other_numbers_of_models(plan_at_once: Callable[..., Result]) -> None:
    assert "; 5 models an arm\n" in plan_at_once("digits").stdout
    assert "; 25 to 30 models an arm\n" in plan_at_once("corti2022-paper").stdout


def test_plan_without_measuring() -> None:
    told = run_piescope("plan", TINY, "--tune", "off")
    assert told.returncode == 0, told.stderr
    assert "roughly: nothing was to be measured" in told.stdout


def test_run_says_what_it_did(tiny_run: Run) -> None:
    assert "24 models in 12 arms" in tiny_run.printed
    assert "0 done, 75 to run" in tiny_run.printed
    assert "ran 75 steps in" in tiny_run.printed
    assert "report.html" in tiny_run.printed
    assert "\x1b" not in tiny_run.printed  # plain lines without a terminal


def test_status_of_a_finished_study(small_run: Run) -> None:
    done = run_piescope("status", small_run.out)
    assert done.returncode == 0
    assert "all 25 steps are done; next: piescope show" in done.stdout
    narrow = run_piescope("status", small_run.out, env={"COLUMNS": "40"})
    assert narrow.returncode == 0


def test_status_tells_which_arms_have_other_numbers_of_models(small_run: Run, tmp_path: Path) -> None:
    out = small_run.copy(tmp_path / "copy")
    text = (out / "study.toml").read_text().partition("\n")[2]
    assert "[replicates_of]\n" in text
    (out / "study.toml").write_text(text.replace("[replicates_of]\n", '[replicates_of]\n"supcon gmp 0.5" = 1\n'))
    done = run_piescope("status", out)
    assert done.returncode == 0 and "supcon gmp 0.5: 1 model; others have 2" in done.stdout


def test_status_and_report_of_no_study(tmp_path: Path) -> None:
    for command in ("status", "report"):
        done = run_piescope(command, tmp_path)
        assert done.returncode == 2
        assert "no study.toml" in done.stderr
        assert run_piescope(command, tmp_path / "nowhere").returncode == 2


def test_folders_that_hold_something_else(small_run: Run, tmp_path: Path) -> None:
    renamed = tmp_path / "other.toml"
    renamed.write_text(SMALL.read_text().replace('name = "small"', 'name = "other"'))
    done = run_piescope("run", renamed, "--out", small_run.copy(tmp_path / "copy"))
    assert done.returncode == 2
    assert "the study 'small'" in done.stderr
    file = tmp_path / "file"
    file.write_text("mine")
    assert run_piescope("run", SMALL, "--out", file).returncode == 2
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    done = run_piescope("run", SMALL, "--out", folder)
    assert done.returncode == 2
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


@pytest.mark.sampled(8, heavy=True)
def test_a_changed_study_redoes_only_what_changed(small_run: Run, tmp_path: Path) -> None:
    out = small_run.copy(tmp_path / "copy")  # a moved folder works, too
    edited = tmp_path / "edited.toml"
    edited.write_text(SMALL.read_text().replace('title = "A small', 'title = "A renamed'))
    done = run_piescope("run", edited, "--out", out)
    assert done.returncode == 0
    assert "25 done, 0 to run" in done.stdout
    assert "A renamed study" in (out / "report.html").read_text()
    fewer = tmp_path / "fewer.toml"
    fewer.write_text(SMALL.read_text().replace('supcon = ["dense", "gmp"]', ""))
    done = run_piescope("run", fewer, "--out", out)
    assert "0 to run" in done.stdout
    assert "supcon" not in (out / "results" / "tables" / "pies.csv").read_text()


HOLD = """
import sys
from collections.abc import Callable
from pathlib import Path
from piescope.store.durable import folder_lock
with folder_lock(Path(sys.argv[1])) as lock:
    assert lock.is_alone or lock.be_alone()
    if sys.argv[2] == "shared":
        lock.share()
    print('held', flush=True)
    sys.stdin.read()
"""


def run_beside(out: Path, how: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A run in a folder whose lock another process holds."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, out, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return run_piescope("run", *arguments, "--out", out)
    finally:
        holder.communicate()


@pytest.mark.sampled(8, heavy=True)
def test_a_runner_joins_others_unless_they_or_it_need_the_folder_alone(small_run: Run, tmp_path: Path) -> None:
    out, edited = small_run.copy(tmp_path / "a copy's"), tmp_path / "edited.toml"
    edited.write_text(SMALL.read_text().replace('title = "A small', 'title = "A renamed'))
    joined = run_beside(out, "shared", SMALL)
    assert joined.returncode == 0 and "25 done, 0 to run" in joined.stdout, joined.stderr
    for how, *arguments in (("alone", SMALL), ("shared", SMALL, "--fresh"), ("shared", edited)):
        done = run_beside(out, str(how), *arguments)
        assert done.returncode == 3
        assert "another `piescope run` is at work" in done.stderr
    assert "on another version of this study" in done.stderr
    assert "A small study" in (out / "study.toml").read_text()
    typed = re.search(r"help it \(`piescope (.*)`\), wait", done.stderr)
    assert typed is not None, done.stderr
    helped = run_piescope(*shlex.split(typed[1]), cwd=tmp_path)  # as typed, where it would begin a folder of its own
    assert helped.returncode == 0 and "25 done, 0 to run" in helped.stdout, helped.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a copy's", "edited.toml"]


def test_closed_output_is_no_error(small_run: Run) -> None:
    process = subprocess.Popen(
        piescope_command("status", small_run.out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(HANG) == 0


def test_a_folder_that_cannot_be_made_or_written_to(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file / "out", Path("/proc/piescope")):
        done = run_piescope("run", TINY, "--out", out)
        assert done.returncode == 2
        assert "can be made and written to" in done.stderr


@pytest.mark.parametrize("command", [["report"], ["show", "--no-browser"], ["figures"]])
def test_a_study_without_a_complete_arm_is_bad_input_and_no_failed_step(command: list[str], tmp_path: Path) -> None:
    out = tmp_path / "a study"
    prepare(load_study(str(TINY)), out, fresh=False)
    done = run_piescope(*command, out)
    assert done.returncode == 2
    assert (
        f"no arm is complete yet: there is nothing to {'draw' if command == ['figures'] else 'report'}" in done.stderr
    )
    assert f"`piescope status '{out}'` says what is done" in done.stderr


def test_plan_of_a_folder_counts_what_is_left(tiny_run: Run, plan_at_once: Callable[..., Result]) -> None:
    done = plan_at_once(TINY, "--out", tiny_run.out, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(told["steps"].values()) == 0
    assert told["steps_done"] > 0
    assert told["training_flops"] == 0
    assert told["foretold"] == []  # two models an arm foretell nothing
    words = plan_at_once(TINY, "--out", tiny_run.out)
    assert "too few models there" in words.stdout
    assert "steps            0: nothing is left to do" in words.stdout and "time here" not in words.stdout
    assert f"{told['steps_done']} of {told['steps_done']} steps" in words.stdout
    refused = run_piescope("plan", TINY, "--out", tiny_run.out / "nothing")
    assert refused.returncode == 2
    assert "no study.toml" in refused.stderr
