"""Budgets: what is read and what is refused, what a build sees, and that the document on builds is true."""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from made_budgets import an_audit, class_row, judge
from piescope import audit
from piescope.auditing.budgets import Budgets, is_broken, verdict_line
from piescope.problems import InputError
from piescope.store.audit_record import BudgetRow

DOCUMENT = Path(__file__).parents[3] / "docs" / "ci.md"


FLAGS = (
    "--max-flips 2%", "--max-class-drop 3", "--max-changed 200", "--equivalent-within 1", "--max-group-drop 3",
    "--budgets", "--strict", "--junit",
)  # fmt: skip


def test_a_file_and_flags_give_the_same_budgets_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text(
        '[budgets]\nmax_flips = "2%"\nmax_class_drop = 3\nmax_changed = 200\nequivalent_within = 1\nmax_group_drop = 2.5\n'
    )
    typed = {
        "max_flips": "2 %",
        "max_class_drop": "3",
        "max_changed": "200",
        "equivalent_within": "1",
        "max_group_drop": "2.5",
    }
    from_file = Budgets.from_file(file)
    assert from_file == Budgets.from_flags(typed)
    assert from_file.given == {
        "max_flips": "2%",
        "max_class_drop": 3,
        "max_changed": 200,
        "equivalent_within": 1,
        "max_group_drop": 2.5,
    }
    both = Budgets.from_flags({"max_flips": "7", "max_class_drop": None}, from_file)
    assert both.given == from_file.given | {"max_flips": 7}
    assert Budgets.from_flags({"max_flips": None}).given == {}


@pytest.mark.parametrize("name", ["max_flips", "max_changed"])
@pytest.mark.parametrize(
    "value",
    [
        -1,
        2.5,
        2.0,
        math.nan,
        math.inf,
        True,
        False,
        "-1%",
        "101%",
        "2",
        "2 percent",
        "2,5%",
        "%",
        "",
        "nan%",
        "1e1%",
        "٣%",
        [],
        {},
        0.02,
        "200 %",
    ],
)
def test_what_is_neither_a_count_nor_a_share_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError) as refused:
        Budgets.of({name: value}, "budgets.toml")
    (problem,) = refused.value.problems
    assert problem.where == name and "200" in problem.expected and "2%" in problem.expected and problem.cure


@pytest.mark.parametrize(
    ("typed", "found", "cure"),
    [
        ("max_flips = 2024-01-01", "2024-01-01", "write a number, or a share in quotes"),
        ("max_class_drop = 07:32:00", "07:32:00", "write a number, or leave"),
    ],
)
def test_dates_are_shown_as_they_were_written(typed: str, found: str, cure: str, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(f"[budgets]\n{typed}\n")
    with pytest.raises(InputError) as caught:
        Budgets.from_file(tmp_path / "b.toml")
    (problem,) = caught.value.problems
    assert problem.where == f"budgets.{typed.split()[0]}"
    assert problem.found == found and problem.cure.startswith(cure)


@pytest.mark.parametrize("name", ["max_class_drop", "equivalent_within", "max_group_drop"])
@pytest.mark.parametrize("value", [-1, -0.1, 100.5, 10**400, math.nan, math.inf, True, "3", "3%", [3]])
def test_what_are_no_points_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError) as refused:
        Budgets.of({name: value})
    (problem,) = refused.value.problems
    assert problem.where == name and "points" in problem.expected


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"max_flips": "nonsense"}, "'nonsense'"),
        ({"max_class_drop": "3%"}, "write 3: it is"),
        ({"max_flip": 3}, "unknown"),
    ],
)
def test_made_by_their_names_they_are_refused_in_the_same_words(wrong: dict[str, Any], found: str) -> None:
    refusals = []
    for make in (lambda: Budgets(**wrong), lambda: Budgets.of(wrong)):
        with pytest.raises(InputError, match=found) as refused:
            make()
        refusals.append(str(refused.value))
    assert refusals[0] == refusals[1]
    assert Budgets(max_flips=np.int64(50), max_class_drop=np.float32(2.5)) == Budgets.of(
        {"max_flips": 50, "max_class_drop": 2.5}
    )
    with pytest.raises(InputError, match="unknown budget '1'"):
        Budgets.of({1: 2})  # type: ignore[dict-item]


def test_the_cure_says_what_was_probably_meant() -> None:
    for values, cure in (
        ({"max_flips": 2.5}, 'write "2.5%"'),
        ({"max_flips": "200"}, "write 200 without quotes"),
        ({"max_class_drop": "3%"}, "write 3: it is in points"),
        ({"max_flops": 2}, "did you mean 'max_flips'"),
        ({"equivalent": 2}, "did you mean 'equivalent_within'"),
    ):
        with pytest.raises(InputError, match=re.escape(cure)):
            Budgets.of(values)


def test_all_faults_come_at_once_and_name_the_flag() -> None:
    with pytest.raises(InputError) as refused:
        Budgets.from_flags({"max_flips": "two", "max_class_drop": "-3", "max_changed": "3"})
    assert {problem.where for problem in refused.value.problems} == {"--max-flips", "--max-class-drop"}
    assert "the command line" in str(refused.value)


