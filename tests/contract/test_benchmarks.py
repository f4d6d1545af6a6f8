"""The front door of benchmarks/ works, its table has figures, and its page a place for each; how long anything takes is no test."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from scipy import stats

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def bench(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("bench")


@pytest.mark.sampled(8, heavy=True)
def test_the_tiniest_run_has_a_table_of_finite_ratios(tmp_path: Path) -> None:
    file, names = tmp_path / "bench.json", ("throughput", "augmentation")
    words = [sys.executable, BENCHMARKS / "bench.py", *names, "--tiny", "--json", file]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(file.read_text())
    assert [part["part"] for part in told["parts"]] == list(names)
    for part in told["parts"]:
        ratios = [row for row in part["rows"] if row["unit"] == "x"]
        assert ratios
        for row in part["rows"]:
            assert all(math.isfinite(value) for value in row["values"]) and row["what"] in done.stdout
        assert all(min(row["values"]) > 0 for row in ratios)
    assert told["machine"]["cores"] >= 1 and told["machine"]["commit"]


def test_a_part_that_fails_is_told_and_ends_with_1(
    bench: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "PARTS", {"no_such_script": ()})
    broken = tmp_path / "benchmarks" / "broken.py"
    broken.parent.mkdir()
    broken.write_text("import pathlib, sys; pathlib.Path(sys.argv[2]).write_text('{}'); sys.exit(1)")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(bench, "ROOT", tmp_path)
        assert bench.measured("broken", (), tmp_path).rows == ()  # what it told before it broke is no part's figures
    monkeypatch.setattr(sys, "argv", ["bench.py"])
    assert bench.main() == 1
    assert capfd.readouterr().out.endswith("failed: no_such_script\n")


def test_the_page_has_a_place_for_every_part(bench: Any, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    shutil.copy(bench.PAGE, page)
    case = "digits"
    limits = [f"limit by {each}" for each in ("products", "operators", "the library's convolutions")]
    training = [bench.Row(f"{case}: {each}", "images/s", (2.0, 3.0)) for each in ("run", *limits)]
    training += [bench.Row(f"{case}: run / {each}", "x", (0.5, 0.25)) for each in limits]
    parts = [
        bench.Measured(
            name, 60.0, tuple(training) if name == "throughput" else (bench.Row(f"of {name}", "ms", (1234.5,), 2.0),)
        )
        for name in bench.PARTS
    ]
    bench.write_documents(page, parts, bench.machine())
    written = page.read_text()
    assert "Not measured yet." not in written
    assert "| digits | 2.50 images/s (2.00 to 3.00, n = 2) |" in written and "| 38 %, 38 %, 38 % |" in written
    for name in bench.PARTS:
        assert name == "throughput" or f"| of {name} | 1,234 ms | n = 1 | at least 2 |" in " ".join(written.split())
    bench.write_documents(page, parts, bench.machine())
    assert page.read_text() == written


def test_a_promise_that_is_not_kept_is_told(bench: Any) -> None:
    kept, not_kept = (bench.Row("a ratio", "x", (value, 3.0, value), 1.2).cells()[-1] for value in (1.2, 1.19))
    assert (kept, not_kept) == ("at least 1.2", "at least 1.2: not met")


def test_operators_of_a_step_have_the_models_operations(benchmark: Callable[[str], ModuleType]) -> None:
    limits, throughput = benchmark("limits"), benchmark("throughput")
    from piescope.models.build import flops_per_sample
    from piescope.study.parse import load_study

    case = throughput.DIGITS
    operators = throughput.operators_of(case)
    expected = case.batch * flops_per_sample(load_study("digits").model, case.shape, 10).forward_backward
    assert sum(each.flops for each in operators) == pytest.approx(expected, rel=0.1)
    rounded = throughput.operators_of(throughput.replace(case, precision="bfloat16"))
    products = [each for each in rounded if each.flops]
    assert {each.precision for each in products} == {"bfloat16"}
    slow = limits.Rates(
        {(kind, each): 1.0 for kind in limits.KINDS for each in limits.PRECISIONS}, dict.fromkeys(limits.SIZES, 1e12)
    )
    by_products, by_operators = limits.seconds_at_limit(operators, slow)
    assert by_products == pytest.approx(sum(each.flops for each in operators)) and by_operators >= by_products


def test_convolutions_of_a_step_are_called_as_they_ran(benchmark: Callable[[str], ModuleType]) -> None:
    limits = benchmark("limits")
    images = torch.rand(2, 3, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    layer = torch.nn.Conv2d(3, 4, 3, bias=False)
    operators = limits.counted(lambda: [layer(images).sum().backward() for _ in range(2)])
    calls = limits.Counter(each.call for each in operators if each.call is not None)
    assert sorted((name, times) for (name, _), times in calls.items()) == [
        ("convolution", 2),
        ("convolution_backward", 2),
    ]
    once, twice = ({call: times for call in calls} for times in (1, 1000))
    assert 0 < limits.seconds_of(once, 0.001) < limits.seconds_of(twice, 0.001)
    again = limits.counted(lambda: limits.seconds_of(once, 1e-6))
    assert set(calls) == {each.call for each in again if each.call is not None}


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.parametrize(
    "name", ["same seeds", "with an effect", "few PIEs", "strong seeds", "uneven classes", "two objectives"]
)
def test_intervals_hold_the_truth_in_a_sample_of_the_simulated_studies(
    benchmark: Callable[[str], ModuleType], name: str
) -> None:
    """Seeded; were 93 % of intervals right, fewer would be so once in ten thousand tries. The whole: docs/signal.md."""
    simulations: Any = benchmark("simulations")
    world = next(world for world in simulations.worlds() if (world.name, world.models) == (name, 5))
    for statistic, found in simulations.coverage(world, 80).items():
        if statistic in ("classes", "class losses") and 2 * found.studies < found.most:
            assert name != "uneven classes", "there they differ"
            continue  # classes are alike: most studies give no interval, and the page no number
        assert found.studies >= 0.85 * found.most, statistic
        assert stats.binom.cdf(found.held, found.studies, 0.93) > 1e-4, (statistic, found)


def test_the_page_has_the_coverage_of_every_simulated_world(benchmark: Callable[[str], ModuleType]) -> None:
    simulations: Any = benchmark("simulations")
    made = simulations.PAGE.read_text().split(simulations.COVERAGES[0])[1].split(simulations.COVERAGES[1])[0]
    told = [line.split(" | ")[:3] for line in made.splitlines()[2:] if line.startswith("| ")]
    assert told == [
        line.split(" | ")[:3]
        for line in simulations.table(
            [(world, {"excess": simulations.Coverage(1, 1, 1, None)}) for world in simulations.worlds()]
        ).splitlines()[2:]
    ]


def test_class_impacts_of_pairs_and_of_independent_groups_are_told(
    benchmark: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    simulations: Any = benchmark("simulations")
    simulations.impacts(4)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6 + 5 * 4
    for line in lines[:6]:
        found = re.search(r" models: ([\d.]+) % of 4 and ([\d.]+) % of 4; of pairs ([\d.]+) times as long$", line)
        assert found and all(0 <= float(held) <= 100 for held in found.groups()[:2]) and 0.3 < float(found[3]) < 1.2
