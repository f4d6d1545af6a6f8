"""Recipes with the origin of each value, and where studies depart from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.problems import StudyError
from piescope.study.parse import load_study, parse_study
from piescope.study.provenance import departures, differences, facts, load_recipe, recipe_names


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
    assert {each.id for each in found} == {"D1", "T2", "P3", "P4", "P6", "P11"}
    assert all(each.origins[1] in ("code", None) for each in found)
    by_key = {each.key: each.values for each in found}
    assert by_key["training.supcon.encoder.weight_decay"] == (5e-4, 4e-4)
    assert by_key["pruning.delayed_gmp.encoder.begin"] == (2451, 2440)


def test_every_fact_has_a_reason_and_stands_in_the_docs() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text(encoding="utf-8")
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
