"""Where a module's tests are; and, of a change, all test files that it concerns.

    python tests/mirrored.py [SINCE]

prints those that a change since a commit (HEAD, where none is named) concerns, the working tree included: `make touched`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE, TESTS = "src/piescope", "tests"

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
    "oracle/test_one_to_one.py": ("measure/cells", "measure/further_run", "measure/one_to_one"),
    "oracle/test_schedules.py": ("pruning/schedules", "training/schedule"),
    "oracle/test_vote_shares.py": ("measure/vote_shares",),
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


def concerned_by(changed: Iterable[str], root: Path = ROOT) -> list[str]:
    """The files of tests that a change concerns.

    Those that changed, those of modules that changed (beside them in the mirror, or as `ELSEWHERE` says), and all that
    name such a module, or a helper of the tests, in an import.

    Args:
        changed: files, from the root.
        root: of the checkout.
    """
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in (root / TESTS).rglob("test_*.py")}
    found = set[str]()
    for file in changed:
        path = Path(file)
        if path.suffix != ".py":
            continue
        if path.is_relative_to(SOURCE):
            module = path.relative_to(SOURCE).with_suffix("").as_posix().removesuffix("/__init__")
            folder, _, name = module.rpartition("/")
            found.add("/".join(filter(None, (TESTS, "unit", folder, f"test_{name}.py"))))
            found.update(f"{TESTS}/{of}" for of, modules in ELSEWHERE.items() if module in modules)
            imported = rf"piescope\.{module.replace('/', '[.]')}"
        elif path.is_relative_to(TESTS):
            found.add(file)
            imported = re.escape(path.stem)
        else:
            continue
        found.update(
            of for of, text in texts.items() if re.search(rf"^\s*(from|import) {imported}\b", text, re.MULTILINE)
        )
    return sorted(found & texts.keys())


def changed_since(commit: str, root: Path = ROOT) -> list[str]:
    """Files that differ between a commit and the working tree, and those that git does not know yet."""
    asked = (["git", "diff", "--name-only", commit], ["git", "ls-files", "--others", "--exclude-standard"])
    told = [subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout for words in asked]
    return "".join(told).splitlines()


if __name__ == "__main__":
    files = concerned_by(changed_since(*(sys.argv[1:] or ["HEAD"])))
    sys.stdout.write("\n".join(files) + "\n")
    sys.exit(not files and "no test file is concerned")