def test_a_margin_of_nothing_is_refused_and_a_drop_of_nothing_is_not() -> None:
    with pytest.raises(InputError):
        Budgets.of({"equivalent_within": 0})
    assert Budgets.of({"max_class_drop": 0, "max_flips": 0, "max_changed": "0%"}).given == {
        "max_flips": 0,
        "max_class_drop": 0,
        "max_changed": "0%",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "at least one of"),
        ("[budgets]\n", "no budget in it"),
        ("budgets = 3\n", "a table"),
        ("max_flips = 3\n", "write [budgets] above it"),
        ("[budget]\nmax_flips = 3\n", "did you mean 'budgets'"),
        ("[budgets]\nmax_flips = 3\n[other]\n", "unknown key 'other'"),
        ("[budgets]\nmax_flips = 1979-05-27\n", "max_flips"),
        ("[budgets]\nmax_flips = nan\n", "max_flips"),
        ("[budgets\n", "https://toml.io"),
        ("[budgets]\nmax_flips = " + "9" * 5000, "thousands of digits|Exceeds the limit"),
        ("[budgets]\na = " + "[" * 5000, "the file"),
        ("x" * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_files_that_are_no_budgets_are_refused_with_a_cure(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=sentence if "|" in sentence else re.escape(sentence)) as refused:
        Budgets.from_file(file)
    assert refused.value.source == str(file)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n[budgets]\nmax_flips=3\n")
    for place in (tmp_path, tmp_path / "none.toml", Path("a\0b"), tmp_path / "latin.toml"):
        with pytest.raises(InputError):
            Budgets.from_file(place)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_bytes(b"\xef\xbb\xbf[budgets]\r\nmax_flips = 3\r\n")
    assert Budgets.from_file(tmp_path / "b.toml").given == {"max_flips": 3}


@given(
    some.binary(max_size=200)
    | some.text(max_size=200).map(lambda text: ("[budgets]\n" + text).encode("utf-8", "surrogatepass"))
)
@settings(max_examples=200, deadline=None)
def test_no_file_raises_anything_but_an_input_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.toml"
    file.write_bytes(content)
    try:
        assert Budgets.from_file(file).given
    except InputError as error:
        assert error.problems


ANYTHING = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(max_size=9)
    | some.lists(some.integers(), max_size=2)
)


@given(some.dictionaries(some.sampled_from([*Budgets.model_fields, "other", "self", ""]), ANYTHING))
@settings(max_examples=300, deadline=None)
def test_whatever_is_accepted_is_judged_and_whatever_is_not_is_an_input_error(values: dict[str, Any]) -> None:
    try:
        budgets = Budgets.of(values)
    except InputError as error:
        assert error.problems and str(error)
        return
    rows = judge(
        an_audit([class_row("a", 2000, 30, 10)], groups=[{"column": "c", "value": "v", **class_row("", 9, 1, 0)}]),
        budgets,
    )
    assert (
        [row.budget for row in rows]
        == list(budgets.given)
        == [name for name in Budgets.model_fields if values.get(name) is not None]
    )
    for row in rows:
        assert row.verdict in ("kept", "broken", "undecided")
        assert "\n" not in verdict_line(row)


def test_budgets_that_need_labels_or_groups_are_refused_without() -> None:
    everything = Budgets.of(
        {"max_flips": 1, "max_class_drop": 1, "max_changed": 1, "equivalent_within": 1, "max_group_drop": 1}
    )
    with pytest.raises(InputError) as refused:
        everything.check(has_labels=False, has_groups=True)
    assert [problem.where for problem in refused.value.problems] == [
        "max_flips",
        "max_class_drop",
        "equivalent_within",
        "max_group_drop",
    ]
    with pytest.raises(InputError) as refused:
        everything.check(has_labels=True, has_groups=False)
    assert [problem.where for problem in refused.value.problems] == ["max_group_drop"]
    everything.check(has_labels=True, has_groups=True)
    Budgets.of({"max_changed": 1}).check(has_labels=False, has_groups=False)
    with pytest.raises(InputError, match="no true labels"):
        judge(an_audit() | {"flips": None, "accuracy": None}, Budgets.of({"max_flips": 1}))


def test_hostile_names_stay_on_one_line() -> None:
    (row,) = judge(
        an_audit([class_row("a\nb\x1b[31m" + "x" * 500, 100, 9, 0)]), Budgets.of({"max_class_drop": 3}), of="m\n1"
    )
    line = verdict_line(row)
    assert "\n" not in line and "\x1b" not in line and len(line) < 200


