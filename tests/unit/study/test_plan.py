"""What a study's steps are, what each is known by."""

from __future__ import annotations

import copy

import pytest
import tomli_w

from made_studies import CONTENT, changed, with_controls
from piescope.spec import content_key
from piescope.study.parse import builtin_studies, load_study, parse_study, study_toml
from piescope.study.plan import Step, make_plan
from piescope.study.spec import Study


def test_every_builtin_study_parses_and_resolves_to_itself() -> None:
    for name, text in builtin_studies().items():
        study = parse_study(text, name)
        assert study.name == name
        assert parse_study(study_toml(study)) == study


def test_the_digits_study_has_the_arms_that_it_must_have() -> None:
    study = load_study("digits")
    assert study.arms == {
        "supervised": ("dense", "gmp", "one_shot", "fresh_dense", "finetune_only", "random"),
        "supcon": ("dense", "gmp", "delayed_gmp", "one_shot", "fresh_dense", "finetune_only", "random"),
    }
    assert len(study.seeds) >= 5
    assert {0.5, 0.9} <= set(study.sparsities)


def test_content_key_ignores_order_and_sees_values() -> None:
    assert content_key({"a": 1, "b": [1, 2]}) == content_key({"b": [1, 2], "a": 1})
    assert len({content_key(value) for value in ({"a": 1}, {"a": 2}, {"b": 1}, [1, 2], [2, 1], None)}) == 6
    with pytest.raises(ValueError, match="Out of range"):
        content_key(float("nan"))


def keys(study: Study) -> dict[str, str]:
    return {step.label: step.key for step in make_plan(study).steps}


def test_keys_do_not_depend_on_names_and_titles() -> None:
    study = load_study("digits")
    assert keys(study) == keys(study.model_copy(update={"name": "other", "title": "Other"}))


def test_only_what_a_change_touches_gets_new_keys() -> None:
    before = keys(load_study("digits"))
    after = keys(parse_study(changed("pruning.gmp.supervised.end", 150)))
    moved = {label for label in before if before[label] != after[label]}
    assert moved
    touched = {label for label in before if label.startswith("supervised gmp")}
    assert moved == touched | {"supervised: UMAP"}  # one fit of all arms of the objective
    shown = keys(parse_study(changed("figures", {"figure_1": 0.9, "figure_4": [0.5]})))
    assert shown == before
    fewer = keys(parse_study(changed("measures.prediction_depth.models", 3)))
    assert all(fewer[label] == before[label] for label in fewer if not label.endswith("compare with dense"))
    unmapped = keys(parse_study(changed("measures.projection.sparsities", [0.9])))
    assert {label for label in unmapped if unmapped[label] != before[label]} == {"supervised: UMAP", "supcon: UMAP"}
    more = keys(parse_study(changed("replicates", 6)))
    assert {label for label in before if more.get(label) != before[label]} == {
        label for label in before if label.endswith("compare with dense") or "fresh_dense, seed 5" in label
    }
    fresh, older = keys(parse_study(changed("replicates", 6))), "supervised fresh_dense, seed 6"
    assert fresh[older] == before[older]  # a fresh seed stays what it is, also as a replicate later
    assert fresh["supervised dense, seed 5"] == before["supervised fresh_dense, seed 5"]


def test_fresh_seeds_that_begin_where_the_study_says_stay_when_replicates_are_added() -> None:
    content = copy.deepcopy(CONTENT)
    content["controls"] = {"fresh_dense": {"kind": "fresh_dense", "first_seed": 100}}
    before, after = (
        keys(parse_study(tomli_w.dumps({**content, "replicates": replicates})))
        for replicates in (CONTENT["replicates"], 6)
    )
    assert [label for label in before if "supervised fresh_dense, seed" in label][::2] == [
        f"supervised fresh_dense, seed {seed}" for seed in range(100, 105)
    ]
    assert {label for label in before if after.get(label) != before[label]} == {
        label for label in before if label.endswith("compare with dense")
    }


def test_an_arm_may_have_fewer_models_or_more_and_no_other_arm_is_touched() -> None:
    study, several = load_study("digits"), {"supcon gmp 0.9": 3, "supcon one_shot 0.9": 2, "supcon fresh_dense": 7}
    some = parse_study(changed("replicates_of", several))
    plan, whole, named = make_plan(some), keys(study), keys(some)
    models = {str(item.arm): len(item.models) for item in plan.arms}
    assert {name for name, count in models.items() if count != 5} == set(several)
    assert {name: models[name] for name in several} == several
    assert some.models == plan.models == study.models - 2 - 3 + 2
    compared = {str(item.arm): item.compare for item in plan.arms}
    for name in ("supcon gmp 0.9", "supcon one_shot 0.9"):
        parents = compared[name].parents
        assert [len(parents[role]) for role in ("models", "pruned", "dense", "fresh")] == [several[name]] * 2 + [5, 7]
    assert [step.label for step in plan.steps if step.label not in whole] == [
        f"supcon fresh_dense, seed {seed}{what}" for seed in (10, 11) for what in ("", ": predict")
    ]  # the first five are those that there were
    moved = {label for label in named if label in whole and named[label] != whole[label]}
    assert moved == {
        label for label in whole if label.startswith("supcon") and label.endswith("compare with dense")
    } - {"supcon dense: compare with dense"}  # all are compared with fresh seeds, too
    more = parse_study(changed("replicates_of", {"supervised dense": 8}))
    assert more.seeds_of(make_plan(more).arms[0].arm) == tuple(range(8))
    assert more.seeds_of(make_plan(more).arms[1].arm) == tuple(range(8, 13))  # fresh seeds, above all others


