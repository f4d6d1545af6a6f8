"""Files that earlier versions wrote: they are read, and written again they are the same bytes.

`stored/` has audits of every kind, with each warning that there is; what the steps of a study left (the data, an arm, a pruned model); the
headers of its tables; and catalogues of three studies: `tests/small.toml`, also with what was run in it; one with a recipe, controls, maps, named
seeds and an arm that is not done; one of two processors, the older of which was not recorded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import SMALL, Run, run_piescope
from piescope import audit
from piescope.cli.app import app
from piescope.problems import InputError
from piescope.report.audit.document import audit_document
from piescope.report.layout.html import page
from piescope.report.layout.lines import lines
from piescope.report.layout.markdown import markdown
from piescope.report.study.results import load_results
from piescope.report.study.signal_rows import SignalTables
from piescope.report.study.tables import StudyTables
from piescope.store import layout
from piescope.store.audit_inputs import AuditWarning
from piescope.store.audit_record import AuditRecord, Comparison
from piescope.store.catalogue import Catalogue, ControlOf
from piescope.store.durable import as_json
from piescope.store.step_records import ArmSummary, DataRecord, RealisedSparsity, Record

STORED = Path(__file__).parent / "stored"
AUDITS = sorted(STORED.glob("audit-*.json"))
CATALOGUES = sorted(STORED.glob("catalogue-*.json"))
RECORDS: dict[str, type[Record]] = {
    "data": DataRecord, "sparsity": RealisedSparsity, "summary-dense": ArmSummary, "summary-pruned": ArmSummary,
}  # fmt: skip


@pytest.mark.parametrize("path", AUDITS, ids=lambda path: path.stem)
def test_an_audit_is_read_and_written_again_byte_for_byte(path: Path) -> None:
    content = path.read_bytes()
    audit = AuditRecord.of(content)
    assert audit.as_bytes() == content
    assert AuditRecord.of(json.loads(content)) == audit
    document = audit_document(audit)
    assert lines(document, 80) and markdown(document) and page(document)


def keys(value: Any, path: str = "") -> set[str]:
    """Every key that a document has, with those above it; what stands in lists and by free names is one each."""
    if isinstance(value, list):
        return {key for part in value for key in keys(part, f"{path}[]")}
    if not isinstance(value, dict):
        return set()
    free = path.endswith((".libraries", ".left_out", ".overall"))
    named = {(f"{path}.*" if free else f"{path}.{key}"): part for key, part in value.items()}
    return set(named) | {key for name, part in named.items() for key in keys(part, name)}


def test_the_audits_have_everything_that_one_can_say() -> None:
    audits = [AuditRecord.of(path.read_bytes()) for path in AUDITS]
    every = {type(warning) for audit in audits for warning in audit.warnings}
    assert every == set(get_args(get_args(AuditWarning)[0]))
    assert {audit.comparison for audit in audits} == set(get_args(Comparison))
    for name in AuditRecord.model_fields:
        assert any(getattr(audit, name) for audit in audits), name


@pytest.mark.parametrize("models", [(1, 1), (5, 5), (5, 2)])
def test_an_audit_of_now_says_what_those_said(models: tuple[int, int]) -> None:
    """No key is gone, and each value has a type; more may be said."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 60)
    sides = [np.where(random.random((many, 60)) < 0.3, random.integers(0, 3, 60), truth) for many in models]
    record = audit(*sides, labels=truth, values="labels", budgets={"max_flips": "5%"}).record
    like = next(
        stored
        for stored in map(lambda path: AuditRecord.of(path.read_bytes()), AUDITS)
        if stored.comparison == record.comparison and stored.budgets and not stored.what_if
    )
    said, before = keys(record.content()), keys(like.content())
    optional = (".inputs.metadata.", ".groups[]", ".warnings[]", ".verdict.harms[]", ".verdict.unsettled[]", ".noise.")
    gone = {key for key in before - said if not key.startswith(optional)}
    assert not gone
    assert AuditRecord.of(record.as_bytes()) == record


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_is_read_and_written_again_byte_for_byte(path: Path) -> None:
    content = path.read_bytes()
    catalogue = Catalogue.of(content)
    assert catalogue.as_bytes() == content
    said = json.loads(content)
    assert [arm.compare for arm in catalogue.arms] == [arm["compare"] for arm in said["arms"]]
    assert [(arm.objective, arm.pruning, arm.sparsity) for arm in catalogue.missing] == [
        (arm["objective"], arm["pruning"], arm["sparsity"]) for arm in said["missing"]
    ]