def test_rows_have_what_audit_json_promises_and_are_json() -> None:
    audit = an_audit(
        [class_row("cat", 2000, 30, 10)], groups=[{"column": "c", "value": "v", **class_row("", 90, 1, 0)}]
    )
    rows = judge(
        audit,
        Budgets.of(
            {"max_flips": "2%", "max_class_drop": 3, "max_changed": 9, "equivalent_within": 1, "max_group_drop": 3}
        ),
        of="magnitude 0.7",
    )
    assert len(rows) == 5
    for row in rows:
        assert list(json.loads(row.model_dump_json())) == [
            "budget",
            "limit",
            "observed",
            "low",
            "high",
            "unit",
            "verdict",
            "reason",
            "of",
        ]
        assert row.low <= row.observed <= row.high and row.of == "magnitude 0.7"
        assert verdict_line(row).startswith(f"{row.budget} (magnitude 0.7) {row.verdict}: ")
    assert {row.unit for row in rows} == {"%", "points", "examples"}


def test_a_broken_budget_fails_and_an_undecided_one_only_if_strict() -> None:
    kept, broken, undecided = (
        BudgetRow(budget="max_flips", limit="2%", unit="%", verdict=verdict)
        for verdict in ("kept", "broken", "undecided")
    )
    assert [is_broken(rows) for rows in ([], [kept], [kept, undecided], [undecided, broken])] == [
        False,
        False,
        False,
        True,
    ]
    assert [is_broken(rows, strict=True) for rows in ([], [kept], [kept, undecided], [broken])] == [
        False,
        False,
        True,
        True,
    ]


def test_a_line_shows_on_which_side_of_the_limit_a_value_lies() -> None:
    (row,) = judge(an_audit(examples=100_000, changed=2001), Budgets.of({"max_changed": "2%"}))
    assert verdict_line(row).startswith("max_changed broken: 2.001 % (up to 2.1 at 95 %), limit 2 %; 2,001 of 100,000")
    (row,) = judge(an_audit(), Budgets.of({"equivalent_within": 2}))
    assert (
        verdict_line(row)
        == "equivalent_within kept: −1.0 points (−1.6 to −0.5 at 95 % each), limit ±2 points; both bounds lie within ±2 (two one-sided tests at 5 %)"
    )


def snippets(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def test_the_documents_budgets_are_budgets(tmp_path: Path) -> None:
    (table,) = snippets("toml")
    (tmp_path / "budgets.toml").write_text(table)
    assert set(Budgets.from_file(tmp_path / "budgets.toml").given) <= set(Budgets.model_fields)
    assert set(tomllib.loads(table)["budgets"]) == set(Budgets.model_fields)


def test_the_document_has_every_flag() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [flag for flag in FLAGS if flag not in text] == []


def test_the_documents_workflows_are_yaml_and_run_piescope() -> None:
    yaml = pytest.importorskip("yaml")
    github, gitlab = (yaml.safe_load(text) for text in snippets("yaml"))
    steps = next(iter(github["jobs"].values()))["steps"]
    assert any("piescope audit" in step.get("run", "") for step in steps)
    assert all(("uses" in step) != ("run" in step) for step in steps)
    after = [
        step
        for step in steps
        if "upload-artifact" in step.get("uses", "") or "GITHUB_STEP_SUMMARY" in step.get("run", "")
    ]
    assert len(after) == 2 and all("if" in step for step in after)  # also of a build that failed
    job = next(job for job in gitlab.values() if isinstance(job, dict) and "script" in job)
    assert any("--junit" in line for line in job["script"]) and job["artifacts"]["reports"]["junit"]


def test_the_documents_examples_of_lines_are_what_is_printed() -> None:
    (text,) = snippets("text")
    classes = [class_row("cat", 1000, 100, 10), class_row("dog", 9000, 110, 70)]
    audit = an_audit(classes, changed=320)
    rows = judge(
        audit, Budgets.of({"max_flips": "2%", "max_class_drop": 3, "max_changed": 400, "equivalent_within": 1.5})
    )
    assert text.splitlines() == [verdict_line(row) for row in rows]


def test_what_the_document_says_of_small_classes() -> None:
    small = [class_row("eel", 40, 0, 0), *(class_row(str(i), 9000, 9, 9) for i in range(9))]
    (row,) = judge(an_audit(small), Budgets.of({"max_class_drop": 3}))
    assert f"still fit with a loss of\n  {-row.low:.1f} points" in DOCUMENT.read_text(encoding="utf-8")


def test_budgets_come_as_they_are_by_name_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text('[budgets]\nmax_flips = "2%"\n')
    same = Budgets.of({"max_flips": "2%"})
    assert all(Budgets.of_any(given) == same for given in (same, {"max_flips": "2%"}, file, str(file)))
    said = audit([0, 1, 1, 0], [0, 1, 0, 0], labels=[0, 1, 1, 1], budgets=str(file))
    assert [row["budget"] for row in said["budgets"]] == ["max_flips"]
    for wrong in (5, ["max_flips"], object()):
        with pytest.raises(InputError, match=r"expected +Budgets, a dict of them, or a TOML file"):
            audit([0, 1], [0, 1], labels=[0, 1], budgets=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"found +'79'"):
        audit([0, 1], [0, 1], labels=[0, 1], expect_accuracy="79")  # type: ignore[arg-type]
