"""Awkward studies, and the studies that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.models.build import flops_per_sample
from piescope.problems import StudyError
from piescope.study.cost import cost_of
from piescope.study.inherit import shipped
from piescope.study.parse import builtin_studies, load_study, parse_study, study_toml
from piescope.study.plan import make_plan

MINE = 'extends = "digits"\nname = "mine"\n'


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
    (tmp_path / "long.toml").write_text("#" * 1_000_001)
    with pytest.raises(StudyError, match="more than 1,000,000 bytes"):
        load_study(str(tmp_path / "long.toml"))
    with pytest.raises(StudyError, match="a device"):
        load_study("/dev/zero")


@pytest.mark.parametrize("base", ["", 'extends = "digits"\n'])
@pytest.mark.parametrize("deep", ["a." * 3000 + "b = 1", "a = " + "[" * 60 + "]" * 60, "a." * 51 + "b = 1"])
def test_tables_in_tables_without_end_are_refused(base: str, deep: str) -> None:
    with pytest.raises(StudyError, match="nested too deeply"):
        parse_study(base + deep)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_is_no_part_of_a_study(end: str, tmp_path: Path) -> None:
    text = (MINE + "seed = 5\n").replace("\n", end)
    (tmp_path / "mine.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "child.toml").write_bytes(b'\xef\xbb\xbfextends = "mine.toml"')
    assert load_study(str(tmp_path / "mine.toml")).seed == load_study(str(tmp_path / "child.toml")).seed == 5
    (tmp_path / "mine.toml").write_bytes(text.encode("utf-16"))
    with pytest.raises(StudyError, match="save it as UTF-8"):
        load_study(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("line", "where", "found", "expected", "cure"),
    [
        ("seed = 2024-01-01", "seed", "2024-01-01", "a whole number", "write a whole number, without quotes"),
        ("title = 2024-01-01", "title", "2024-01-01", "text", 'write it in quotes: "2024-01-01"'),
        ("title = 07:32:00", "title", "07:32:00", "text", 'write it in quotes: "07:32:00"'),
        ("replicates = [1, 1979-05-27T07:32:00Z]", "replicates.1", "1979-05-27T07:32:00+00:00", "a whole number", ""),
        ("[model]\nwidth = 2024-01-01", "model.width", "2024-01-01", "a whole number", "write a whole number"),
        ("[data]\nsource = 2024-01-01", "data.source", "2024-01-01", "text", "write it in quotes"),
        ("[data]\nnormalisation = 2024-01-01", "data.normalisation", "2024-01-01", "a table", "write normalisation ="),
        ("datum = 2024-01-01", "datum", "unknown key 'datum'", "one of: ", "did you mean 'data'?"),
    ],
)
def test_dates_are_told_by_their_keys_as_they_were_written(
    line: str, where: str, found: str, expected: str, cure: str
) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(MINE + line)
    (problem,) = [problem for problem in caught.value.problems if problem.where == where]
    assert problem.found == found and problem.expected.startswith(expected) and problem.cure.startswith(cure), problem
    assert [each.where for each in caught.value.problems if "quotes:" in each.cure] in ([], [where])


def test_a_date_beside_other_faults_is_told_with_them() -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(MINE + "seed = 'a'\ntitle = 2024-01-01\ncontinues = 3")
    assert sorted(problem.where for problem in caught.value.problems) == ["continues", "seed", "title"]


@pytest.mark.parametrize("name", builtin_studies())
def test_every_study_that_ships_is_sound(name: str) -> None:
    study = load_study(name)
    assert study.name == name
    assert parse_study(study_toml(study)) == study
    assert make_plan(study).models == study.models


def test_the_papers_whole_experiment() -> None:
    for name in ("paper", "fair", "reference-code", "modern"):
        study = load_study(f"corti2022-{name}")
        assert study.recipe == ("paper" if name == "fair" else name)
        assert study.sparsities == (0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
        controls = {"fresh_dense", "finetune_only", "random"} if name in ("fair", "modern") else set[str]()
        assert {o: set(p) for o, p in study.arms.items()} == {
            "supervised": {"dense", "gmp", "one_shot"} | controls,
            "supcon": {"dense", "gmp", "delayed_gmp", "one_shot"} | controls,
        }
    plan = make_plan(load_study("corti2022-paper"))
    per: dict[tuple[str, str], int] = {}
    for item in plan.arms:
        family = item.arm.objective, item.arm.pruning
        per[family] = per.get(family, 0) + len(item.models)
    assert sum(count for (_, pruning), count in per.items() if pruning == "dense") == 60
    cell = 5 * [("supcon", "delayed_gmp")]  # 25 models in one
    assert {count + cell.count(family) for family, count in per.items() if family[1] != "dense"} == {180}
    cost = cost_of(plan)
    assert cost.models == 955
    flops = flops_per_sample(plan.study.model, (3, 32, 32), 10)
    assert flops.forward_backward == pytest.approx(0.606e9, rel=0.002)
    # by hand: supervised trainings, two views of contrastive ones, their heads (forward only), fine-tunings
    images = 210 * 205 * 50_000, 385 * 500 * 100_000, 385 * 100 * 50_000, 360 * 30 * 50_000
    by_hand = (images[0] + images[1] + images[3]) * flops.forward_backward + images[2] * flops.forward
    # the steps before a weight goes are the dense models': GMP's before 1,500 and 187, delayed GMP's before 2,513
    shared = 180 * (3 * 50_000 + 326 * 128), 180 * (3 * 100_000 + 39 * 2048), 175 * (51 * 100_000 + 13 * 2048)
    assert cost.shared_flops == sum(shared) * flops.forward_backward
    assert cost.training_flops + cost.shared_flops == by_hand
    assert by_hand == pytest.approx(1.368e19, rel=0.001)


def test_names_of_studies_and_recipes_do_not_collide() -> None:
    assert not set(shipped("recipes")) & set(builtin_studies())
