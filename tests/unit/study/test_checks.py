"""What is no study, or none that holds together, is told with its cure."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from made_studies import CONTENT, changed, with_controls
from piescope.problems import StudyError
from piescope.study.folder import models_left_over
from piescope.study.parse import load_study, parse_study, study_toml

FIRST_SEED = "controls.fresh_dense.first_seed"
FAULTS = [
    # path, value, where, found, cure
    ("sparsities", [0.5, 90], "sparsities.1", "90", "write 0.9 for 90 %"),
    ("sparsities", [1.0], "sparsities.0", "1.0", "fractions below 1"),
    ("sparsities", [0.5, 1], "sparsities.1", "1", "fractions below 1"),
    ("sparsities", [100], "sparsities.0", "100", "fractions below 1"),
    ("sparsities", [12.5], "sparsities.0", "12.5", "write 0.125 for 12.5 %"),
    ("sparsities", [True], "sparsities.0", "true", "write a number, without quotes: 0.5"),
    ("sparsities", ["0.9"], "sparsities.0", '"0.9"', "write a number, without quotes: 0.9"),
    ("sparsities", ["90 %"], "sparsities.0", '"90 %"', "write 0.9 for 90 %"),
    ("sparsities", [[0.5]], "sparsities.0", "[0.5]", "write one list of numbers"),
    ("sparsities", [float("nan")], "sparsities.0", "NaN", "write a number"),
    ("sparsities", [0], "sparsities.0", "0", "fractions above 0"),
    ("sparsities", 90, "sparsities", "90", "write a list: [0.9]"),
    ("sparsities", True, "sparsities", "true", "write a list: [0.5, 0.9]"),
    ("sparsities", {"a": 0.5}, "sparsities", "{", "write a list: [0.5, 0.9]"),
    ("controls", {"abc": {"kind": "finetune_only", "of": "nope"}}, "controls.abc", "control of 'nope'", "say of which"),
    (
        "controls",
        {"abc": {"kind": "random_masks", "of": "gpm"}},
        "controls.abc",
        "control of 'gpm'",
        "say of which: gmp",
    ),
    ("figures", {"figure_2": 1}, "figures.figure_2", "1", "fractions below 1"),
    ("measures.projection.sparsities", [1.0], "measures.projection.sparsities.0", "1.0", "fractions below 1"),
    ("sparsities", [-0.5], "sparsities.0", "-0.5", "fractions above 0"),
    ("sparsities", [0.5, 0.5], "sparsities", "[0.5, 0.5]", "name each sparsity once"),
    ("sparsities", "0.5", "sparsities", '"0.5"', "write a list: [0.5]"),
    ("sparsities", 0.9, "sparsities", "0.9", "write a list: [0.9]"),
    ("sparsities", [], "sparsities", "none", "or leave the arm out"),
    ("sparsities", ..., "sparsities", "none", "add sparsities = [0.5, 0.9]"),
    ("training.supervised.q_score", {"weight": -1.0}, "training.supervised.q_score.weight", "-1.0", "in that range"),
    ("training.supcon.head.q_score", {"weight": 0.1}, "training.supcon", "q_score in the head's", "move it to encoder"),
    ("replicates_of", {"supcon gmp 0.8": 3}, "replicates_of", "supcon gmp 0.8", "did you mean 'supcon gmp 0.9'?"),
    ("replicates_of", {"dense": 3}, "replicates_of", "dense", "did you mean 'supervised dense'?"),
    ("replicates_of", 3, "replicates_of", "3", 'write replicates_of = { "supcon gmp 0.9" = 3 }'),
    ("replicates_of", ["supcon gmp 0.9"], "replicates_of", "[", 'write replicates_of = { "supcon gmp 0.9" = 3 }'),
    ("replicates_of", True, "replicates_of", "true", 'write replicates_of = { "supcon gmp 0.9" = 3 }'),
    ("training.supervised.q_score", 0.1, "training.supervised.q_score", "0.1", "write q_score = { weight = ... }"),
    ("training.supervised.schedule", "cosine", "training.supervised.schedule", "cosine", "schedule = { kind = ... }"),
    ("training.supervised", 3, "training.supervised", "3", "supervised = { epochs = ..., batch_size = ..., learning"),
    ("controls", 3, "controls", "3", "write controls = { NAME = { kind = ... } }"),
    ("arms.supervised", "dense", "arms.supervised", "dense", 'write a list: ["dense"]'),
    ("arms.supervised", {"dense": 1}, "arms.supervised", "dense", "write a list: [...]"),
    ("arms.supervised", [], "arms.supervised", "[]", "name one or more"),
    ("training.supcon.projection", [128], "training.supcon.projection.1", "nothing", "write as many as"),
    ("training.supcon.projection", [1, 2, 3], "training.supcon.projection", "[1, 2, 3]", "leave out what is too much"),
    ("pruning.gmp", {}, "pruning.gmp", "{}", "add kind = ..."),
    ("title", "", "title", "", "write a line"),
    ("title", "x" * 201, "title", "x", "shorten it"),
    ("replicates_of", {"supcon": {"gmp": 3}}, "replicates_of.supcon", "gmp", 'named in quotes: "supcon gmp 0.9" = 3'),
    ("replicates_of", {"supcon gmp 0.9": [0, 1]}, "replicates_of.supcon gmp 0.9", "[0, 1]", "write how many models"),
    ("figures", {"figure_4": "all"}, "figures.figure_4", "all", "write a list: [...]"),
    ("training.supervised.continues", "a", "training.supervised.continues", "unknown key", "at the top of the study"),
    ("data.seed", 3, "data.seed", "unknown key 'seed'", "at the top of the study"),
    ("q_score", {"weight": 0.1}, "q_score", "unknown key 'q_score'", "below [training.supervised], say"),
    ("epochs", 3, "epochs", "unknown key 'epochs'", "below [training.supervised], say"),
    ("continues", "", "continues", "", "write what stands in that study as its name"),
    ("continues", 3, "continues", "3", "or leave it out"),
    ("replicates_of", {"supcon gmp 0.9": 0}, "replicates_of.supcon gmp 0.9", "0", "take a value in that range"),
    ("replicates_of", {"supcon gmp 0.9": 6}, "replicates_of.supcon gmp 0.9", "6 models", "or more dense ones"),
    ("replicates_of", {"supcon dense": 4}, "replicates_of.supcon dense", "4 models", "leave it out, or name"),
    ("replicates_of", {"supcon gmp 0.9": 2_000_000}, "replicates_of", "2,000,000", "take less"),
    (
        "controls",
        {"fresh_dense": {"kind": "fresh_dense", "first_seed": 4}},
        FIRST_SEED,
        "4: seed 4",
        "begin at 5 or later",
    ),
    ("controls", {"fresh_dense": {"kind": "fresh_dense", "first_seed": -1}}, FIRST_SEED, "-1", "in that range"),
    (
        "controls",
        {"fresh_dense": {"kind": "fresh_dense", "first_seed": 2**32 - 2}},
        FIRST_SEED,
        "4294967294",
        "begin lower",
    ),
    ("figures", {"figure_4": [0.5, 0.7]}, "figures.figure_4", "0.7", "take one of those, or add it to sparsities"),
    ("figures", {"figure_4": []}, "figures.figure_4", "[]", "name one or more, or leave the key out"),
    ("figures", {"figure_4": 0.5}, "figures.figure_4", "0.5", "write a list: [0.5]"),
    ("figures", {"figure_4": [0.5, 0.5]}, "figures.figure_4", "[0.5, 0.5]", "name each once"),
    ("figures", 3, "figures", "3", "write figures = { figure_1 = ... }"),
    ("figures", {"figure_1": [0.9]}, "figures.figure_1", "[0.9]", "write one number"),
    ("figures", {"figure_2": 0.7}, "figures.figure_2", "0.7", "take one of those, or add it to sparsities"),
    ("figures", {"figure_2": 90}, "figures.figure_2", "90", "write 0.9 for 90 %"),
    ("figures", {"figure_1": 0.5}, "figures.figure_1", "0.5", "or add it to measures.projection.sparsities"),
    ("figures", {"figure_8": [0.5]}, "figures.figure_8", "unknown key 'figure_8'", "'figure_"),
    ("pruning.gmp.criterion", "wanda", "pruning.gmp.criterion", "wanda", "take one of those"),
    (
        "pruning.gmp",
        {"kind": "gradual", "criterion": "random", "ranked": "last_forward"},
        "pruning.gmp",
        "criterion 'random' and ranked 'last_forward'",
        "write ranked = 'current'",
    ),
    ("sparsitys", [0.5], "sparsitys", "unknown key 'sparsitys'", "did you mean 'sparsities'?"),
    ("pruning.gmp.supervised.ennd", 3, "pruning.gmp.supervised.ennd", "unknown key", "did you mean 'end'?"),
    ("training.supcon.encoder.epoch", 3, "training.supcon.encoder.epoch", "unknown key", "did you mean 'epochs'?"),
    ("training.supervised.schedule.flor", 0.1, "training.supervised.schedule.flor", "unknown key", "'floor'"),
    ("training.supervised._target_", "os.system", "training.supervised._target_", "unknown key", "one of"),
    ("training.supervised.epochs", "16", "training.supervised.epochs", '"16"', "without quotes"),
    ("training.supervised.epochs", ..., "training.supervised.epochs", "nothing", "add the key 'epochs'"),
    ("training.supervised.learning_rate", float("nan"), "training.supervised.learning_rate", "NaN", "finite"),
    ("training.supervised.schedule.kind", "linear", "training.supervised.schedule", "unknown value 'linear'", "one of"),
    (
        "pruning.gmp.supervised",
        {"begin": 160, "end": 20, "frequency": 10},
        "pruning.gmp.supervised",
        "begin 160 and end 20",
        "begin earlier or end later",
    ),
    (
        "pruning.gmp.supervised.begin",
        5000,
        "pruning.gmp.supervised",
        "begin 5000 and end 160",
        "begin earlier or end later",
    ),
    (
        "pruning.gmp.encoder",
        {"begin": 900, "end": 990, "frequency": 9},
        "pruning.gmp.encoder.begin",
        "900",
        "begin earlier",
    ),
    ("pruning.gmp.encoder.end", 141, "pruning.gmp.encoder.end", "141", "end earlier or train longer"),
    ("pruning.gmp.supervised", ..., "pruning.gmp.supervised", "nothing", "add"),
    ("pruning.gmp.criterion", "magnitud", "pruning.gmp.criterion", "magnitud", "did you mean 'magnitude'?"),
    ("replicates", [0, 1, 1, 2], "replicates", "seeds [1] more than once", "name each seed once"),
    ("replicates", 0, "replicates", "0", "range"),
    ("replicates", "x", "replicates", '"x"', "without quotes"),
    ("replicates", 10**6, "replicates", "27,000,000 models", "split the study"),
    ("data.source", "digitz", "data.source", "unknown data set 'digitz'", "did you mean 'digits'?"),
    ("data.normalisation.mean", [0.1, 0.2, 0.3], "data.normalisation.mean", "3 values", "one number per channel"),
    ("arms.supervised", ["dense", "gmpp"], "arms.supervised", "unknown pruning 'gmpp'", "did you mean 'gmp'?"),
    ("arms.supervised", ["gmp"], "arms.supervised", "['gmp']", "add 'dense'"),
    ("arms.supconn", ["dense"], "arms", "unknown objective 'supconn'", "did you mean 'supcon'?"),
    ("arms.simclr", ["dense"], "training.simclr", "nothing", "add a table [training.simclr]"),
    ("model.depth", 12, "model.depth", "12", "take the nearest"),
    ("title", "two\nlines", "title", "lines", "characters"),
    ("pruning.dense", {"kind": "gradual"}, "pruning.dense", "a method of that name", "rename it"),
    ("pruning.one_shot.regrowth", True, "pruning.one_shot.regrowth", "true", "gradual pruning"),
    (
        "measures.prediction_depth.points",
        ["relu", "conv1"],
        "measures.prediction_depth.points",
        "relu",
        "order them: conv1, relu",
    ),
    ("measures.projection.neighbours", 797, "measures.projection.neighbours", "797", "fewer neighbours"),
    (
        "training.supervised.schedule",
        {"kind": "multi_step", "milestones": [5, 500], "gamma": 0.1},
        "training.supervised",
        "500",
        "never be reached",
    ),
    (
        "training.supervised.schedule",
        {"kind": "multi_step", "milestones": [5, 5], "gamma": 0.1},
        "training.supervised.schedule.milestones",
        "[5, 5]",
        "once",
    ),
    ("training.supervised.momentum", 0.0, "training.supervised", "momentum 0", "set a momentum"),
    ("measures.prediction_depth.models", 6, "measures.prediction_depth.models", "6", "fewer models"),
    ("measures.prediction_depth.k", 2000, "measures.prediction_depth.k", "2000", "fewer neighbours"),
    (
        "measures.prediction_depth.points",
        ["conv1", "stage1.0.relu3"],
        "measures.prediction_depth.points",
        "relu3",
        "did you",
    ),
    ("measures.projection.sparsities", [0.7], "measures.projection.sparsities", "0.7", "sparsities that the study has"),
    ("format_version", 2, "format_version", "2", "upgrade piescope"),
    ("continues", "digits", "continues", "'digits', its own name", "leave it out"),
    ("name", "../evil", "name", "../evil", "lower-case"),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "found", "cure"), FAULTS, ids=[f"{f[0]}={f[1]}"[:60] for f in FAULTS]
)
def test_faults_are_named_with_where_found_expected_and_cure(
    path: str, value: Any, where: str, found: str, cure: str
) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(changed(path, value), "study.toml")
    problems = caught.value.problems
    hits = [p for p in problems if p.where == where and found in p.found and (cure in p.cure or cure == "one of")]
    assert hits, str(caught.value)
    assert all(p.expected for p in problems)
    assert str(caught.value).startswith("study.toml: ")


DENSE_ALONE = """
name = "dense-alone"
title = "Dense models alone"
replicates = 2
[data]
source = "digits"
normalisation = { mean = [0.3052], std = [0.3759] }
[model]
depth = 10
width = 1
[arms]
supervised = ["dense", "fresh_dense"]
[training.supervised]
epochs = 1
batch_size = 50
learning_rate = 0.05
"""


@pytest.mark.parametrize("line", ["", "sparsities = []\n", "sparsities = [0.5]\n"])
def test_dense_models_need_no_sparsity_and_no_table_of_prunings(line: str) -> None:
    study = parse_study(line + DENSE_ALONE)
    assert [str(arm) for arm in study.arm_list()] == ["supervised dense", "supervised fresh_dense"]
    assert parse_study(study_toml(study)) == study


def test_what_a_study_without_sparsities_is_told_works() -> None:
    pruned = DENSE_ALONE.replace('"fresh_dense"', '"gmp"') + PRUNING
    with pytest.raises(StudyError, match="supervised gmp is an arm") as caught:
        parse_study(pruned)
    assert caught.value.problems[0].cure == "add sparsities = [0.5, 0.9], or leave the arm out"
    assert parse_study("sparsities = [0.5, 0.9]\n" + pruned).sparsities == (0.5, 0.9)
    assert parse_study(pruned.replace(', "gmp"', "")).arms == {"supervised": ("dense",)}
    mapped = DENSE_ALONE + "[measures.projection]\nsparsities = [0.5]\n"
    with pytest.raises(StudyError, match="write sparsities = \\[\\] there"):
        parse_study(mapped)
    assert parse_study(mapped.replace("[0.5]", "[]")).measures.projection is not None


@pytest.mark.parametrize(("sparsity", "told"), [(0.999999, "all of 77,072 weights"), (1e-6, "none of 77,072 weights")])
def test_a_sparsity_takes_some_weights_and_leaves_some(sparsity: float, told: str) -> None:
    study = f"sparsities = [0.5, {sparsity}]\n" + DENSE_ALONE.replace('"fresh_dense"', '"gmp"') + PRUNING
    with pytest.raises(StudyError, match=told):
        parse_study(study)
    assert parse_study(study.replace(str(sparsity), "0.999")).sparsities == (0.5, 0.999)


def test_a_schedule_beyond_the_training_names_a_batch_larger_than_the_data() -> None:
    study = "sparsities = [0.5]\n" + DENSE_ALONE.replace('"fresh_dense"', '"gmp"') + PRUNING
    with pytest.raises(StudyError, match=r"a batch of 5,000 makes an epoch of [\d,]+ images one step"):
        parse_study(study.replace("batch_size = 50", "batch_size = 5000"))


def test_a_figure_of_what_is_not_there_is_left_out() -> None:
    for path, value, none in (
        ("measures.projection", ..., "measures.projection.sparsities names none"),
        ("measures.projection.sparsities", [], "measures.projection.sparsities names none"),
    ):
        study = tomllib.loads(changed(path, value)) | {"figures": {"figure_1": 0.5}}
        with pytest.raises(StudyError) as told:
            parse_study(tomli_w.dumps(study))
        (problem,) = told.value.problems
        assert (problem.expected, problem.cure) == (f"nothing: {none}", "leave figure_1 out, or name some there")


PRUNING = """
[pruning.gmp]
kind = "gradual"
criterion = "magnitude"
supervised = { begin = 1, end = 20, frequency = 5 }
"""


def cure_of(text: str, where: str) -> str:
    with pytest.raises(StudyError) as told:
        parse_study(text)
    return next(problem.cure for problem in told.value.problems if problem.where == where)


def test_what_must_be_there_is_not_to_be_left_out() -> None:
    empty = changed("training.supervised.schedule", {"kind": "multi_step", "milestones": [], "gamma": 0.1})
    assert cure_of(empty, "training.supervised.schedule.milestones") == "name one or more"
    assert cure_of(changed("arms", {}), "arms") == "name one or more"
    assert cure_of(changed("arms.supcon", []), "arms.supcon") == "name one or more, or leave the key out"


@pytest.mark.parametrize(
    ("base", "own", "where"),
    [
        ("digits", "[arms]\nsupcon = []", "arms.supcon"),
        ("digits", "unset = ['measures.projection']\n[arms]\nsupcon = []", "arms.supcon"),
        ("corti2022-paper", "[figures]\nfigure_4 = []", "figures.figure_4"),
        ("cifar10-small", "replicates = 13", "controls.fresh_dense.first_seed"),
    ],
)
def test_what_is_inherited_is_not_to_be_left_out_but_unset(base: str, own: str, where: str) -> None:
    head = f'extends = "{base}"\nname = "mine"\n'
    unset = cure_of(head + own, where).partition("in place of it write ")[2].removesuffix(" at the top of the study")
    kept = "\n".join(line for line in own.splitlines() if not line.startswith(("unset", "supcon", "figure_4")))
    assert where in unset
    assert parse_study(f"{head}{unset}\n{kept}").name == "mine"


@pytest.mark.parametrize("criterion", ["wanda", "snip", "taylor", "l2", "hessian", "magnitud", "Random"])
def test_only_what_is_close_is_suggested(criterion: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(changed("pruning.gmp.criterion", criterion))
    problem = next(each for each in caught.value.problems if each.where == "pruning.gmp.criterion")
    assert problem.expected == "one of: magnitude, random"
    near = {"magnitud": "did you mean 'magnitude'?", "Random": "did you mean 'random'?"}
    assert problem.cure == near.get(criterion, "take one of those")


def test_all_faults_of_a_study_are_told_at_once() -> None:
    content = copy.deepcopy(CONTENT)
    content["sparsities"], content["nam"], content["model"]["width"] = [90], 1, "wide"
    with pytest.raises(StudyError) as caught:
        parse_study(tomli_w.dumps(content))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("text", ["", "= 3", "a = [", "[a]\n[a]", "\x00", "a = 1979-05-27", "[" * 5000])
def test_what_is_no_study_is_a_study_error(text: str) -> None:
    with pytest.raises(StudyError):
        parse_study(text)


def test_missing_files_and_names() -> None:
    with pytest.raises(StudyError, match="did you mean 'digits'"):
        load_study("digitz")
    with pytest.raises(StudyError, match="No such file"):
        load_study("no/such.toml")
    with pytest.raises(StudyError):
        load_study("a\x00b")
    with pytest.raises(StudyError):
        load_study("/")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(table: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for key, value in table.items():
        found.append((*prefix, key))
        if isinstance(value, dict):
            found += paths(value, (*prefix, key))
    return found


@pytest.mark.sampled(8, heavy=True)
@settings(max_examples=300)
@given(st.data())
def test_any_change_gives_a_study_or_a_study_error(data: st.DataObject) -> None:
    content = copy.deepcopy(CONTENT)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths(content)))
        table = content
        for key in path[:-1]:
            table = table[key]
        action = data.draw(st.sampled_from(["set", "delete", "add"]))
        if action == "delete":
            table.pop(path[-1], None)
        elif action == "set":
            table[path[-1]] = data.draw(plain.filter(lambda value: value is not None))
        else:
            table[data.draw(st.text(max_size=8))] = data.draw(plain.filter(lambda value: value is not None))
    try:
        text = tomli_w.dumps(content)
    except (TypeError, ValueError):
        return  # None inside a list is nothing that TOML can say
    try:
        study = parse_study(text)
    except StudyError as error:
        assert str(error)
        return
    assert parse_study(study_toml(study)) == study


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_gives_a_study_error(text: str) -> None:
    with pytest.raises(StudyError):
        parse_study(text)


@pytest.mark.parametrize(
    ("controls", "fault"),
    [
        ({"extra": {"kind": "finetune_only", "of": "gmp"}}, "which has none"),
        ({"extra": {"kind": "random_masks", "of": "nothing"}}, "which the study has not"),
        ({"gmp": {"kind": "random_masks", "of": "one_shot"}}, "the name of a pruning"),
        ({"dense": {"kind": "fresh_dense"}}, "the name of the dense arm"),
        ({"extra": {"kind": "undo", "of": "gmp"}}, "undo"),
        ({"extra": {"kind": "random_masks", "of": "drawn"}}, "whose masks are random"),
    ],
)
def test_controls_of_nothing_are_refused(controls: dict[str, dict[str, str]], fault: str) -> None:
    content = with_controls(**controls)
    content["pruning"]["drawn"] = {**content["pruning"]["one_shot"], "criterion": "random"}
    with pytest.raises(StudyError, match=fault):
        parse_study(tomli_w.dumps(content))


def test_the_cure_for_seeds_that_meet_keeps_the_fresh_models_of_a_study_that_is_continued() -> None:
    """Fresh seeds that begin elsewhere would be models that the continued study has and this one has not."""
    fresh = "first_seed = 5\n"
    base = parse_study(f'name = "base"\nextends = "digits"\n[controls.fresh_dense]\nkind = "fresh_dense"\n{fresh}')
    control = f'[controls.fresh_dense]\nkind = "fresh_dense"\n{fresh}'
    more = 'name = "more"\nextends = "digits"\ncontinues = "base"\nreplicates = '
    with pytest.raises(StudyError) as told:
        parse_study(f"{more}8\n{control}")
    (problem,) = told.value.problems  # once, though two objectives have such models
    assert problem.where == FIRST_SEED and "seeds from 13 on (replicates = [...])" in problem.cure
    assert not models_left_over(parse_study(f"{more}[0, 1, 2, 3, 4, 13, 14, 15]\n{control}"), base)


def test_an_arm_has_no_more_models_than_seeds_are_listed() -> None:
    content = copy.deepcopy(CONTENT) | {"replicates": [3, 1], "replicates_of": {"supcon dense": 3}}
    content["measures"]["prediction_depth"]["models"] = 2
    with pytest.raises(StudyError, match="at most 2, the seeds that replicates lists"):
        parse_study(tomli_w.dumps(content))


def test_a_figure_of_depths_needs_them() -> None:
    content = copy.deepcopy(CONTENT) | {"figures": {"figure_3": 0.5}}
    parse_study(tomli_w.dumps(content))
    del content["measures"]["prediction_depth"]
    with pytest.raises(StudyError) as told:
        parse_study(tomli_w.dumps(content))
    assert [(problem.where, problem.cure) for problem in told.value.problems] == [
        ("figures.figure_3", "measure it, or leave figure_3 out")
    ]