def test_the_paper_s_study_with_controls_has_all_that_the_paper_s_has() -> None:
    paper, fair = keys(load_study("corti2022-paper")), keys(load_study("corti2022-fair"))
    shared = {label for label, key in paper.items() if fair[label] == key}
    pruned = {label for label in paper if label.endswith("compare with dense") and "dense:" not in label}
    assert paper.keys() - shared == pruned  # which are compared with fresh seeds, too
    assert len(shared) == len(paper) - 30
    added = {label.split(",")[0].split(":")[0] for label in fair.keys() - paper.keys()}
    assert {" ".join(label.split(" ")[:2]) for label in added} == {
        f"{objective} {control}"
        for objective in ("supervised", "supcon")
        for control in ("fresh_dense", "finetune_only", "random")
    }
    assert {label: key for label, key in fair.items() if key in paper.values()}.keys() == shared


def test_two_names_for_one_method_are_computed_once() -> None:
    content = copy.deepcopy(CONTENT)
    content["pruning"]["same"] = content["pruning"]["one_shot"]
    content["arms"]["supervised"].append("same")
    plan = make_plan(parse_study(tomli_w.dumps(content)))
    assert len(plan.steps) == len(make_plan(load_study("digits")).steps)
    assert len({step.ref for step in plan.steps}) == len(plan.steps)
    assert plan.models == 30 * 5  # as arms they are two


def test_parents_come_first_and_labels_are_unique() -> None:
    plan = make_plan(load_study("digits"))
    seen = set()
    for step in plan.steps:
        assert seen.issuperset(step.parent_refs())
        seen.add(step.ref)
    assert len({step.label for step in plan.steps}) == len(seen) == len(plan.steps)


def test_one_shot_descends_from_dense_of_the_same_seed_and_gmp_does_not() -> None:
    plan = make_plan(load_study("digits"))
    steps: dict[str, Step] = {step.label: step for step in plan.steps}
    for objective in ("supervised", "supcon"):
        for seed in plan.study.seeds:
            child = steps[f"{objective} one_shot 0.9, seed {seed}"]
            assert child.parents["model"] == (steps[f"{objective} dense, seed {seed}"].ref,)
            assert "model" not in steps[f"{objective} gmp 0.9, seed {seed}"].parents


def test_controls_change_one_thing() -> None:
    study = parse_study(tomli_w.dumps(with_controls(layers={"kind": "random_masks", "of": "gmp"})))
    assert study.method("layers") == study.pruning["gmp"].model_copy(update={"criterion": "random"})
    assert study.method("random") == study.pruning["one_shot"].model_copy(update={"criterion": "random"})
    tuned = study.method("finetune_only")
    assert tuned is not None
    assert tuned.finetune == study.pruning["one_shot"].finetune
    assert study.method("fresh_dense") is None
    arms = [arm for arm in study.arm_list() if arm.objective == "supervised"]
    assert not set(study.seeds_of(arms[1])) & set(study.seeds)
    assert [arm.pruning for arm in arms][:2] == ["dense", "fresh_dense"]
    assert [arm.sparsity for arm in arms if arm.pruning == "finetune_only"] == [0.0]
    assert [arm.sparsity for arm in arms if arm.pruning == "layers"] == sorted(study.sparsities)


def test_a_method_of_the_study_goes_before_a_standard_control() -> None:
    content = copy.deepcopy(CONTENT)
    content["pruning"]["random"] = {**content["pruning"]["one_shot"], "criterion": "random"}
    study = parse_study(tomli_w.dumps(content))
    assert study.control("random") is None
    assert study.method("random") == study.pruning["random"]


def test_pruned_arms_are_compared_with_fresh_seeds_too_and_controls_have_no_depth() -> None:
    plan = make_plan(load_study("digits"))
    steps = {step.label: step for step in plan.steps}
    fresh = tuple(steps[f"supervised fresh_dense, seed {seed}: predict"].ref for seed in range(5, 10))
    assert steps["supervised gmp 0.9: compare with dense"].parents["fresh"] == fresh
    assert steps["supervised finetune_only: compare with dense"].parents["fresh"] == fresh
    assert steps["supervised fresh_dense: compare with dense"].parents["fresh"] == ()
    assert steps["supervised dense: compare with dense"].parents["fresh"] == ()
    controls = [label for label in steps if any(name in label for name in ("fresh_dense", "finetune_only", "random"))]
    assert controls
    assert not any("depth" in label or "UMAP" in label for label in controls)


