"""Studies that extend others."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.problems import StudyError
from piescope.study.inherit import leaves
from piescope.study.parse import load_study, parse_study, study_toml

MINE = 'extends = "digits"\nname = "mine"\n'


def test_a_study_extends_another_and_overrides_keys() -> None:
    base, mine = (
        load_study("digits"),
        parse_study(
            MINE + "replicates = 3\n[training.supervised]\nepochs = 32\n[measures.prediction_depth]\nmodels = 3"
        ),
    )
    assert mine.name == "mine"
    assert mine.seeds == (0, 1, 2)
    assert mine.training.supervised is not None
    assert base.training.supervised is not None
    assert mine.training.supervised == base.training.supervised.model_copy(update={"epochs": 32})
    assert mine.training.supcon == base.training.supcon
    assert parse_study(study_toml(mine)) == mine  # the resolved study extends nothing


def test_another_kind_replaces_a_table_whole() -> None:
    mine = parse_study(
        'extends = "corti2022-paper"\nname = "mine"\n[training.supervised]\nschedule = { kind = "cosine" }'
    )
    assert mine.training.supervised is not None
    assert mine.training.supervised.schedule.model_dump() == {"kind": "cosine", "floor": 0.0, "per": "step"}


def test_unset_removes_what_is_extended() -> None:
    mine = parse_study(
        'extends = "corti2022-paper"\nname = "mine"\n'
        'unset = ["measures.projection", "arms.supcon", "training.supcon.base_temperature"]'
    )
    assert mine.measures.projection is None
    assert list(mine.arms) == ["supervised"]
    assert mine.training.supcon is not None
    assert mine.training.supcon.base_temperature is None


def test_files_extend_files_in_their_folder(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(MINE + "seed = 5\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "deep.toml").write_text('extends = "digits"\nname = "deep"\n')
    (tmp_path / "child.toml").write_text('extends = "base.toml"\nname = "child"\n')
    assert load_study(str(tmp_path / "child.toml")).seed == 5
    (tmp_path / "child.toml").write_text('extends = "sub/deep.toml"\nname = "child"\n')
    assert load_study(str(tmp_path / "child.toml")).name == "child"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('extends = "digit"', "did you mean 'digits'?"),
        ('extends = "papers"', "did you mean 'paper'?"),
        ("extends = 3", "the name of a study or recipe"),
        ('extends = "../outside.toml"', "a file in the study's own folder"),
        ('extends = "/etc/passwd.toml"', "a file in the study's own folder"),
        ('extends = "nowhere.toml"', "No such file"),
        ('extends = "itself.toml"', "a chain of at most"),
        ('extends = "digits"\nunset = ["measures.projektion"]', "did you mean 'measures.projection'?"),
        ('extends = "digits"\nunset = "measures"', "a list of dotted keys"),
        ('unset = ["measures"]', "extends no other"),
        ('extends = "digits"\nrecipe = "pape"', "did you mean 'paper'?"),
        ('extends = "digits"\n[training.supervised]\nepoch = 3', "did you mean 'epochs'?"),
    ],
)
def test_what_cannot_be_extended_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "itself.toml").write_text('extends = "itself.toml"')
    with pytest.raises(StudyError) as caught:
        parse_study(text, "mine.toml", tmp_path)
    assert told in str(caught.value)
    assert all(problem.cure for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("own", "models", "figure"),
    [
        ("title = 'the same'", 25, 0.95),
        ("replicates = 20", 20, 0.95),
        ("sparsities = [0.5, 0.9]\n[measures.projection]\nsparsities = [0.9]", 30, None),
        ("unset = ['arms.supcon']", None, 0.95),
        ("unset = ['measures.projection']", 25, None),
        ("sparsities = [0.5, 0.9]\nunset = ['measures.projection']\n[figures]\nfigure_4 = [0.5]", 30, None),
        ("replicates = 20\n[replicates_of]\n'supcon delayed_gmp 0.9' = 19", 19, 0.95),
    ],
)
def test_what_speaks_of_single_arms_or_sparsities_is_inherited_by_who_has_the_same(
    own: str, models: int | None, figure: float | None
) -> None:
    study = parse_study(f'extends = "corti2022-paper"\nname = "mine"\n{own}')
    cell = next((arm for arm in study.arm_list() if str(arm) == "supcon delayed_gmp 0.9"), None)
    assert (None if cell is None else len(study.seeds_of(cell))) == models
    assert (None if study.figures is None else study.figures.figure_1) == figure


@pytest.mark.parametrize(
    ("own", "mapped", "models"),
    [
        ("title = 'the same'", (0.9, 0.95), 5),
        ("sparsities = [0.8, 0.95]\nreplicates = 10", (0.95,), 5),
        ("replicates = 3", (0.9, 0.95), 3),
        ("replicates = [7, 8]", (0.9, 0.95), 2),
        ("sparsities = [0.8, 0.3]", (0.8,), 5),
        ("sparsities = [0.8]\n[measures.projection]\nneighbours = 5", (0.8,), 5),
        ("sparsities = [0.5, 0.9]\n[measures.projection]\nsparsities = [0.5]", (0.5,), 5),
        ("sparsities = []\n[arms]\nsupervised = ['dense']\nsupcon = ['dense']", (), 5),
        ("replicates = 4\n[measures.prediction_depth]\nk = 10", (0.9, 0.95), 4),
        ("replicates = 4\nunset = ['measures.projection', 'measures.prediction_depth']", None, None),
    ],
)
def test_inherited_measures_are_of_what_the_study_has(
    own: str, mapped: tuple[float, ...] | None, models: int | None
) -> None:
    study = parse_study(f"{MINE}{own}")
    projection, depth = study.measures.projection, study.measures.prediction_depth
    assert (None if projection is None else projection.sparsities) == mapped
    assert (None if depth is None else depth.models) == models
    assert parse_study(study_toml(study)) == study


@pytest.mark.parametrize(
    ("own", "where"),
    [
        ("sparsities = [0.5]\n[measures.projection]\nsparsities = [0.9]", "measures.projection.sparsities"),
        ("[measures.projection]\nsparsities = [0.3]", "measures.projection.sparsities"),
        ("replicates = 3\n[measures.prediction_depth]\nmodels = 4", "measures.prediction_depth.models"),
        ("[measures.prediction_depth]\nmodels = 6", "measures.prediction_depth.models"),
        ("sparsities = 0.5", "sparsities"),
        ("sparsities = ['a', 0.5]", "sparsities.0"),
        ("replicates = 0", "replicates"),
        ("replicates = 'three'", "replicates"),
        ("sparsities = [0.5]\nmeasures = 3", "measures"),
        (
            "sparsities = [0.5]\nreplicates = 2\n[measures]\nprojection = []\nprediction_depth = 1",
            "measures.projection",
        ),
    ],
)
def test_what_a_study_says_itself_does_not_give_way(own: str, where: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(f"{MINE}{own}")
    assert where in [problem.where for problem in caught.value.problems], caught.value


def test_what_a_file_says_gives_way_to_the_one_that_extends_it(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(f"{MINE}[measures.projection]\nsparsities = [0.5]\n")
    child = 'extends = "base.toml"\nname = "child"\nsparsities = [0.3, 0.6]'
    projection = parse_study(child, "child.toml", tmp_path).measures.projection
    assert projection is not None and projection.sparsities == (0.6,)


def test_leaves() -> None:
    assert leaves({"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None, "f": {}}) == {"a.b": 1, "a.c.d": [1, 2]}


@pytest.mark.parametrize("said", ["[90, 95]", "[1.0]", "[0.5, 0.0]", "[true]", '["0.5"]', "[nan]"])
def test_no_fault_is_told_of_a_key_that_is_only_inherited(said: str) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study(f"{MINE}sparsities = {said}\n")
    assert {problem.where.split(".")[0] for problem in refused.value.problems} == {"sparsities"}
