"""A study's explorer: what a decoder of the page finds is what the results hold."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from made_results import CASES, made
from piescope.report.layout.explorer_data import ExplorerData
from piescope.report.study import explorer as module
from piescope.report.study.explorer import study_explorer
from piescope.report.study.forgotten import forgotten, headline_arm
from piescope.report.study.results import ArmResult, Results, load_results
from piescope.report.study.signal import Signal
from piescope.store.artefacts import Store, as_tensors
from piescope.wording import printable
from read_explorer import Read

BOTH = {"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")}


def explored(results: Results) -> ExplorerData:
    data = study_explorer(results, forgotten(Signal(results)))
    assert data is not None
    return data


def read(results: Results) -> Read:
    data = explored(results)
    return Read(data.head_json(), data.arrays_base64())


def shown(found: Read, results: Results) -> list[tuple[dict, ArmResult, ArmResult]]:
    """Cells of each side and level, with the arm that they are of and its dense one."""
    cells = []
    for side in found.head["sides"]:
        dense = results.find(side["key"], "dense", 0.0)
        assert dense is not None
        cells.append((side["cells"], dense, dense))
    for arm in found.head["arms"]:
        objective, pruning = arm["key"].split("/")
        assert found.head["sides"][arm["side"]]["key"] == objective
        dense = results.find(objective, "dense", 0.0)
        for level in arm["levels"]:
            of = results.find(objective, pruning, level["value"])
            assert of is not None and dense is not None and level["models"] == len(of.labels)
            cells.append((level["cells"], of, dense))
    return cells


@pytest.mark.parametrize("case", [name for name in CASES if name != "only dense"])
def test_labels_and_votes_are_those_of_the_results(case: str) -> None:
    results = CASES[case]
    found = read(results)
    truth = results.labels.tolist()
    assert found.values(found.head["truth"]) == truth
    assert found.head["classes"] == list(results.data.class_names) and found.head["ids"] == list(results.data.ids)
    for cells, arm, dense in shown(found, results):
        label, before = arm.columns["pruned_label"].tolist(), dense.columns["pruned_label"].tolist()
        votes = [Counter(of_example) for of_example in arm.labels.T.tolist()]
        assert found.values(cells["label"]) == label
        assert found.values(cells["modal"]) == [of[at] for of, at in zip(votes, label, strict=True)]
        assert found.values(cells["right"]) == [of[at] for of, at in zip(votes, truth, strict=True)]
        assert cells["score"] is None
        if arm is dense:
            assert cells["dense"] is None and cells["confirmed"] is None
        else:
            assert found.values(cells["dense"]) == [of[at] for of, at in zip(votes, before, strict=True)]
            assert found.values(cells["confirmed"]) == arm.columns["is_confirmed"].astype(int).tolist()


def test_scores_are_on_one_scale_of_all_arms() -> None:
    results = CASES["everything"]
    found = read(results)
    for measure in ("q", "depth"):
        facts = [found.head["arrays"][cells[measure]] for cells, *_ in shown(found, results)]
        assert len({(of["scale"], of["offset"]) for of in facts}) == 1
        for cells, arm, _ in shown(found, results):
            assert found.values(cells[measure]) == pytest.approx(
                arm.columns[f"pruned_{measure}"].tolist(), abs=facts[0]["scale"] * 0.501
            )


def test_depths_of_some_examples_only() -> None:
    results = made({"supervised": ("gmp",)})
    results.arms[1].columns["pruned_depth"][:3] = np.nan
    results.arms[2].columns["pruned_depth"][:] = np.nan
    found = read(results)
    one, other = (level["cells"] for level in found.head["arms"][0]["levels"])
    assert found.values(one["depth"])[:3] == [None] * 3 and None not in found.values(one["depth"])[3:]
    assert other["depth"] is None


def test_without_depths_and_maps_there_are_none() -> None:
    found = read(CASES["no depth, no maps"])
    assert all(
        cells["depth"] is None and cells["map"] is None for cells, *_ in shown(found, CASES["no depth, no maps"])
    )


@pytest.mark.parametrize("is_fitted_alone", [False, True])
def test_maps_fill_a_square_and_those_on_axes_of_their_own_lie_on_the_dense_one(is_fitted_alone: bool) -> None:
    results = made({"supervised": ("gmp",)})
    dense = results.arms[0].embedding
    assert dense is not None
    other = 100 - 8 * dense[:, ::-1] if is_fitted_alone else dense + 0.5
    arms = [
        dataclasses.replace(arm, embedding=embedding, is_fitted_alone=is_fitted_alone)
        for arm, embedding in zip(results.arms, (dense, other, None), strict=True)
    ]
    results = dataclasses.replace(results, arms=tuple(arms))
    assert explored(results).notes == ((module.FITTED_ALONE,) if is_fitted_alone else ())
    found = read(results)
    first, second, none = (cells["map"] for cells, *_ in shown(found, results))
    points, others = (np.array(found.values(name)).reshape(-1, 2) for name in (first, second))
    assert none is None
    all_points = np.concatenate([dense] if is_fitted_alone else [dense, other])
    size = float((all_points.max(0) - all_points.min(0)).max())
    assert np.allclose(others - points, 0 if is_fitted_alone else 0.5 / size, atol=2e-3)
    assert np.allclose((points - points.mean(0)) * size, dense - dense.mean(0), atol=size / 1000)
    both = np.concatenate([points, others])
    assert both.min() >= 0 and both.max() <= 1 and max(both.max(0) - both.min(0)) == pytest.approx(1, abs=2e-3)


def test_seeds_and_the_excess_are_the_noise_tables() -> None:
    results = CASES["everything"]
    signal = Signal(results)
    rows = {row.arm: row for row in signal.rows.noise}
    levels = {
        (*arm["key"].split("/"), level["value"]): level for arm in read(results).head["arms"] for level in arm["levels"]
    }
    assert len(levels) == 8 and set(levels) == set(rows)
    for key, level in levels.items():
        row = rows[key]
        assert (level["seeds"], level["accuracy"]) == (row.floor.value, 90.0)
        assert list(level["excess"].values()) == [row.excess.value, row.excess.low, row.excess.high]
        assert level["is_clear"] is {row.arm.key: row.is_clear for row in forgotten(signal)}[key]


def test_one_model_a_side_cannot_tell_what_seeds_do() -> None:
    found = read(CASES["one objective, one sparsity, one model"])
    (level,) = found.head["arms"][0]["levels"]
    assert (level["seeds"], level["excess"], level["is_clear"]) == (None, None, None)
    assert found.head["start"] == {"arm": "supervised/my_own", "level": 0.995}


def changing(arm: ArmResult, dense: ArmResult, share: float) -> ArmResult:
    """The arm, its models changing the same share of examples all alike, and seeds none."""
    labels = dense.labels.copy()
    labels[:, : int(share * labels.shape[1])] = (labels[:, : int(share * labels.shape[1])] + 1) % 3
    return dataclasses.replace(arm, models={**arm.models, "labels": labels})


def test_it_starts_where_the_first_effect_is_clear_and_most_is_beyond_seeds() -> None:
    results = made({"supervised": ("gmp", "delayed_gmp")}, sparsities=(0.5, 0.7, 0.9), models=6, examples=200)
    steady = np.broadcast_to(results.arms[0].labels[:1], results.arms[0].labels.shape)
    dense = dataclasses.replace(results.arms[0], models={**results.arms[0].models, "labels": steady})
    shares = {("gmp", 0.7): 0.2, ("delayed_gmp", 0.7): 0.3, ("gmp", 0.9): 0.9}
    arms = [changing(arm, dense, shares.get((arm.pruning, arm.sparsity), 0)) for arm in results.arms[1:]]
    results = dataclasses.replace(results, arms=(dense, *arms))
    first = headline_arm(forgotten(Signal(results)))
    assert first is not None and first.arm.key == ("supervised", "delayed_gmp", 0.7)
    assert read(results).head["start"] == {"arm": "supervised/delayed_gmp", "level": 0.7}


def test_arms_have_hues_by_objective_and_dashes_by_pruning_and_levels_that_rise() -> None:
    results = made(BOTH, sparsities=(0.9, 0.5))
    lacking = tuple(arm for arm in results.arms if arm.key != ("supcon", "gmp", 0.5))
    found = read(dataclasses.replace(results, arms=lacking))
    drawn = {arm["key"]: (arm["side"], arm["hue"], arm["dash"]) for arm in found.head["arms"]}
    assert drawn == {
        "supervised/gmp": (0, 0, 0), "supervised/my_own": (0, 0, 1), "supcon/gmp": (1, 1, 0), "supcon/my_own": (1, 1, 1),
    }  # fmt: skip
    levels = [[level["value"] for level in arm["levels"]] for arm in found.head["arms"]]
    assert levels == [[0.5, 0.9], [0.5, 0.9], [0.9], [0.5, 0.9]]


def test_where_nothing_is_compared_there_is_no_explorer() -> None:
    results = CASES["only dense"]
    assert study_explorer(results, forgotten(Signal(results))) is None
    results = made(BOTH)
    without = [arm for arm in results.arms if arm.key != ("supervised", "dense", 0.0)]
    found = read(dataclasses.replace(results, arms=tuple(without)))
    assert [side["key"] for side in found.head["sides"]] == ["supcon"]
    assert [arm["key"] for arm in found.head["arms"]] == ["supcon/gmp", "supcon/my_own"]
    nothing = tuple(arm for arm in without if arm.objective == "supervised")
    results = dataclasses.replace(results, arms=nothing)
    assert study_explorer(results, forgotten(Signal(results))) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_each_example_has_its_picture(channels: int) -> None:
    results = made({"supervised": ("gmp",)}, channels=channels)
    found = read(results)
    for example, image in enumerate(results.images):
        expected = np.broadcast_to(image, (3, 8, 8)).transpose(1, 2, 0)
        assert np.array_equal(np.asarray(found.tile(example)), expected)


def test_without_room_the_most_changed_examples_keep_their_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    results = made(BOTH, examples=400)
    results = dataclasses.replace(
        results, images=np.random.default_rng(0).integers(0, 256, (400, 3, 32, 32)).astype(np.uint8)
    )
    data = explored(results)
    room = len(data.arrays_base64()) + sum(map(len, results.data.ids)) + 40_000
    monkeypatch.setattr(module, "ROOM", room)
    data = explored(results)
    found = Read(data.head_json(), data.arrays_base64())
    changes = np.sum([arm.is_pie for arm in results.pruned()], axis=0)
    kept = np.array([found.tile(example) is not None for example in range(400)])
    assert 20 < kept.sum() < 200
    assert data.notes == (f"{400 - kept.sum()} of 400 examples have no picture here: the page would be too large.",)
    assert changes[kept].min() >= changes[~kept].max()


def test_one_example_and_300_classes_and_hostile_names() -> None:
    hostile = "</script><img src=x onerror=alert(1)>\u2028\u202e"
    results = made({"supervised": ("gmp",)}, class_names=(hostile, *(f"class {i}" for i in range(299))), examples=1)
    results = dataclasses.replace(results, data=results.data.model_copy(update={"ids": (hostile,)}))
    found = read(results)
    assert (found.head["ids"], found.head["classes"][0], found.head["examples"]) == (
        [printable(hostile)],
        printable(hostile),
        1,
    )
    assert found.head["arrays"][found.head["truth"]]["type"] == "u16"
    assert found.values(found.head["truth"]) == results.labels.tolist()
    assert found.head["sides"][0]["neighbours"] is None


def kept(results: Results, folder: Path, representations: np.ndarray) -> Results:
    files = {"predictions.safetensors": as_tensors({"representations": representations})}
    artefact = Store(folder).write("predict", "0" * 32, files, "made", {})
    arms = [dataclasses.replace(arm, predictions=(artefact,) if arm.is_dense else ()) for arm in results.arms]
    return dataclasses.replace(results, arms=tuple(arms))


@pytest.mark.parametrize("examples", [40, 3])
def test_neighbours_are_the_nearest_by_angle_and_null_where_no_prediction_is_kept(
    tmp_path: Path, examples: int
) -> None:
    results = made({"supervised": ("gmp",)}, examples=examples)
    points = np.abs(np.random.default_rng(0).normal(size=(examples, 5))).astype(np.float32)
    found = read(kept(results, tmp_path, points))
    name = found.head["sides"][0]["neighbours"]
    number = min(10, examples - 1)
    assert found.head["arrays"][name]["shape"] == [examples, number]
    nearest = np.array(found.values(name)).reshape(examples, number)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    for row, own in enumerate(unit):
        others = [other for other in range(examples) if other != row]
        assert nearest[row].tolist() == sorted(others, key=lambda other: -float(own @ unit[other]))[:number]
    assert read(results).head["sides"][0]["neighbours"] is None


def test_probabilities_are_those_of_the_true_classes_where_they_are_not_too_much_to_read(
    stored_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = load_results(stored_run)
    assert results is not None
    found = read(results)
    for cells, arm, _ in shown(found, results):
        wanted = arm.probabilities(results.labels)
        assert wanted is not None and found.values(cells["score"]) == pytest.approx(wanted.tolist(), abs=0.5 / 254)
    monkeypatch.setattr(module, "MOST_READ", 1000)
    assert all(cells["score"] is None for cells, *_ in shown(read(results), results))
