"""Series and data frames: what their index and columns say is heeded, as in a table of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from piescope import audit
from piescope.problems import InputError

ROWS = 60
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.integers(0, 4, ROWS)
DENSE = np.where(RANDOM.random(ROWS) < 0.1, (TRUTH + 1) % 4, TRUTH)
COMPRESSED = np.where(RANDOM.random(ROWS) < 0.2, (TRUTH + 2) % 4, TRUTH)
IDS = [f"img{row:02}" for row in range(ROWS)]
SHUFFLED = RANDOM.permutation(ROWS)
PLAIN = audit(DENSE, COMPRESSED, labels=TRUTH)
ANSWERS = "changed", "accuracy", "flips", "classes"


def scores(said: np.ndarray) -> pd.DataFrame:
    values = np.full((ROWS, 4), 0.1)
    values[np.arange(ROWS), said] = 0.7
    return pd.DataFrame(values, index=IDS, columns=list("abcd"))


def same(found: Any, *names: str) -> bool:
    return all(found[name] == PLAIN[name] for name in names or ANSWERS)


def test_a_series_is_matched_by_its_index() -> None:
    sides = [pd.Series(said, IDS) for said in (DENSE, COMPRESSED, TRUTH)]
    for labels in (sides[2], sides[2].sample(frac=1, random_state=1), TRUTH):
        found = audit(sides[0], sides[1].iloc[SHUFFLED], labels=labels)
        assert same(found) and found["inputs"]["matched_by"] == "id"
    with pytest.raises(InputError, match="missing"):
        audit(sides[0], sides[1].iloc[1:])


@pytest.mark.parametrize("index", [None, [0] * ROWS])
def test_an_index_that_counts_or_tells_nothing_apart_is_no_id(index: list[int] | None) -> None:
    found = audit(pd.Series(DENSE, index), pd.Series(COMPRESSED, index), labels=pd.Series(TRUTH, index))
    assert same(found) and found["inputs"]["matched_by"] == "row"


def test_rows_that_were_left_out_of_a_count_keep_their_numbers() -> None:
    kept = np.arange(10, ROWS)
    one, other = (pd.Series(said)[10:] for said in (DENSE, COMPRESSED))
    found = audit(one, other.iloc[::-1], labels=pd.Series(TRUTH)[10:])
    assert found["changed"] == int((DENSE != COMPRESSED)[kept].sum()) and found["inputs"]["matched_by"] == "id"


def test_columns_of_scores_are_matched_by_their_names() -> None:
    one, other = scores(DENSE), scores(COMPRESSED)[list("dbca")].iloc[SHUFFLED]
    for labels in (TRUTH, pd.Series(np.array(list("abcd"))[TRUTH], IDS)):
        found = audit(one, other, labels=labels)
        assert same(found, "changed", "accuracy") and found["class_names"] == ["a", "b", "c", "d"]
    with pytest.raises(InputError, match="in one of"):
        audit(one, other.rename(columns={"d": "e"}))


def test_columns_of_labels_are_models() -> None:
    one, other = (pd.DataFrame({"s0": said, "s1": said}) for said in (DENSE, COMPRESSED))
    assert audit(one, other, labels=TRUTH)["inputs"]["dense"]["models"] == ["s0", "s1"]


@pytest.mark.parametrize("name", ["label", "y_true", "target", "id", "image_id"])
def test_what_is_no_model_by_its_name_is_refused_among_models(name: str) -> None:
    given = {name: TRUTH, "prediction": DENSE}
    with pytest.raises(InputError, match=r"by its name(.|\n)*labels=") as refusal:
        audit(given, {name: TRUTH, "prediction": COMPRESSED})
    assert f"dense: {name}" in str(refusal.value)
    assert same(audit({"prediction": DENSE}, {"prediction": COMPRESSED}, labels=TRUTH))


def test_masked_predictions_are_none() -> None:
    with pytest.raises(InputError, match="1 values are masked"):
        audit(np.ma.array(DENSE, mask=np.arange(ROWS) == 3), COMPRESSED)
    with pytest.raises(InputError, match="1 values are masked"):
        audit(DENSE, COMPRESSED, labels=np.ma.array(TRUTH, mask=np.arange(ROWS) == 3))


def test_numbers_of_classes_in_another_order_are_refused() -> None:
    """They name the columns as text would; nobody would know that a plain frame's are in order."""
    plain = scores(COMPRESSED).set_axis(range(4), axis=1)
    with pytest.raises(InputError, match=r"(?s)column 3 in place 0.*sorted\(frame.columns, key=int\)"):
        audit(scores(DENSE).set_axis(range(4), axis=1), plain[[3, 2, 1, 0]], labels=pd.Series(TRUTH, IDS))
    found = audit(scores(DENSE).set_axis(range(4), axis=1), plain, labels=pd.Series(TRUTH, IDS))
    assert found["changed"] == PLAIN["changed"]


