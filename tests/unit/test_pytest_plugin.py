"""The fixture in a user's own tests, each in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.sampled(3, of_file=True)

ROOT = Path(__file__).parents[2]

# 40 of 1,000 examples are lost, all of class 1
FILES = """
from pathlib import Path
labels = [i % 2 for i in range(1000)]
dense = labels
compressed = [0 if i < 80 else label for i, label in enumerate(labels)]
for name, values in {"labels": labels, "dense": dense, "int8": compressed}.items():
    Path(f"{name}.csv").write_text("label\\n" + "".join(f"{value}\\n" for value in values))
"""

# what piescope.audit does, as far as budgets go
STAND_IN = """
import piescope
from types import SimpleNamespace
from piescope.auditing.budgets import judge
from piescope.store.audit_record import AuditRecord

def audit(dense, compressed, dataset_or_labels=None, *, labels=None, metadata=None, budgets=None, out=None):
    read = lambda path: [int(line) for line in open(path).read().split()[1:]]
    before, after, truth = read(dense), read(compressed), read(labels)
    lost = sum(d == t != c for d, c, t in zip(before, after, truth))
    content = {
        "n_examples": len(truth), "changed": sum(d != c for d, c in zip(before, after)), "groups": [],
        "inputs": {"dense": {"n_models": 1}, "compressed": {"n_models": 1}, "metadata": None},
        "accuracy": {"dense_modal": 100.0, "change": -100 * lost / len(truth), "change_interval": None},
        "flips": {"correct_to_wrong": lost, "wrong_to_correct": 0},
        "classes": [{"class": "1", "examples": 500, "impact": -100 * lost / 500, "low": None, "high": None,
                     "correct_to_wrong": lost, "wrong_to_correct": 0}],
    }
    record = AuditRecord.of(content)
    record = record.with_answers(budgets=tuple(judge(record, budgets)))
    return SimpleNamespace(record=record, content=record.content())

piescope.audit = audit
"""


def is_there(name: str) -> bool:
    import piescope

    return hasattr(piescope, name)


@pytest.fixture(params=["stand-in", "piescope.audit"])
def project(
    request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A user's project; with the real audit, and with one that is known to be right."""
    if request.param == "piescope.audit" and not is_there("audit"):
        pytest.skip("piescope.audit is not there")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "piescope.pytest_plugin")
    exec(FILES)
    pytester.makeconftest(STAND_IN if request.param == "stand-in" else "")
    return pytester


def outcome(project: pytest.Pytester, call: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(
        f"def test_it(piescope_audit):\n    found = piescope_audit({call})\n    assert found.content['n_examples'] == 1000\n"
    )
    return project.runpytest_subprocess(*arguments)


def test_a_kept_budget_passes_and_gives_the_audit(project: pytest.Pytester) -> None:
    done = outcome(project, "'dense.csv', 'int8.csv', 'labels.csv', max_flips='6%', max_class_drop=12, max_changed=40")
    done.assert_outcomes(passed=1, warnings=0)


def test_a_broken_budget_fails_with_the_verdict_in_its_message(project: pytest.Pytester) -> None:
    done = outcome(project, "'dense.csv', 'int8.csv', 'labels.csv', max_flips='3%', max_changed=40, max_class_drop=5")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*AssertionError: max_flips broken: 4.0 % (up to 5.2 at 95 %), limit 3 %; 40 of 1,000 examples*",
            "*max_class_drop broken: −8.0 points *",
        ]
    )
    assert "max_changed kept" not in done.stdout.str()
    assert "pytest_plugin.py" not in done.stdout.str()  # the user's line is shown, not ours


@pytest.mark.sampled(3)
def test_an_undecided_budget_warns_and_fails_if_strict(project: pytest.Pytester) -> None:
    call = "'dense.csv', 'int8.csv', 'labels.csv', max_flips='4.5%'"
    lenient = outcome(project, call)
    lenient.assert_outcomes(passed=1, warnings=1)
    lenient.stdout.fnmatch_lines(
        ["*test_it.py:2: UndecidedBudgetWarning: max_flips undecided: 4.0 %*would do*".replace("test_it", "test_*")]
    )
    outcome(project, "[1, 1], [1, 0], labels=[1, 1], strict=True").stdout.fnmatch_lines(["*no budgets*"])
    strict = outcome(project, call + ", strict=True")
    strict.assert_outcomes(failed=1, warnings=0)
    strict.stdout.fnmatch_lines(["*AssertionError: max_flips undecided: 4.0 %*"])
    as_error = outcome(project, call, "-W", "error::piescope.pytest_plugin.UndecidedBudgetWarning")
    as_error.assert_outcomes(failed=1)


def test_budgets_come_from_a_file_and_arguments_replace_them(project: pytest.Pytester) -> None:
    (project.path / "budgets.toml").write_text("[budgets]\nmax_changed = 39\n")
    call = "'dense.csv', 'int8.csv', 'labels.csv', budgets='budgets.toml'"
    outcome(project, call).assert_outcomes(failed=1)
    outcome(project, call + ", max_changed=40").assert_outcomes(passed=1)
    outcome(project, call.replace("'budgets.toml'", "{'max_changed': 39}")).assert_outcomes(failed=1)


def test_a_misspelt_budget_is_no_budget_passed(project: pytest.Pytester) -> None:
    done = outcome(project, "'dense.csv', 'int8.csv', 'labels.csv', max_flip=200")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*did you mean 'max_flips'?*"])


def test_an_audit_that_leaves_a_budget_out_is_no_budget_kept(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "piescope.pytest_plugin")
    exec(FILES)
    pytester.makeconftest(STAND_IN.replace("budgets=tuple(judge(record, budgets))", "budgets=()"))
    done = outcome(pytester, "'dense.csv', 'int8.csv', 'labels.csv', max_flips=200")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*no verdict on max_flips*"])


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport piescope.pytest_plugin\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))\n"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith('piescope')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['piescope']", "['piescope', 'piescope.pytest_plugin', 'piescope.version']"]


def test_pytest_finds_the_plugin_by_itself() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"piescope": "piescope.pytest_plugin"}
    installed = [entry.value for entry in entry_points(group="pytest11") if entry.name == "piescope"]
    assert installed == ["piescope.pytest_plugin"], "install piescope again: its entry points are older than its code"
