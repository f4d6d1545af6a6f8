"""tests/unit mirrors src/piescope: a module's tests stand where the module stands, or here it says where they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE, TESTS = ROOT / "src" / "piescope", ROOT / "tests"

ELSEWHERE = {
    "cases/test_batches_of_models.py": ("adapters/batches", "adapters/running"),
    "cases/test_known_formats.py": ("reading/known_formats",),
    "cases/test_relabelled.py": ("auditing/answers/suspicions",),
    "cases/test_truth_or_answer.py": ("reading/truth_marks",),
    "cli/test_audit_command.py": ("cli/audit",),
    "cli/test_commands.py": ("cli/app",),
    "cli/test_data_commands.py": ("cli/data_sets", "cli/recipes", "study/inspect"),
    "cli/test_gates.py": ("__main__",),
    "contract/test_package.py": ("version",),
    "contract/test_shapes.py": ("axes",),
    "contract/test_stored.py": (
        *(f"store/{name}" for name in ("audit_answers", "audit_inputs", "audit_record", "catalogue", "step_records")),
    ),
    "golden/test_golden.py": ("seeds", "study/comparing", "study/parents"),
    "oracle/test_audit.py": (
        *(f"auditing/answers/{name}" for name in ("accuracy", "calibration", "changed", "flips")),
        *(f"auditing/answers/{name}" for name in ("measures", "noise", "pairs")),
        "measure/accuracy",
        "measure/arrays",
    ),
    "oracle/test_classification.py": ("measure/classification",),
    "oracle/test_noise_floor.py": ("measure/intervals",),
    "oracle/test_one_to_one.py": ("measure/cells", "measure/one_to_one"),
    "oracle/test_schedules.py": ("pruning/schedules", "training/schedule"),
    "unit/adapters/test_torch_compress.py": ("adapters/copies",),
    "unit/auditing/answers/test_kappa.py": ("store/audit_measures",),
    "unit/auditing/answers/test_sums.py": ("auditing/run",),
    "unit/auditing/test_folder.py": ("store/audit_layout",),
    "unit/data/test_readers.py": ("data/checks", "data/halves"),
    "unit/pruning/test_pruner.py": ("pruning/method",),
    "unit/reading/test_files.py": ("reading/signatures",),
    "unit/reading/test_inputs.py": ("reading/predictions",),
    "unit/reading/test_roles.py": ("reading/evidence", "reading/names"),
    "unit/report/audit/test_document.py": ("report/layout/standalone",),
    "unit/report/study/test_claims.py": ("report/study/evidence",),
    "unit/report/study/test_document.py": (
        "report/study/signal_tables",
        "report/study/words",
    ),
    "unit/report/study/test_signal.py": (
        *(f"report/study/{name}" for name in ("predictors", "signal_rows", "signal_words")),
    ),
    "unit/store/test_artefacts.py": ("store/durable", "store/layout"),
    "unit/study/test_checks.py": ("study/controls", "study/spec"),
    "unit/study/test_plan.py": ("spec",),
    "unit/study/test_scheduling.py": ("study/executors/protocol",),
}
"""Modules without a test file of their own, by the file whose tests use them. The list may not grow."""

MOST = 70

OF_SEVERAL = {
    "auditing/answers/test_sums.py": "the sums of every answer",
    "auditing/test_odd_input.py": "whole audits of odd input",
    "data/test_readers.py": "every reader of pictures",
    "reading/test_fuzz.py": "every reader of an audit, on damaged files",
    "test_device.py": "what runs on a device, from pruning to copies",
}
"""Files of tests/unit about several modules, and what they are about."""


def modules(source: Path) -> set[str]:
    """``auditing/units``; packages' own files are no modules."""
    files = (path.relative_to(source) for path in source.rglob("*.py") if path.name != "__init__.py")
    return {path.with_suffix("").as_posix() for path in files}


def named_by(tests: Path) -> set[str]:
    """The modules that files of tests are named after."""
    files = (path.relative_to(tests) for path in tests.rglob("test_*.py"))
    return {(path.parent / path.stem.removeprefix("test_")).as_posix() for path in files}


def test_every_module_has_a_file_of_tests_or_stands_in_the_list() -> None:
    listed = [module for names in ELSEWHERE.values() for module in names]
    sys.stdout.write("".join(f"{module}: {file}\n" for file, names in ELSEWHERE.items() for module in names))
    assert len(modules(SOURCE)) > 200
    assert modules(SOURCE) - named_by(TESTS / "unit") == set(listed)
    assert len(listed) == len(set(listed)) <= MOST


@pytest.mark.parametrize("file", ELSEWHERE)
def test_where_their_tests_stand_there_are_some(file: str) -> None:
    assert "\ndef test_" in (TESTS / file).read_text("utf-8")


def test_every_file_of_unit_tests_is_named_after_a_module() -> None:
    others = named_by(TESTS / "unit") - modules(SOURCE)
    assert others == {file.removesuffix(".py").replace("test_", "") for file in OF_SEVERAL}


def test_a_module_that_has_no_tests_is_found(tmp_path: Path) -> None:
    for file in ("src/room/one.py", "src/room/other.py", "src/room/__init__.py", "unit/room/test_one.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert modules(tmp_path / "src") - named_by(tmp_path / "unit") == {"room/other"}
