"""An audit's explorer: what a decoder of the page finds is what the file of examples holds."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from piescope import audit
from piescope.auditing.rows import VOTES
from piescope.audits import render
from piescope.report.audit import explorer as module
from piescope.report.audit.explorer import ExamplesRead, audit_explorer, read_examples
from piescope.report.layout.explorer_data import ExplorerData
from piescope.store.audit_answers import Confirmed
from piescope.store.audit_record import AuditRecord, CopyRow
from piescope.wording import printable
from read_explorer import Read

NAMES = np.array(["cat", "</script><script>alert(1)</script>", "=dog\u2028\u202e"])


def sides(models: tuple[int, int], examples: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits ``[models, examples, 3]`` of both sides, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, examples)

    def side(many: int, wrong: float) -> np.ndarray:
        logits = random.normal(size=(many, examples, 3))
        said = np.where(random.random((many, examples)) < wrong, random.integers(0, 3, (many, examples)), truth)
        np.put_along_axis(logits, said[..., None], 4.0, axis=2)
        return logits

    return side(models[0], 0.2), side(models[1], 0.4), truth


def audited(
    folder: Path, models: tuple[int, int] = (1, 1), scores: bool = True, known: bool = True, **options: Any
) -> AuditRecord:
    dense, compressed, truth = sides(models, **options)
    given = (dense, compressed) if scores else (NAMES[dense.argmax(-1)], NAMES[compressed.argmax(-1)])
    labels = truth if scores else NAMES[truth]
    return audit(*given, labels=labels if known else None, out=folder).record


def table_of(folder: Path) -> pa.Table:
    return parquet.read_table(folder / "examples.parquet")


def read(data: ExplorerData | None) -> Read:
    assert data is not None
    return Read(data.head_json(), data.arrays_base64())


def shown(record: AuditRecord, tables: list[pa.Table | None], images: dict[str, bytes]) -> ExplorerData | None:
    return audit_explorer(record, ExamplesRead(tuple(tables)), images)


def named(found: Read, name: str | None) -> list[str]:
    assert name is not None
    return [found.head["classes"][int(code or 0)] for code in found.values(name)]


@pytest.mark.parametrize("known", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize(("models", "scores"), [((1, 1), True), ((1, 1), False), ((5, 5), True), ((4, 2), True)])
def test_what_is_shown_is_what_the_file_holds(
    tmp_path: Path, models: tuple[int, int], scores: bool, known: bool
) -> None:
    record = audited(tmp_path / "a", models, scores, known)
    table = table_of(tmp_path / "a")
    rows = table.to_pylist()
    found = read(shown(record, [table], {}))
    head = found.head
    assert head["ids"] == [row["example_id"] for row in rows] and head["pictures"] is None
    assert (head["truth"] is not None) == known
    assert not known or named(found, head["truth"]) == [printable(row["label"]) for row in rows]
    (arm,), (side,) = head["arms"], head["sides"]
    (level,) = arm["levels"]
    dense, compressed, truth = sides(models)
    said = {"dense": dense.argmax(-1), "compressed": compressed.argmax(-1)}  # [models, examples]
    modal = [np.bincount(column, minlength=3).argmax() for column in said["dense"].T]
    assert head["start"] == {"arm": arm["key"], "level": level["value"]}
    assert (side["models"], level["models"]) == models
    for which, cells, many in (("dense", side["cells"], models[0]), ("compressed", level["cells"], models[1])):
        labels = [printable(row[f"{which}_label"]) for row in rows]
        assert named(found, cells["label"]) == labels
        assert found.values(cells["modal"]) == [round(many * row[f"{which}_share"]) for row in rows]
        if known:
            assert found.values(cells["right"]) == (said[which] == truth).sum(0).tolist()
        else:
            assert cells["right"] is None
        score = [row[f"{which}_{'probability' if known else 'confidence'}"] for row in rows]
        if scores:
            assert found.values(cells["score"]) == pytest.approx(score, abs=0.51 / 10_000)
        else:
            assert cells["score"] is None and set(score) == {None}
    assert side["cells"]["dense"] is None and side["cells"]["confirmed"] is None
    assert found.values(level["cells"]["dense"]) == (said["compressed"] == modal).sum(0).tolist()
    assert (level["happened"] is None) == (models[0] == models[1])
    assert level["accuracy"] == (record.accuracy.compressed if record.accuracy is not None else None)
    seeds = record.noise or (record.seeds.changed if record.seeds else None)
    assert level["seeds"] == (
        seeds.floor if seeds and models[0] == models[1] else None
    )  # that of pairs of models is no number of examples
    if seeds and seeds.low is not None:
        assert level["excess"] == {"value": seeds.excess, "low": seeds.low, "high": seeds.high}
        assert level["is_clear"] == (seeds.low > 0)
    else:
        assert level["is_clear"] is None


@pytest.mark.parametrize("known", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("models", [(3, 1), (1, 3), (4, 2)])
def test_of_other_numbers_of_models_an_example_is_what_most_pairs_do(
    tmp_path: Path, models: tuple[int, int], known: bool
) -> None:
    record = audited(tmp_path / "a", models, known=known)
    data = shown(record, [table_of(tmp_path / "a")], {})
    found = read(data)
    (level,) = found.head["arms"][0]["levels"]
    dense, compressed, truth = sides(models)
    for place, happened in enumerate(found.values(level["happened"])):
        pairs = np.zeros(4)
        for before in dense.argmax(-1)[:, place]:
            for after in compressed.argmax(-1)[:, place]:
                right = (before == truth[place], after == truth[place])
                moved = 3 if not known else {(True, False): 1, (False, True): 2}.get(right, 3)
                pairs[0 if before == after else moved] += 1
        assert pairs[happened] == pairs.max()
        assert pairs[0] == pairs[1:].max() or happened == pairs.argmax() or (pairs == pairs.max()).sum() > 1
    assert level["seeds"] is None and data is not None
    assert data.notes[0].startswith("Here an example counts as what most pairs")


def test_seeds_of_groups_of_other_sizes_are_not_told(tmp_path: Path) -> None:
    dense, compressed, truth = sides((5, 5))
    for name, paired in (("paired", True), ("not", False)):
        record = audit(dense, compressed, labels=truth, paired=paired, out=tmp_path / name).record
        assert record.noise is not None and record.noise.floor is not None
        level = read(shown(record, [table_of(tmp_path / name)], {})).head["arms"][0]["levels"][0]
        assert (record.noise.group_sizes == (5, 5)) == (level["seeds"] is not None) == (not paired)
        assert level["is_clear"] is not None


def test_votes_of_a_folder_of_before_they_were_kept_are_not_told(tmp_path: Path) -> None:
    record = audited(tmp_path / "a", (5, 5))
    table = table_of(tmp_path / "a")
    kept = [name for name in table.column_names if name not in VOTES]
    assert len(kept) == len(table.column_names) - 3
    found = read(shown(record, [table.select(kept)], {}))
    before, after = found.head["sides"][0]["cells"], found.head["arms"][0]["levels"][0]["cells"]
    assert (before["right"], after["right"], after["dense"]) == (None, None, None)
    assert after["modal"] is not None


def test_confirmed_ones_are_known_only_where_they_were_tested(tmp_path: Path) -> None:
    record = audited(tmp_path / "a", (5, 5))
    table = table_of(tmp_path / "a")
    assert record.confirmed is not None
    tested = record.with_answers(confirmed=Confirmed(pies=2))
    marked = table.set_column(
        table.column_names.index("is_confirmed"), "is_confirmed", pa.array(np.arange(len(table)) % 7 == 0)
    )
    found = read(shown(tested, [marked], {}))
    name = found.head["arms"][0]["levels"][0]["cells"]["confirmed"]
    assert found.values(name) == (np.arange(len(table)) % 7 == 0).astype(int).tolist()
    untested = record.with_answers(confirmed=Confirmed(why_not="too few"))
    assert read(shown(untested, [marked], {})).head["arms"][0]["levels"][0]["cells"]["confirmed"] is None


def test_classes_beyond_chance_are_told_where_each_was_tested(tmp_path: Path) -> None:
    record = audited(tmp_path / "a", examples=900)
    clear = [row.is_clear for row in record.classes]
    assert any(clear)

    def places(of: AuditRecord) -> list[int] | None:
        level = read(shown(of, [table_of(tmp_path / "a")], {})).head["arms"][0]["levels"][0]
        found: list[int] | None = level["clear_classes"]
        return found

    assert places(record) == sorted(record.class_names.index(row.name) for row in record.classes if row.is_clear)
    untested = tuple(row.model_copy(update={"q_value": None}) for row in record.classes)
    assert places(record.with_answers(classes=untested)) is None
    unsure = tuple(row.model_copy(update={"q_value": 0.5}) for row in record.classes)
    assert places(record.with_answers(classes=unsure)) == []


def test_scores_of_representations_are_on_one_scale(tmp_path: Path) -> None:
    record = audited(tmp_path / "a")
    table, random = table_of(tmp_path / "a"), np.random.default_rng(0)
    values = {f"{side}_{what}": random.random(90) for side in ("dense", "compressed") for what in ("q", "depth")}
    values["dense_q"][3] = values["compressed_q"][4] = np.nan
    values["compressed_depth"][:] = np.nan
    for name, column in values.items():
        table = table.append_column(name, pa.array(column, mask=np.isnan(column)))
    found = read(shown(record, [table], {}))
    before, after = found.head["sides"][0]["cells"], found.head["arms"][0]["levels"][0]["cells"]
    q, depth = np.concatenate([values["dense_q"], values["compressed_q"]]), values["dense_depth"]
    for cells, side in ((before, "dense"), (after, "compressed")):
        facts = found.head["arrays"][cells["q"]]
        assert facts["offset"] == pytest.approx(np.nanmin(q)) and facts["scale"] == pytest.approx(
            (np.nanmax(q) - np.nanmin(q)) / 10_000
        )
        given = [None if np.isnan(value) else value for value in values[f"{side}_q"]]
        assert found.values(cells["q"]) == [
            None if value is None else pytest.approx(value, abs=1e-4) for value in given
        ]
    assert found.values(before["depth"]) == pytest.approx(depth.tolist(), abs=1e-4) and after["depth"] is None


def png(shade: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    sink = io.BytesIO()
    Image.new(mode, size, (shade,) * 3 if mode == "RGB" else shade).save(sink, "PNG")
    return sink.getvalue()


def test_pictures_that_there_are_and_what_is_no_picture(tmp_path: Path) -> None:
    record = audited(tmp_path / "a")
    images = {
        "0": png(10),
        "5": png(200, mode="L"),
        "7": b"\x89PNG\r\n\x1a\n broken",
        "8": b"<svg onload='alert(1)'>",
        "9": png(99)[:45],
    }
    found = read(shown(record, [table_of(tmp_path / "a")], images))
    shades = {example: tile for example in range(90) if (tile := found.tile(example)) is not None}
    assert {example: np.asarray(tile).mean() for example, tile in shades.items()} == {0: 10, 5: 200}
    nothing = {"1": b"", "2": b"x"}
    assert read(shown(record, [table_of(tmp_path / "a")], nothing)).head["pictures"] is None


def test_of_very_many_examples_the_changed_ones_are_kept_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = audited(tmp_path / "a")
    file = tmp_path / "a" / "examples.parquet"
    rows = table_of(tmp_path / "a").to_pylist()
    changed = [row for row in rows if row["is_changed"]]
    assert 10 < len(changed) < 80
    for most, kept, which in (
        (90, rows, None),
        (89, changed, "that changed"),
        (10, sorted(changed, key=lambda row: -row["harm"])[:10], "that changed and were harmed most"),
    ):
        monkeypatch.setattr(module, "MOST", most)
        examples = read_examples([file])
        found = read(audit_explorer(record, examples, {}))
        ids = [row["example_id"] for row in kept]
        assert found.head["ids"] == sorted(ids, key=int)
        assert named(found, found.head["arms"][0]["levels"][0]["cells"]["label"]) == [
            row["compressed_label"] for row in rows if row["example_id"] in ids
        ]
        said = (f"Of 90 examples the explorer has the {len(kept)} {which}.",)
        assert examples.notes == (said if which else ())


def test_of_very_many_examples_those_are_kept_that_any_copy_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = with_copies(tmp_path, COPIES[:2])
    files = [tmp_path / row.folder / "examples.parquet" for row in record.what_if]
    monkeypatch.setattr(module, "MOST", 85)
    changed = {
        row["example_id"] for table in tables(tmp_path, record) for row in table.to_pylist() if row["is_changed"]
    }
    found = read(audit_explorer(record, read_examples(files), {}))
    assert set(found.head["ids"]) == changed and 20 < len(changed) <= 85
    files[0].write_bytes(b"no parquet")
    less = read_examples([*files, tmp_path / "nothing"])
    assert [table is None for table in less.tables] == [True, False, True]
    assert read_examples([tmp_path / "nothing"]) == ExamplesRead((None,))


def test_where_there_is_nothing_to_look_at_there_is_no_explorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = audited(tmp_path / "a")
    table = table_of(tmp_path / "a")
    assert shown(record, [None], {}) is None
    assert shown(record.with_answers(class_names=()), [table], {}) is None
    assert shown(record.with_answers(class_names=("other", "names")), [table], {}) is None
    monkeypatch.setattr(module, "MOST", 10)
    same = table.set_column(table.column_names.index("is_changed"), "is_changed", pa.array([False] * 90))
    parquet.write_table(same, tmp_path / "same.parquet")
    assert audit_explorer(record, read_examples([tmp_path / "same.parquet"]), {}) is None


def test_right_and_wrong_alone_and_300_classes_and_one_example(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    right = [random.random(40) < share for share in (0.9, 0.6)]
    record = audit(*right, out=tmp_path / "right").record
    assert read(shown(record, [table_of(tmp_path / "right")], {})).head["examples"] == 40
    many = [np.array([f"class {number:03}" for number in random.integers(0, 300, 2000)]) for _ in range(2)]
    record = audit(*many, out=tmp_path / "many").record
    found = read(shown(record, [table_of(tmp_path / "many")], {}))
    assert len(found.head["classes"]) > 256
    name = found.head["arms"][0]["levels"][0]["cells"]["label"]
    assert found.head["arrays"][name]["type"] == "u16" and named(found, name) == many[1].tolist()
    record = audit(["cat"], ["dog"], labels=["cat"], out=tmp_path / "one").record
    found = read(shown(record, [table_of(tmp_path / "one")], {}))
    assert named(found, found.head["arms"][0]["levels"][0]["cells"]["label"]) == ["dog"]


COPIES = (("magnitude", 0.5, 900_000), ("magnitude", 0.9, 1_200_000), ("random", 0.5, None))


def with_copies(folder: Path, copies: tuple[tuple[str, float | None, int | None], ...] = COPIES) -> AuditRecord:
    """The folder of a what-if, its copies' audits in it."""
    rows = []
    dense, _, truth = sides((1, 1))
    for seed, (method, amount, size) in enumerate(copies, start=1):
        name = method if amount is None else f"{method}-{amount}"
        audit(dense, sides((1, 1), seed=seed)[1], labels=truth, out=folder / name)
        row = CopyRow(
            name=name.replace("-", " "), method=method, amount=amount, folder=name, verdict="safe", changed=seed,
            accuracy=90.0 - seed, bytes_before=2_000_000, bytes_after=size, lost_classes=("0", "2")[:seed - 1],
        )  # fmt: skip
        rows.append(CopyRow(**row.model_dump()))  # with all that it may lack, as files have it
    record = AuditRecord.read(folder / name).with_answers(what_if=tuple(rows))
    shutil.copytree(folder / name, folder, dirs_exist_ok=True)
    (folder / "audit.json").write_bytes(record.as_bytes())
    return record


