"""The paper's tables as data, and beside a run's numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from made_results import made, objective_run
from piescope.report.study.claims import COMPARISONS, OF_Q_SCORE
from piescope.report.study.published import paper_value, published, unfair_because
from piescope.report.study.tables import rows_of
from piescope.store.catalogue import DepthRun

FAMILIES = {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "one_shot")}


# the published tables


def test_published_tables_have_what_the_paper_prints() -> None:
    tables = published().tables
    assert {number: len(rows) for number, rows in tables.items()} == {1: 22, 3: 4, 4: 9, 5: 9, 6: 18}
    assert paper_value(1, "supcon", "one_shot", 0.9, "pies") == 549
    assert paper_value(4, "supcon", "gmp", 0.9, "q_mean") == 0.56
    assert paper_value(5, "supervised", "dense", 0.0, "l1_mean") == 4.15
    assert paper_value(6, "supcon", "one_shot", 0.7, "pie_std") == 2.23
    assert paper_value(3, "supervised", "gmp", 0.5, "hooker2019_pies") == 144
    assert paper_value(1, "supcon", "gmp", 0.99, "pies") is None
    for row in tables[3]:  # the same counts stand in Table 1
        assert row.values["pies"] == paper_value(1, "supervised", "gmp", row.arm.sparsity, "pies")


def test_the_papers_numbers_beside_a_runs() -> None:
    results = made(FAMILIES, sparsities=(0.5, 0.9))
    rows = rows_of(results, []).published
    accuracy = next(row for row in rows if row.quantity == "accuracy, %" and row.arm == ("supcon", "gmp", 0.9))
    assert accuracy.difference == pytest.approx(90.0 - 85.56)
    assert accuracy.in_spreads == pytest.approx((90.0 - 85.56) / np.sqrt((0.4**2 + 1.0**2) / 2))
    pies = next(row for row in rows if row.quantity == "PIEs per 10,000" and row.arm.pruning == "gmp")
    assert pies.in_spreads is None
    assert pies.this_run == next(arm for arm in results.arms if arm.pruning == "gmp").summary.pies * 10_000 / 40


def test_another_scale_is_called_unfair_and_the_papers_own_is_not() -> None:
    results = made(FAMILIES)
    told = unfair_because(results)
    assert "data set: made instead of cifar10" in told
    assert "models an arm: 3 instead of 30" in told
    study = results.study.model_copy(
        update={
            "replicates": 30,
            "model": "WRN-16-2",
            "objectives": (objective_run("supervised", ("gmp",), 205), objective_run("supcon", ("gmp",), 500)),
            "depth": DepthRun(models=5, k=30, bank="the training images"),
        }
    )
    papers = {"source": "cifar10", "train_examples": 50_000, "test_examples": 10_000, "image_shape": (3, 32, 32)}
    data = results.data.model_copy(update=papers)
    assert unfair_because(dataclasses.replace(results, study=study, data=data, probe_points=tuple("x" * 16))) == []


def test_every_finding_has_comparisons_and_none_is_left_over() -> None:
    assert [*(finding.id for finding in published().findings), OF_Q_SCORE.id] == list(COMPARISONS)
    assert [finding.id for finding in published().findings if finding.only_where_classes_differ] == ["C7"]