@pytest.mark.parametrize("name", RECORDS)
def test_what_a_step_left_is_read_and_written_again_byte_for_byte(name: str) -> None:
    content = (STORED / f"{name}.json").read_bytes()
    record = RECORDS[name].of(content)
    assert record.as_bytes() == content
    assert record == RECORDS[name].of(as_json(json.loads(content) | {"of a later version": 1}))
    for key in json.loads(content):
        with pytest.raises(ValueError, match=key):
            RECORDS[name].of(as_json({other: value for other, value in json.loads(content).items() if other != key}))


def test_the_columns_of_every_table_keep_their_names_and_order() -> None:
    kinds = StudyTables.kinds() | SignalTables.kinds()
    headers = {name: ",".join(kind.columns()) for name, kind in kinds.items()}
    assert headers == json.loads((STORED / "headers.json").read_text())


def test_the_catalogues_have_everything_that_one_can_say() -> None:
    small, everything, processors = (
        Catalogue.of((STORED / f"catalogue-{name}.json").read_bytes())
        for name in ("small", "everything", "two-processors")
    )
    assert small.recipe is None
    assert everything.recipe is not None
    assert {each.origin for each in everything.recipe.departures} >= {"text", "code", None}
    kinds = {arm.control.kind for arm in everything.arms if arm.control is not None}
    assert kinds == {"fresh_dense", "finetune_only", "random_masks"}
    assert ControlOf(kind="finetune_only", of="one_shot") in [arm.control for arm in everything.arms]
    assert everything.missing
    assert [arm for arm in everything.arms if arm.project is not None]
    assert [arm for arm in everything.arms if arm.project is None]
    assert small.described is everything.described is None
    described = Catalogue.of((STORED / "catalogue-described.json").read_bytes()).described
    assert described is not None
    assert described.name == "small"
    assert {environment.processor is None for environment in processors.environments} == {True, False}


@pytest.mark.sampled(8, heavy=True)
def test_results_of_a_catalogue_that_does_not_say_what_was_run_name_the_command_that_writes_it(
    small_run: Run, tmp_path: Path
) -> None:
    out = small_run.copy(tmp_path / "out")
    whole = layout.catalogue(out).read_bytes()
    assert load_results(out) is not None
    later = {"described", "contents", "sha256"}
    older = {key: value for key, value in json.loads(whole).items() if key not in later}
    layout.catalogue(out).write_bytes(as_json(older))
    with pytest.raises(ValueError, match=r"`piescope report .*` writes it anew"):
        load_results(out)
    assert CliRunner().invoke(app, ["plan", str(SMALL), "--out", str(out), "--tune", "off"]).exit_code == 0
    assert run_piescope("report", out).returncode == 0
    assert layout.catalogue(out).read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"study": "mine"}', CATALOGUES[0].read_bytes()[:-20]])
def test_what_is_no_catalogue_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="Catalogue"):
        Catalogue.of(content)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", "file"),
        (b"[]", "file"),
        (b'{"n_examples": 3}', "file"),
        (b'{"format_version": 1, "n_examples": 3}', "format_version"),
        (b'{"format_version": 2, "n_examples": 3}', "changed"),
        (
            (STORED / "audit-labels.json")
            .read_bytes()
            .replace(b'"kept"', b'"perhaps"')
            .replace(b'"undecided"', b'"perhaps"'),
            "budgets",
        ),
        (AUDITS[0].read_bytes()[:-20], "file"),
    ],
)
def test_what_is_no_audit_is_refused_with_what_is_wrong(content: bytes, where: str, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_bytes(content)
    with pytest.raises(InputError) as refused:
        AuditRecord.read(tmp_path)
    (problem,) = refused.value.problems
    assert problem.where.startswith(where) and problem.cure.startswith("run `piescope audit` again")


@pytest.mark.parametrize("name", sorted(set(AuditRecord.model_fields) - {"figures", "format_version"}))
def test_an_audit_of_which_a_part_is_gone_is_refused_and_not_shown_as_if_it_were_whole(
    name: str, tmp_path: Path
) -> None:
    content = json.loads((STORED / "audit-labels.json").read_bytes())
    del content[name]
    (tmp_path / "audit.json").write_bytes(as_json(content))
    with pytest.raises(InputError) as refused:
        AuditRecord.read(tmp_path)
    assert refused.value.problems[0].where == name


def test_a_part_of_a_part_is_missed_too(tmp_path: Path) -> None:
    content = json.loads((STORED / "audit-labels.json").read_bytes())
    del content["inputs"]["dense"]["told"]
    del content["classes"][1]["q_value"]
    assert list(AuditRecord.of(content).lacks()) == ["inputs.dense.told", "classes.1.q_value"]
    assert [list(AuditRecord.of(path.read_bytes()).lacks()) for path in AUDITS] == [[]] * len(AUDITS)
