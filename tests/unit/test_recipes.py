"""Studies that extend others, recipes with the origin of each value, and the studies that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.models.build import flops_per_sample
from piescope.problems import StudyError
from piescope.study.cost import cost_of
from piescope.study.inherit import shipped
from piescope.study.parse import builtin_studies, load_study, parse_study, study_toml
from piescope.study.plan import make_plan
from piescope.study.provenance import departures, differences, facts, leaves, load_recipe, recipe_names


def extending(text: str, folder: Path | None = None) -> str:
    return study_toml(parse_study(text, "mine.toml", folder))


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
    ("change", "told"),
    [
        ("image_size = 16", "images of digits are 8x8"),
        ("train_examples = 1001", "10 (one per class) to 1,000"),
        ("test_examples = 9", "10 (one per class) to 797"),
        ("holds = { train_examples = 1, test_examples = 1, image_shape = [1, 8, 8], num_classes = 2 }", "is known"),
        ('source = "image_folder"', "`piescope data image_folder --data-dir DIR`"),
        ('source = "cifar10"', "3, one per channel of cifar10"),
        ('source = "cifar-10"', "did you mean 'cifar10'?"),
    ],
)
def test_data_that_do_not_fit_are_refused_before_they_are_looked_for(change: str, told: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(MINE + f"[data]\n{change}")
    assert told in str(caught.value)


def test_awkward_files_are_refused_and_not_read_to_their_end(tmp_path: Path) -> None:
    for name, content in (
        ("digits.toml", "seed = " + "9" * 5000), ("hex.toml", "seed = 0x" + "f" * 5000), ("date.toml", "title = 2020-01-01"),
        ("nul.toml", 'extends = "a\\u0000b.toml"'), ("deep.toml", "a." * 3000 + "b = 1"),
    ):  # fmt: skip
        (tmp_path / name).write_text(content)
        with pytest.raises(StudyError):
            load_study(str(tmp_path / name))
    with pytest.raises(StudyError, match="more than 1,000,000 bytes"):
        load_study("/dev/zero")


def test_recipes_cover_and_explain_every_difference() -> None:
    assert recipe_names() == ["paper", "reference-code", "modern"]
    recipes = [load_recipe(name) for name in recipe_names()]
    for one in recipes:
        for other in recipes:
            found = differences(one, other)
            assert bool(found) == (one.name != other.name)
            for each in found:
                assert each.values[0] != each.values[1]
                assert each.id in facts()
                assert each.why
                assert any(each.origins)
    assert load_recipe("reference_code") == load_recipe("reference-code")
    with pytest.raises(StudyError, match="did you mean 'modern'"):
        load_recipe("moderne")


def test_paper_and_code_differ_where_the_text_and_the_code_do() -> None:
    found = differences(load_recipe("paper"), load_recipe("reference-code"))
    assert {each.id for each in found} == {"D1", "T2", "P3", "P4", "P6"}
    assert all(each.origins[1] in ("code", None) for each in found)
    by_key = {each.key: each.values for each in found}
    assert by_key["training.supcon.encoder.weight_decay"] == (5e-4, 4e-4)
    assert by_key["pruning.delayed_gmp.encoder.begin"] == (2451, 2440)


def test_every_fact_has_a_reason_and_stands_in_the_docs() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    for identity, reason in facts().items():
        assert len(reason) > 20
        assert f"| {identity} |" in documented, identity


def test_departures_name_what_a_study_changes_and_nothing_it_does_not_use() -> None:
    recipe = load_recipe("paper")
    assert departures(load_study("corti2022-paper"), recipe) == []
    mine = parse_study(
        'extends = "corti2022-paper"\nname = "mine"\n[training.supervised]\nepochs = 190\n[pruning.one_shot.finetune]\nepochs = 3'
    )
    assert [(each.key, each.values) for each in departures(mine, recipe)] == [
        ("training.supervised.epochs", (205, 190)),
        ("pruning.one_shot.finetune.epochs", (30, 3)),
    ]
    without = parse_study(
        'extends = "corti2022-paper"\nname = "mine"\nunset = ["arms.supcon"]\n[pruning.delayed_gmp]\nbiases = false'
    )
    assert departures(without, recipe) == []
    assert departures(load_study("cifar10-small"), recipe)


def test_methods_and_objectives_of_a_studys_own_are_departures_too() -> None:
    mine = parse_study(
        'extends = "corti2022-paper"\nname = "mine"\n[arms]\nsupervised = ["dense", "mine"]\nsimclr = ["dense"]\n'
        '[pruning.mine]\nkind = "one_shot"\ncriterion = "random"\n'
        "finetune = { epochs = 4, batch_size = 50, learning_rate = 0.01 }\n"
        "[training.simclr]\ntemperature = 0.5\nencoder = { epochs = 14, batch_size = 100, learning_rate = 0.1 }\n"
        "head = { epochs = 10, batch_size = 100, learning_rate = 1.0 }\n"
    )
    found = {each.key: each for each in departures(mine, load_recipe("paper"))}
    assert found["pruning.mine.criterion"].values == (None, "random")
    assert found["training.simclr.temperature"].id == ""


def test_leaves() -> None:
    assert leaves({"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None, "f": {}}) == {"a.b": 1, "a.c.d": [1, 2]}


@pytest.mark.parametrize("name", builtin_studies())
def test_every_study_that_ships_is_sound(name: str) -> None:
    study = load_study(name)
    assert study.name == name
    assert parse_study(study_toml(study)) == study
    assert make_plan(study).models == len(study.arm_list()) * len(study.seeds)


def test_the_papers_whole_experiment() -> None:
    for name in ("paper", "reference-code", "modern"):
        study = load_study(f"corti2022-{name}")
        assert study.recipe == name
        assert study.sparsities == (0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
        assert {o: set(p) for o, p in study.arms.items()} == {
            "supervised": {"dense", "gmp", "one_shot"},
            "supcon": {"dense", "gmp", "delayed_gmp", "one_shot"},
        }
    plan = make_plan(load_study("corti2022-paper"))
    per: dict[tuple[str, str], int] = {}
    for item in plan.arms:
        family = item.arm.objective, item.arm.pruning
        per[family] = per.get(family, 0) + len(item.models)
    assert sum(count for (_, pruning), count in per.items() if pruning == "dense") == 60
    assert {count for (_, pruning), count in per.items() if pruning != "dense"} == {180}
    cost = cost_of(plan)
    assert cost.models == 960
    flops = flops_per_sample(plan.study.model, (3, 32, 32), 10)
    assert flops.forward_backward == pytest.approx(0.606e9, rel=0.002)
    # by hand: supervised trainings, two views of contrastive ones, their heads (forward only), fine-tunings
    images = 210 * 205 * 50_000, 390 * 500 * 100_000, 390 * 100 * 50_000, 360 * 30 * 50_000
    by_hand = (images[0] + images[1] + images[3]) * flops.forward_backward + images[2] * flops.forward
    assert cost.training_flops == by_hand
    assert cost.training_flops == pytest.approx(1.4e19, rel=0.02)


def test_names_of_studies_and_recipes_do_not_collide() -> None:
    assert not set(shipped("recipes")) & set(builtin_studies())