def test_a_series_that_was_sorted_is_not_matched_by_row() -> None:
    sides = [pd.Series(said) for said in (DENSE, COMPRESSED)]
    with pytest.raises(InputError, match="number the examples in another order"):
        audit(sides[0], sides[1].sort_values(), labels=pd.Series(TRUTH))


NAMES = pd.Series(np.array(list("abcd"))[TRUTH], IDS)


@pytest.mark.parametrize(
    ("column", "labels", "said"),
    [
        *(("latency", labels, said) for labels in (TRUTH, NAMES) for said in (False, True)),
        ("entropy", TRUTH, False),
        ("note", NAMES, False),
        ("note", TRUTH, True),  # that nothing else tells from a class
    ],
)
def test_a_column_beside_the_scores_is_no_class(column: str, labels: Any, said: bool) -> None:
    one, other = scores(DENSE).assign(**{column: 0.2}), scores(COMPRESSED).assign(**{column: 9.0}).iloc[SHUFFLED]
    options = {"score_columns": list("abcd")} if said else {}
    assert same(audit(one, other, labels=pd.Series(labels, IDS), **options), "changed", "flips", "accuracy")


def table(said: np.ndarray, **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "prediction": said, "label": TRUTH, **more})


def test_a_frame_with_the_columns_of_a_table_is_read_as_one() -> None:
    one, other = table(DENSE, confidence=0.5), table(COMPRESSED, confidence=0.7).iloc[SHUFFLED]
    found = audit(one, other)
    assert same(found) and found["inputs"]["matched_by"] == "id"
    by_index = audit(one.set_index("id"), other.set_index("id"))
    assert same(by_index) and by_index["inputs"]["matched_by"] == "id"
    truth = pd.DataFrame({"id": IDS, "label": TRUTH}).iloc[::-1]
    assert same(audit(pd.Series(DENSE, IDS), pd.Series(COMPRESSED, IDS), labels=truth))
    assert same(audit(one.drop(columns="label"), other.drop(columns="label"), labels=truth))
    with pytest.raises(InputError, match="no column 'nope'"):
        audit(one, other, prediction_column="nope")