def test_an_objectives_maps_are_one_step_and_those_of_earlier_versions_are_still_found() -> None:
    plan = make_plan(load_study("digits"))
    maps = [step for step in plan.steps if step.kind == "project"]
    assert [step.label for step in maps] == ["supervised: UMAP", "supcon: UMAP"]
    steps = {step.ref: step for step in plan.steps}
    for item in plan.arms:
        arm = item.arm
        if arm.pruning in ("fresh_dense", "finetune_only", "random") or arm.sparsity == 0.5:
            assert item.maps is None
        else:
            assert item.maps is not None and item.maps.together in maps
            refs = item.maps.together.parents[str(item.maps.place)]
            assert [steps[ref].label for ref in refs] == [f"{arm}, seed 0: predict"]
            assert item.maps.alone.parents == {"predictions": refs} and item.maps.alone.ref not in steps
    places = [item.maps.place for item in plan.arms if item.maps is not None]
    assert places == [*range(5), *range(7)]
    assert [len(step.parents) for step in maps] == [5, 7]


def test_two_names_for_one_method_have_one_map() -> None:
    content = copy.deepcopy(CONTENT)
    content["measures"]["projection"] = {"sparsities": [0.9]}
    content["pruning"]["twin"] = content["pruning"]["one_shot"]
    content["arms"] = {"supervised": ["dense", "one_shot", "twin"]}
    plan = make_plan(parse_study(tomli_w.dumps(content)))
    places = {str(item.arm): item.maps.place for item in plan.arms if item.maps is not None}
    assert places == {"supervised dense": 0, "supervised one_shot 0.9": 1, "supervised twin 0.9": 1}
    (maps,) = [step for step in plan.steps if step.kind == "project"]
    assert len(maps.parents) == 2 and maps.forward == 2 * plan.study.data.facts.test_examples


def test_trainings_take_over_the_steps_before_their_first_weight_goes() -> None:
    """Digits, 1,000 images: supervised batches are of 50, those of the encoder of 100, in two views."""
    steps = {step.label: step for step in make_plan(load_study("digits")).steps}
    told = {
        arm: (
            steps[f"{arm}, seed 0"].forks,
            steps[f"{arm}, seed 0"].forward_backward,
            steps[f"{arm}, seed 0"].taken_over,
        )
        for arm in (
            "supervised dense",
            "supervised gmp 0.9",
            "supcon dense",
            "supcon gmp 0.5",
            "supcon delayed_gmp 0.5",
        )
    }
    assert told == {
        "supervised dense": ((29,), 16_000, 0),
        "supervised gmp 0.9": ((29,), 16_000 - 29 * 50, 29 * 50),
        "supcon dense": ((9, 54), 28_000, 0),
        "supcon gmp 0.5": ((9,), 28_000 - 9 * 200, 9 * 200),
        "supcon delayed_gmp 0.5": ((9, 54), 28_000 - 54 * 200, 54 * 200),
    }
    others = [step for step in steps.values() if step.kind != "train" or "fresh_dense" in step.label]
    assert others and not any(step.forks or step.taken_over for step in others)


@pytest.mark.parametrize(("schedule", "shared"), [((20, 160, 10), 28), ((1, 2, 5), 0)])
def test_what_ranks_the_last_forward_pass_does_that_one_itself(schedule: tuple[int, int, int], shared: int) -> None:
    content = copy.deepcopy(CONTENT)
    begins = dict(zip(("begin", "end", "frequency"), schedule, strict=True))
    content["pruning"]["gmp"] |= {"ranked": "last_forward", "supervised": begins}
    steps = {step.label: step for step in make_plan(parse_study(tomli_w.dumps(content))).steps}
    pruned = steps["supervised gmp 0.9, seed 0"]
    assert (pruned.forks, pruned.taken_over) == ((shared,) if shared else (), shared * 50)


def test_images_that_drop_last_leaves_out_are_not_counted() -> None:
    content = copy.deepcopy(CONTENT)
    for stage in ("encoder", "head"):
        content["training"]["supcon"][stage] |= {"batch_size": 300, "drop_last": True}
    for name in ("gmp", "delayed_gmp"):
        content["pruning"][name] |= {
            "encoder": {"begin": 1, "end": 9, "frequency": 2},
            "head": {"begin": 1, "end": 9, "frequency": 2},
        }
    steps = {step.label: step for step in make_plan(parse_study(tomli_w.dumps(content))).steps}
    dense = steps["supcon dense, seed 0"]
    assert (dense.forward_backward, dense.forward) == (14 * 900 * 2, 10 * 900)
