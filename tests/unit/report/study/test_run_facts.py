"""What was run is told."""

from __future__ import annotations

from dataclasses import replace

from made_results import CASES
from piescope.report.study.run_facts import departures, facts, made_on, populations
from piescope.store.catalogue import Environment
from piescope.wording import as_percent


def test_every_processor_and_library_of_the_results_is_told() -> None:
    told = [value for name, value in facts(CASES["everything"]) if name == "Made on"]
    assert told == [
        # of an older run
        "a processor that was not recorded (AVX2), device cpu, 1 thread a worker, pack size 1; torch 2",
        "Xeon <of made results> (AVX512), device cpu, 1 thread a worker, pack size 1; torch 2, numpy 2.4.0, umap-learn 0.5.9",
    ]


def test_how_many_models_an_arm_has_is_told_and_which_have_others() -> None:
    assert populations(CASES["one objective, one sparsity, one model"]) == "1 model an arm."
    results = CASES["fewer models in two arms"]
    told = f"6 models an arm; Sup / GMP {as_percent(0.5)} has 4; SupCon / one-shot {as_percent(0.5)} has 4."
    assert populations(results) == told
    assert ("Models per arm", told) in facts(results)
    study = results.study.model_copy(update={"replicates": (1, 2, 3, 5, 8, 13)})
    assert ("Models per arm", f"seeds 1, 2, 3, 5, 8, 13: {told}") in facts(replace(results, study=study))


def test_departures_from_the_paper_have_both_values() -> None:
    table = departures(CASES["everything"])
    assert table is not None
    assert table.rows == (
        ("T1", "training.supervised.epochs", "205 (text)", "1"),
        ("T1", "training.supervised.schedule.per", "not set", "step"),
    )


def test_how_networks_computed_is_told_where_that_was_chosen() -> None:
    told = {"device": "cpu", "cpu": "AVX2", "torch": "2.13.0", "threads": 1, "pack_size": 1}
    usual = Environment.model_validate(told)
    chosen = Environment.model_validate({**told, "memory_format": "default", "compiled": True})
    assert "compiled" not in made_on(usual)
    assert "pack size 1, default memory format, trainings compiled; torch 2.13.0" in made_on(chosen)
    on_a_card = Environment.model_validate({**told, "device": "cuda", "captured": True, "draws": "philox4x32-10"})
    assert "device cuda, 1 thread a worker, pack size 1, steps captured, draws of philox4x32-10; torch" in made_on(
        on_a_card
    )
    assert (
        usual.model_dump().keys().isdisjoint({"memory_format", "compiled", "captured", "draws"})
    )  # catalogues of before stay as they are
    assert Environment.model_validate(chosen.model_dump()) == chosen