@pytest.mark.parametrize(
    "column",
    [[1, "a"] * (ROWS // 2), 1j, pd.Categorical(pd.cut(np.arange(ROWS), 4)), pd.period_range("2020", periods=ROWS)],
    ids=["of two kinds", "complex", "intervals", "periods"],
)
def test_columns_that_arrow_cannot_hold_are_not_read(column: Any) -> None:
    found = audit(table(DENSE, note=column), table(COMPRESSED, note=column))
    assert same(found) and "not read: 'note' (no numbers or texts)" in str(found["inputs"])


@pytest.mark.parametrize(
    "names", [["prob_0", "prob_1", "prob_2", "prob_3"], ["class_1", "class_2", "class_3", "class_4"]]
)
def test_columns_that_count_classes_are_read_as_in_a_file(names: list[str]) -> None:
    one, other = (scores(said).set_axis(names, axis=1) for said in (DENSE, COMPRESSED))
    labels = pd.Series(TRUTH + int(names[0][-1]), IDS)
    assert same(audit(one, other[names[::-1]].iloc[SHUFFLED], labels=labels), "changed", "flips", "accuracy")
    with pytest.raises(InputError, match="classes in another order"):
        audit(one.set_axis(list("1032"), axis=1), other, labels=labels)


def test_pandas_own_types_of_numbers_are_numbers() -> None:
    one, other = scores(DENSE).convert_dtypes(), scores(COMPRESSED).convert_dtypes()
    assert same(audit(one, other, labels=NAMES), "changed", "flips")
    models = pd.DataFrame({"m": DENSE, "n": (DENSE + (np.arange(ROWS) % 7 == 0)) % 4}, IDS).convert_dtypes()
    assert audit(models, pd.Series(COMPRESSED, IDS), labels=pd.Series(TRUTH, IDS))["inputs"]["dense"]["n_models"] == 2
    with pytest.raises(InputError, match="missing values"):
        audit(one, other, labels=NAMES.where(np.arange(ROWS) > 0, None))


def test_an_index_is_the_column_of_ids_that_is_named() -> None:
    one, other = (table(said).drop(columns="id").set_index(pd.Index(IDS, name="key")) for said in (DENSE, COMPRESSED))
    assert same(audit(one, other.iloc[SHUFFLED], id_column="key"))


@pytest.mark.parametrize("batch", [60, 7])
def test_a_model_each_few_rows_is_told_whatever_the_batches_are(batch: int, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frames = []
    for said in (DENSE, COMPRESSED):
        runs = [np.where(random.random(ROWS) < 0.1, (TRUTH + 1) % 4, said) for _ in range(2)]
        frames.append(pd.concat([table(run, model=f"seed{number}") for number, run in enumerate(runs)]))
    for name, frame in zip("ab", frames, strict=True):
        made = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
        with pa.OSFile(str(tmp_path / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, made.schema) as writer:
            writer.write_table(made, max_chunksize=batch)
    found = [audit(*frames), audit(tmp_path / "a.arrow", tmp_path / "b.arrow")]
    assert [each["inputs"]["dense"]["n_models"] for each in found] == [2, 2]
    assert found[0]["accuracy"] == found[1]["accuracy"]


def test_numbers_of_classes_beside_names_of_roles_are_read_as_a_table() -> None:
    one, other = (scores(said).set_axis(range(4), axis=1).assign(label=TRUTH) for said in (DENSE, COMPRESSED))
    assert same(audit(one, other.iloc[SHUFFLED]), "changed", "flips", "accuracy")


class Foreign:
    """A table of another library, which hands it over as Arrow's."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._table = pa.Table.from_pandas(frame, preserve_index=False)
        self.columns = self._table.column_names

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("kind", [Foreign, lambda frame: pa.Table.from_pandas(frame, preserve_index=False)])
def test_tables_of_arrow_are_tables(kind: Any) -> None:
    one, other = kind(table(DENSE)), kind(table(COMPRESSED).iloc[SHUFFLED])
    found = audit(one, other)
    assert same(found) and found["inputs"]["matched_by"] == "id"
    plain = [kind(table(said).drop(columns="label")) for said in (DENSE, COMPRESSED)]
    assert same(audit(*plain, labels=kind(table(DENSE).drop(columns="prediction"))))


def test_one_frame_has_both_sides() -> None:
    both = pd.DataFrame({"fp32": DENSE, "int8": COMPRESSED, "label": TRUTH})
    for one in (both, pa.Table.from_pandas(both, preserve_index=False)):
        for sides in ((one,), (one, one)):
            assert same(audit(*sides, prediction_column=["fp32", "int8"]))


@pytest.mark.parametrize("kind", [list, tuple])
def test_several_series_or_frames_keep_their_index_and_columns(kind: type) -> None:
    one, other = pd.Series(DENSE, IDS), pd.Series(COMPRESSED, IDS).iloc[SHUFFLED]
    assert same(audit(kind([one]), kind([other]), labels=pd.Series(TRUTH, IDS)))
    tables = [kind([pa.Table.from_pandas(table(said), preserve_index=False)]) for said in (DENSE, COMPRESSED)]
    assert same(audit(*tables))
    frames = kind([scores(DENSE)]), kind([scores(COMPRESSED)[list("dbca")].iloc[SHUFFLED]])
    assert same(audit(*frames, labels=NAMES), "changed", "flips")
    noisy = pd.Series(np.where(RANDOM.random(ROWS) < 0.3, 0, DENSE), IDS)
    several = audit(kind([one, noisy]), kind([other]), labels=pd.Series(TRUTH, IDS))
    assert several["inputs"]["matched_by"] == "id" and several["inputs"]["dense"]["models"] == ["dense[0]", "dense[1]"]


@pytest.mark.parametrize("names", [list("psyx"), ["id", "image", "time", "weight"]])
@pytest.mark.parametrize("are_named", [False, True])
def test_classes_may_have_names_of_roles(names: list[str], are_named: bool) -> None:
    """Where there are as many columns as classes each is one."""
    one, other = (scores(said).set_axis(names, axis=1) for said in (DENSE, COMPRESSED))
    labels = pd.Series(np.array(names)[TRUTH] if are_named else TRUTH, IDS)
    found = audit(one, other[names[::-1]].iloc[SHUFFLED], labels=labels)
    assert same(found, "changed", "flips", "accuracy") and set(found["class_names"]) == set(names)


def test_ids_of_a_frame_of_true_labels_may_be_named() -> None:
    truth = pd.DataFrame({"key": IDS, "label": TRUTH}).iloc[::-1]
    sides = (pd.Series(said, IDS) for said in (DENSE, COMPRESSED))
    assert same(audit(*sides, labels=truth, id_column="key"))


def test_as_many_columns_as_classes_are_no_classes_where_they_are_called_otherwise() -> None:
    more = {"confidence": 0.25, "margin": 0.5, "entropy": 0.125}
    one, other = (pd.DataFrame({"prediction": said.astype(float), **more}, IDS) for said in (DENSE, COMPRESSED))
    assert same(audit(one, other.iloc[SHUFFLED], labels=pd.Series(TRUTH, IDS)))