def tables(folder: Path, record: AuditRecord) -> list[pa.Table]:
    return [table_of(folder / row.folder) for row in record.what_if]


def test_a_what_if_has_an_arm_a_method_and_a_level_a_copy(tmp_path: Path) -> None:
    record = with_copies(tmp_path)
    found = read(shown(record, tables(tmp_path, record), {}))
    arms = found.head["arms"]
    assert [(arm["key"], arm["hue"], arm["dash"]) for arm in arms] == [("magnitude", 0, 0), ("random", 1, 1)]
    levels = [(level["value"], level["label"], level["accuracy"]) for arm in arms for level in arm["levels"]]
    assert levels == [
        (0.5, "magnitude 0.5, 900\N{NO-BREAK SPACE}kB", 89.0), (0.9, "magnitude 0.9, 1.2\N{NO-BREAK SPACE}MB", 88.0), (0.5, "random 0.5", 87.0),
    ]  # fmt: skip
    assert [level["clear_classes"] for arm in arms for level in arm["levels"]] == [[], [0], [0, 2]]
    assert found.head["start"] == {"arm": "random", "level": 0.5} and found.head["axis"]["name"] == "amount"
    for cells, row in zip([level["cells"] for arm in arms for level in arm["levels"]], record.what_if, strict=True):
        assert named(found, cells["label"]) == table_of(tmp_path / row.folder)["compressed_label"].to_pylist()


