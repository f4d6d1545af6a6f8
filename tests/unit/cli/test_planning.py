"""What `piescope plan` says before anything runs."""

from __future__ import annotations

import json
import signal
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner

from conftest import run_piescope
from piescope.cli import planning
from piescope.cli.app import app
from piescope.cli.terminal import BAD_INPUT
from piescope.report.study import results
from piescope.report.study import signal as signal_of_results
from piescope.report.study.rows import ArmKey, Bounds
from piescope.report.study.signal_rows import ForetoldRow
from piescope.store import layout
from piescope.store.catalogue import Catalogue
from piescope.study.folder import study_of
from piescope.study.parse import load_study
from piescope.study.plan import make_plan
from piescope.study.spec import Arm


def planned(study: str | Path, *options: str | Path) -> str:
    """What `plan` prints in this process, in one line."""
    done = CliRunner().invoke(app, ["plan", str(study), "--tune", "off", *map(str, options)])
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("own", "words", "as_json"),
    [
        (
            'extends = "digits"\ncontinues = "nosuch"',
            "continues nosuch, which does not ship: its folder, as --out, tells",
            {"study": "nosuch", "models": None, "left_over": None},
        ),
        (
            'extends = "digits"\ncontinues = "digits"\nreplicates_of = { "supcon gmp 0.9" = 3 }',
            "digits, but not as it ships: 2 of its 135 models are none here (supcon gmp 0.9, seed 3)",
            {"study": "digits", "models": 135, "left_over": ["supcon gmp 0.9, seed 3", "supcon gmp 0.9, seed 4"]},
        ),
        (
            'extends = "digits"\ncontinues = "digits"',
            "digits, all of whose 135 models are this study's: `run` may go on",
            {"study": "digits", "models": 135, "left_over": []},
        ),
    ],
)
def test_what_is_known_of_the_study_that_one_continues(
    own: str, words: str, as_json: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n{own}\n')
    assert words in planned(tmp_path / "mine.toml")
    assert json.loads(planned(tmp_path / "mine.toml", "--json"))["continues"] == as_json


def test_a_study_that_continues_none_says_nothing_of_it() -> None:
    assert "continues" not in planned("digits")
    assert json.loads(planned("digits", "--json"))["continues"] is None


@pytest.mark.parametrize(("signal_sent", "code"), [((), 130), ((signal.SIGTERM,), 143)])
def test_an_interrupted_plan_says_what_is_kept(
    signal_sent: tuple[int, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*_: object) -> None:
        raise KeyboardInterrupt(*signal_sent)

    monkeypatch.setattr("piescope.cli.app.tuned_for", measure)
    done = CliRunner().invoke(app, ["plan", "digits"])
    assert done.exit_code == code
    assert "paces that were measured by then are kept" in done.stderr and "nothing was kept" not in done.stderr


def edited(out: Path, path: Path, **keys: Any) -> Path:
    """The study of a folder as a file, with keys that are others."""
    path.write_text(tomli_w.dumps(tomllib.loads(layout.study(out).read_text()) | keys))
    return path


@pytest.mark.parametrize("keys", [{"name": "mine", "seed": 1}, {"name": "mine"}])
def test_what_run_would_refuse_is_not_planned(keys: dict[str, Any], stored_run: Path, tmp_path: Path) -> None:
    mine = edited(stored_run, tmp_path / "mine.toml", **keys)
    told = [run_piescope(command, mine, "--out", stored_run) for command in ("plan", "run")]
    assert [done.returncode for done in told] == [BAD_INPUT, BAD_INPUT]
    assert told[0].stderr == told[1].stderr and "models" in told[0].stderr


def test_a_folder_is_looked_at_before_data_are(stored_run: Path, tmp_path: Path) -> None:
    done = run_piescope("run", "cifar10-small", "--out", stored_run, "--data-dir", tmp_path / "nowhere")
    assert done.returncode == BAD_INPUT and "models this one has not" in done.stderr and "nowhere" not in done.stderr


def test_only_models_of_the_study_foretell(stored_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Catalogue] = []
    monkeypatch.setattr(results, "load_results", lambda _out, catalogue: seen.append(catalogue))
    there = study_of(stored_run)
    assert there.training.supervised is not None
    longer = there.training.supervised.model_copy(update={"epochs": 100})
    for update in (
        {"replicates": 9},
        {"training": there.training.model_copy(update={"supervised": longer})},
        {"seed": there.seed + 1},
    ):
        planning.left_and_foretold(make_plan(there.model_copy(update=update)), stored_run)
    objectives = [{arm.objective for arm in catalogue.arms} for catalogue in seen]
    assert objectives[0] == set(there.arms) and "supervised" in objectives[0]
    assert objectives[1] == objectives[0] - {"supervised"}
    assert objectives[2] == set()


class TwoArms:
    """Of a `Signal`: supervised GMP alone has models enough."""

    def __init__(self, _results: object) -> None: ...

    def foretold(self, models: Mapping[ArmKey, int]) -> list[ForetoldRow]:
        told = [arm for arm in models if (arm.objective, arm.pruning) == ("supervised", "gmp")]
        return [ForetoldRow(arm, models[arm], 12.0, 0.2, Bounds(1.0, 0.0, 2.0), 9, 20, 4) for arm in told]


def test_arms_of_which_nothing_is_foretold_are_named(stored_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_of_results, "Signal", TwoArms)
    study = load_study(str(stored_run / "study.toml"))
    asked = "--out", stored_run
    told = json.loads(planned(stored_run / "study.toml", *asked, "--json"))
    pruned = [arm for arm in study.arm_list() if arm.pruning in study.pruning]
    assert {row["pruning"] for row in told["foretold"]} == {"gmp"}
    others = [arm for arm in pruned if (arm.objective, arm.pruning) != ("supervised", "gmp")]
    assert [Arm(**arm) for arm in told["not_foretold"]] == others
    words = planned(stored_run / "study.toml", *asked)
    assert "(5 an arm are needed)" in words
    assert "to foretell PIE counts of supervised" in words and str(Arm(**told["not_foretold"][0])) in words


def test_tables_that_no_arm_names_are_told(tmp_path: Path) -> None:
    more = '[controls.again]\nkind = "fresh_dense"\n[pruning.mine]\nkind = "one_shot"\nfinetune = { epochs = 1, batch_size = 50, learning_rate = 0.01 }\n'
    (tmp_path / "mine.toml").write_text(f'name = "mine"\nextends = "digits"\n{more}')
    assert "not used pruning.mine, controls.again: no arm names them" in planned(tmp_path / "mine.toml")
    assert "not used" not in planned("digits")


def test_a_batch_larger_than_the_data_is_told(tmp_path: Path) -> None:
    own = 'extends = "digits"\n[training.supervised]\nbatch_size = 5000\n[arms]\nsupervised = ["dense"]\n'
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n{own}')
    told = planned(tmp_path / "mine.toml")
    assert "one step an epoch, as a batch is larger than the 1,000 images: training.supervised" in told
    assert "one step an epoch" not in planned("digits")
