"""What a study has stored, as the report asks for it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from made_results import CASES, made
from piescope.report.study.results import Results, _of_common_seeds, _without, load_results
from piescope.report.study.rows import ArmKey
from piescope.store import layout
from piescope.store.artefacts import Store, as_tensors
from piescope.store.catalogue import Catalogue, ControlOf
from piescope.study.catalogue import refresh_catalogue
from piescope.study.folder import study_of
from piescope.study.parents import Parents
from piescope.study.plan import make_plan


def with_control() -> Results:
    """Two objectives with one pruning in common; the last arm of the first is a control of it."""
    results = made({"supervised": ("gmp", "my_own"), "supcon": ("gmp",)})
    arms = [
        dataclasses.replace(arm, control=ControlOf(kind="random_masks", of="gmp")) if arm.pruning == "my_own" else arm
        for arm in results.arms
    ]
    return dataclasses.replace(results, arms=tuple(arms))


def test_controls_are_no_arms_that_are_studied() -> None:
    results = with_control()
    assert results.families() == [("supervised", "gmp"), ("supcon", "gmp")]
    assert len(results.pruned()) == 4
    assert len(results.studied()) == 6
    assert [arm.sparsity for arm in results.controls("supervised", "random_masks", "gmp")] == [0.5, 0.9]
    assert results.controls("supcon", "random_masks", "gmp") == []
    assert results.sparsities() == [0.5, 0.9]


def test_the_first_models_of_each_arm() -> None:
    results = CASES["fewer models in two arms"]
    even = results.first_models(4, fresh=0)
    assert {len(arm.labels) for arm in even.arms} == {4} and {len(arm.labels) for arm in results.arms} == {4, 6}
    for arm, cut in zip(results.arms, even.arms, strict=True):
        assert (arm.labels[:4] == cut.labels).all() and (arm.models["depth"] == cut.models["depth"]).all()
        assert cut.summary == arm.summary  # counts are of all models
    assert even.first_models(4, fresh=0) is even.first_models(6, fresh=6) is even
    fresh = dataclasses.replace(results.arms[0], pruning="fresh_dense", control=ControlOf(kind="fresh_dense"))
    beside = dataclasses.replace(results, arms=(*results.arms, fresh))
    assert [len(arm.labels) for arm in beside.first_models(4, fresh=5).arms] == [4] * 10 + [5]
    assert len(beside.first_models(6, fresh=0).arms) == 10


def test_a_lost_seed_is_lost_by_all_arms_and_a_small_arm_takes_no_other_with_it() -> None:
    arms = [
        dataclasses.replace(arm, seeds=tuple(range(len(arm.labels)))) for arm in CASES["fewer models in two arms"].arms
    ]
    arms[3] = dataclasses.replace(_without(arms[3], {1}), seeds=(0, 2, 3, 4, 5), lost=(1,))
    common = _of_common_seeds(arms)
    assert [len(arm.labels) for arm in common] == [5, 3, 5, 5, 5, 5, 5, 5, 3, 5]
    for arm, left in zip(arms, common, strict=True):
        kept = [place for place, seed in enumerate(arm.seeds) if seed != 1]
        assert (left.labels == arm.labels[kept]).all()


def test_the_main_sparsity_is_the_papers_or_the_highest() -> None:
    assert made({"supervised": ("gmp",)}).main_sparsity == 0.9
    assert made({"supervised": ("gmp",)}, sparsities=(0.5, 0.95)).main_sparsity == 0.95
    assert made({"supervised": ()}, sparsities=()).main_sparsity == 0.0


def test_an_arm_is_found_by_its_key_and_its_siblings_by_their_objective() -> None:
    results = with_control()
    arm = results.find("supcon", "gmp", 0.5)
    assert arm is not None and arm.key == ("supcon", "gmp", 0.5) and arm.key.family == ("supcon", "gmp")
    assert results.find("supcon", "my_own", 0.5) is None
    assert [(objective, sibling and sibling.key) for objective, sibling in results.siblings(arm)] == [
        ("supervised", ("supervised", "gmp", 0.5))
    ]
    other = results.find("supervised", "gmp", 0.5)
    shared = results.shared(arm)
    assert other is not None and shared is not None
    assert np.array_equal(shared, arm.is_pie & other.is_pie)


def test_a_tied_pie_is_a_pie_with_a_tie_on_either_side() -> None:
    arm = made({"supervised": ("gmp",)}).arms[1]
    columns = arm.columns | {"is_pie": np.array([1, 1, 1, 0]), "dense_tie": np.array([True, False, False, True])}
    tied = dataclasses.replace(arm, columns=columns | {"pruned_tie": np.array([False, True, False, True])}).is_tied_pie
    assert tied.tolist() == [True, True, False, False]


def test_what_an_arms_models_say_is_found_and_may_be_gone(stored_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(stored_run, out)
    results = load_results(out)
    assert results is not None and len(results.arms) > 3
    for arm in results.arms:
        said = [kept.tensors("predictions.safetensors") for kept in arm.predictions]
        assert [of["logits"].argmax(1).tolist() for of in said] == arm.labels.tolist()
        first = arm.representations()
        assert first is not None and (first == said[0]["representations"]).all()
        odds = np.mean([softmax(of["logits"].astype(float), 1) for of in said], axis=0)
        found = arm.probabilities(results.labels)
        assert found is not None and found == pytest.approx(odds[np.arange(len(odds)), results.labels])
        turned = dataclasses.replace(arm, predictions=arm.predictions[::-1])
        assert turned.probabilities(results.labels) is None  # what each says is not what was compared
        assert dataclasses.replace(arm, predictions=arm.predictions[1:]).probabilities(results.labels) is None
    shutil.rmtree(out / "artefacts" / "predict")
    results = load_results(out)
    assert results is not None
    assert all(arm.representations() is None and arm.probabilities(results.labels) is None for arm in results.arms)


@pytest.mark.parametrize("control", [ControlOf(kind="fresh_dense"), ControlOf(kind="random_masks", of="gmp")])
@pytest.mark.parametrize("lost", [(), (1,)])
def test_controls_alone_are_no_results(stored_run: Path, control: ControlOf, lost: tuple[int, ...]) -> None:
    """They measure others: a page of nothing else would have no models of the study's own."""
    kept = Catalogue.read(layout.catalogue(stored_run))
    assert kept is not None
    alone = kept.arms[1].model_copy(update={"control": control, "lost": lost})
    assert load_results(stored_run, kept.model_copy(update={"arms": (alone,)})) is None
    assert load_results(stored_run, kept.model_copy(update={"arms": (kept.arms[0], alone)})) is not None