def test_copies_without_amounts_stand_where_the_curve_has_them(tmp_path: Path) -> None:
    record = with_copies(tmp_path, (("magnitude", 0.5, None), ("int8", None, None)))
    found = read(shown(record, tables(tmp_path, record), {}))
    page = (render(tmp_path), (tmp_path / "report.html").read_text())[1]
    drawn = re.findall(r'data-arm="(\w+)"|data-level="([\d.]+)"', page.split("</figure>")[0])
    assert [(arm["key"], [level["value"] for level in arm["levels"]]) for arm in found.head["arms"]] == [
        ("magnitude", [1.0]), ("int8", [2.0]),
    ]  # fmt: skip
    assert ["".join(mark) for mark in drawn] == ["magnitude", "1", "int8", "2"]


def test_a_copy_that_is_gone_is_left_out(tmp_path: Path) -> None:
    record = with_copies(tmp_path)
    first, second, third = tables(tmp_path, record)
    found = read(shown(record, [first, second, None], {}))
    assert [(arm["key"], len(arm["levels"])) for arm in found.head["arms"]] == [("magnitude", 2)]
    assert found.head["start"] == {"arm": "magnitude", "level": 0.9}
    found = read(shown(record, [None, second, third], {}))
    assert [(arm["key"], arm["hue"]) for arm in found.head["arms"]] == [("magnitude", 0), ("random", 1)]
    other = second.set_column(0, "example_id", pa.array([f"other-{row}" for row in range(90)]))
    assert shown(record, [first, other, third], {}) is None


def page_of(folder: Path) -> Read | None:
    """What stands in the page itself."""
    page = (folder / "report.html").read_text()
    parts = [re.search(rf'id="{name}">(.*?)</script>', page, re.S) for name in ("explorer-head", "explorer-arrays")]
    return None if None in parts else Read(*(part.group(1) for part in parts if part is not None))


def test_the_page_is_made_again_from_its_folder(tmp_path: Path) -> None:
    record = with_copies(tmp_path)
    render(tmp_path)
    again = page_of(tmp_path)
    assert again is not None and len(again.head["arms"]) == 2
    assert again.head == read(shown(record, tables(tmp_path, record), {})).head
    shutil.rmtree(tmp_path / "random-0.5")
    (tmp_path / "magnitude-0.5" / "examples.parquet").write_bytes(b"no parquet")
    render(tmp_path)
    less = page_of(tmp_path)
    assert less is not None and [len(arm["levels"]) for arm in less.head["arms"]] == [1]
    (tmp_path / "magnitude-0.9" / "examples.parquet").unlink()
    render(tmp_path)
    assert page_of(tmp_path) is None
