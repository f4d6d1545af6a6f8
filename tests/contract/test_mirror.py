"""tests/unit mirrors src/piescope: a module's tests stand where the module stands, or mirrored.py says where they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mirrored import ELSEWHERE, concerned_by

ROOT = Path(__file__).parents[2]
SOURCE, TESTS = ROOT / "src" / "piescope", ROOT / "tests"

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


def test_a_change_concerns_its_tests_and_those_that_import_it(tmp_path: Path) -> None:
    for file, text in {
        "src/piescope/room/one.py": "",
        "src/piescope/room/other.py": "",
        "tests/unit/room/test_one.py": "",
        "tests/unit/room/test_other.py": "from piescope.room.one_more import x",
        "tests/cases/test_all.py": "import sys\nfrom piescope.room.one import x\n",
        "tests/cli/test_late.py": "def test_x():\n    from piescope.room.one import x\n    import made_one\n",
        "tests/made_one.py": "",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    imports, own = ["tests/cases/test_all.py", "tests/cli/test_late.py"], "tests/unit/room/test_one.py"
    assert concerned_by(["src/piescope/room/one.py"], tmp_path) == [*imports, own]
    assert concerned_by(["tests/made_one.py", "docs/one.md", "tests/gone/test_x.py"], tmp_path) == imports[1:]
    assert concerned_by([own], tmp_path) == [own]
    assert concerned_by(["src/piescope/gone.py"], tmp_path) == []
    assert "tests/oracle/test_noise_floor.py" in concerned_by(["src/piescope/measure/intervals.py"])