def test_maps_of_one_fit_and_maps_that_an_earlier_version_fitted_alone(stored_run: Path, tmp_path: Path) -> None:
    results = load_results(stored_run)
    assert results is not None
    mapped = {arm.key: arm.embedding for arm in results.arms if arm.embedding is not None}
    assert len(mapped) == 7 and not any(arm.is_fitted_alone for arm in results.arms)
    assert all(points.shape == (len(results.labels), 2) for points in mapped.values())
    out = tmp_path / "copy"
    shutil.copytree(stored_run, out)
    shutil.rmtree(out / "artefacts" / "project")
    store = Store(out)
    for item in make_plan(study_of(out)).arms:
        if item.maps is not None:
            points, alone_map = mapped[ArmKey(*item.arm.model_dump().values())] + 1, item.maps.alone
            files, contents = (
                {"projection.safetensors": as_tensors({"embedding": points})},
                Parents(alone_map, store).contents(),
            )
            store.write("project", alone_map.key, files, "", {}, parent_contents=contents)
    refresh_catalogue(out)
    alone = load_results(out)
    assert alone is not None
    for arm in alone.arms:
        assert arm.is_fitted_alone == (arm.key in mapped)
        assert arm.embedding is None or np.array_equal(arm.embedding, mapped[arm.key] + 1)
    shutil.rmtree(out / "artefacts" / "project")
    refresh_catalogue(out)
    without = load_results(out)
    assert without is not None and all(arm.embedding is None and not arm.is_fitted_alone for arm in without.arms)
