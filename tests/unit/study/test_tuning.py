"""What is chosen, by a meter whose times are given: nothing is measured here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from made_executors import three_models
from piescope.store.arithmetic import Arithmetic
from piescope.study.calibrations import Machine, Pace, Setting
from piescope.study.forecast import forecast
from piescope.study.measuring import MeasuringError
from piescope.study.paces import TrainedImage
from piescope.study.parse import load_study
from piescope.study.plan import make_plan
from piescope.study.tuning import (
    USUAL,
    choose_arithmetic,
    choose_workers,
    is_worth_it,
    machine_here,
    made_of,
    roughly,
    tuned,
)

MACHINE = Machine(device="cpu", name="a processor of two threads a core", cores=4, torch="2.13.0")
CARD = Machine(device="cuda", name="a card", cores=16, torch="2.13.0")
PLAN = three_models()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path))


def meter(crowded: float, spread: float = 0.01) -> Callable[[Setting], Pace]:
    """Of a machine on which four workers at once take so many times as long as two."""
    return lambda setting: Pace(seconds=crowded if setting.workers == 4 else 1.0, spread=spread, peak_bytes=10**9)


@pytest.mark.parametrize(
    ("crowded", "spread", "count"),
    [(1.0, 0.01, 4), (1.8, 0.01, 4), (2.0, 0.01, 4), (2.08, 0.01, 4), (2.2, 0.01, 2), (2.2, 0.2, 4), (3.0, 0.2, 2)],
)
def test_one_thread_a_core_is_taken_where_that_is_clearly_faster(crowded: float, spread: float, count: int) -> None:
    chosen = choose_workers(PLAN, MACHINE, [4, 2], meter(crowded, spread))
    assert chosen.count == count
    assert chosen.why.startswith("2 train" if count == 2 else "2 would train")


def on_a_card(rates: dict[int, float], bytes_each: int = 0) -> Callable[[Setting], Pace]:
    """Of a card that so many workers keep so busy, in sum; that more do not fit, they find out."""

    def paced(setting: Setting) -> Pace:
        if setting.workers not in rates:
            raise MeasuringError("OutOfMemoryError: CUDA out of memory")
        return Pace(seconds=setting.workers / rates[setting.workers], spread=0.01, card_bytes=bytes_each)

    return paced


@pytest.mark.parametrize(
    ("rates", "count", "why"),
    [
        ({1: 1.0, 2: 1.9, 4: 3.0, 8: 3.1}, 4, "4 train 3.00 times as much as 1"),  # 8 no more than spreads
        ({1: 1.0, 2: 1.02, 4: 0.9, 8: 0.5}, 1, "2 would train 1.02 times as much"),
        ({1: 1.0, 2: 1.9}, 2, "2 train 1.90 times as much as 1; 4 cannot be measured: OutOfMemoryError: CUDA out of"),
        ({1: 1.0}, 1, "no other number is possible; 2 cannot be measured"),
    ],
)
def test_as_many_share_a_card_as_train_clearly_more(rates: dict[int, float], count: int, why: str) -> None:
    chosen = choose_workers(PLAN, CARD, [1, 2, 4, 8], on_a_card(rates), [80 << 30])
    assert chosen.count == count and chosen.why.startswith(why)


def test_models_that_share_a_card_fit_its_memory() -> None:
    rates = {count: float(count) for count in (2, 4, 8, 16)}
    for cards, expected in (([80 << 30] * 2, 16), ([80 << 30, 40 << 30], 8), ([5 << 30] * 2, 2)):
        chosen = choose_workers(PLAN, CARD, list(rates), on_a_card(rates, 10 << 30), cards)
        assert (chosen.count, "more than a card has" in chosen.why) == (expected, expected < 16)


def test_a_card_of_which_nothing_can_be_measured_is_an_error() -> None:
    with pytest.raises(MeasuringError, match="out of memory"):
        choose_workers(PLAN, CARD, [1, 2], on_a_card({}))


def test_all_is_known_of_the_number_that_was_chosen() -> None:
    chosen = tuned(PLAN, MACHINE, choose_workers(PLAN, MACHINE, [4, 2], meter(3.0)), meter(3.0))
    assert (chosen.workers, chosen.whence, chosen.computed) == (2, "measured now", "")
    assert set(chosen.paces) == set(made_of(PLAN))
    assert {pace.seconds for pace in chosen.paces.values()} == {1.0}


def test_where_there_is_no_choice_nothing_is_measured_for_it() -> None:
    asked: list[Setting] = []

    def heard(setting: Setting) -> Pace:
        asked.append(setting)
        return Pace(seconds=1.0)

    chosen = choose_workers(PLAN, MACHINE, [3], heard)
    assert chosen.count == 3
    assert not asked
    assert tuned(PLAN, MACHINE, chosen, heard).why == ""
    assert {setting.workers for setting in asked} == {3}


def test_what_was_measured_for_a_plan_is_read_for_the_next_one() -> None:
    tuned(PLAN, MACHINE, choose_workers(PLAN, MACHINE, [4, 2], meter(3.0)), meter(3.0))

    def none(setting: Setting) -> Pace:
        raise AssertionError(setting)

    again = tuned(PLAN, MACHINE, choose_workers(PLAN, MACHINE, [4, 2], none), none)
    assert again.workers == 2
    assert again.whence.startswith("kept of ")


FORMAT, COMPILED, BOTH = (
    Arithmetic(memory_format="default"),
    Arithmetic(compiled=True),
    Arithmetic(memory_format="default", compiled=True),
)


def computing(taken: dict[Arithmetic, float], spread: float = 0.01, first: float = 0.0) -> Callable[[Setting], Pace]:
    """Of a machine on which an image takes so many seconds; what is compiled takes some more, once a worker."""

    def paced(setting: Setting) -> Pace:
        seconds = taken.get(setting.arithmetic, 1.0)
        return Pace(seconds=seconds, spread=spread, first=first if setting.arithmetic.compiled else 0.0)

    return paced


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ({}, USUAL),
        ({FORMAT: 0.97}, USUAL),  # by less than 5 %
        ({FORMAT: 0.9}, FORMAT),
        ({FORMAT: 0.9, COMPILED: 0.8, BOTH: 0.85}, COMPILED),
        ({FORMAT: 2.0, COMPILED: 2.0, BOTH: 0.7}, BOTH),
    ],
)
def test_what_is_clearly_fastest_is_chosen(taken: dict[Arithmetic, float], expected: Arithmetic) -> None:
    found = choose_arithmetic(PLAN, MACHINE, 2, computing(taken), compiles=True)
    assert found.arithmetic == expected
    assert str(found).startswith(f"{expected}: ") and str(found).endswith("(measured now)")


def test_by_no_more_than_measurements_spread_is_not_clear() -> None:
    assert choose_arithmetic(PLAN, MACHINE, 2, computing({FORMAT: 0.9}, spread=0.2), compiles=True).arithmetic == USUAL


def test_what_every_worker_compiles_first_must_be_worth_it() -> None:
    images = sum(amount for each, amount in made_of(PLAN).items() if isinstance(each, TrainedImage))
    assert images == 3 * 16_000
    for first, expected in ((images / 20, COMPILED), (images / 8, USUAL)):  # two workers, and a quarter is saved
        meter_of = computing({COMPILED: 0.75}, first=first)
        machine = MACHINE.model_copy(update={"name": f"compiles in {first}"})
        assert choose_arithmetic(PLAN, machine, 2, meter_of, compiles=True).arithmetic == expected


def test_without_a_compiler_nothing_is_compiled_and_that_is_said() -> None:
    asked: list[Setting] = []

    def heard(setting: Setting) -> Pace:
        asked.append(setting)
        return computing({FORMAT: 0.5, COMPILED: 0.1})(setting)

    found = choose_arithmetic(PLAN, MACHINE, 2, heard, compiles=False)
    assert found.arithmetic == FORMAT
    assert "there is no C++ compiler" in found.why
    assert not any(setting.arithmetic.compiled for setting in asked)


def test_what_cannot_be_compiled_is_left_out_and_that_is_said() -> None:
    def broken(setting: Setting) -> Pace:
        if setting.arithmetic.compiled:
            raise MeasuringError("no such header")
        return computing({FORMAT: 0.5})(setting)

    found = choose_arithmetic(PLAN, MACHINE, 2, broken, compiles=True)
    assert found.arithmetic == FORMAT
    assert found.why.endswith("compiled cannot be measured: no such header")


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ({}, USUAL),
        ({Arithmetic(captured=True): 0.2, Arithmetic(compiled=True, captured=True): 0.19}, Arithmetic(captured=True)),
        (
            {Arithmetic(captured=True): 0.2, Arithmetic(compiled=True, captured=True): 0.1},
            Arithmetic(compiled=True, captured=True),
        ),
    ],
)
def test_graphs_are_measured_on_a_card_alone(taken: dict[Arithmetic, float], expected: Arithmetic) -> None:
    trained = sum(amount for each, amount in made_of(PLAN).items() if isinstance(each, TrainedImage))
    meter = computing(taken, first=trained / 100)
    assert choose_arithmetic(PLAN, CARD, 1, meter, compiles=True).arithmetic == expected
    assert choose_arithmetic(PLAN, MACHINE, 1, meter, compiles=True).arithmetic == USUAL


def test_what_cannot_be_captured_is_left_out_and_that_is_said() -> None:
    def broken(setting: Setting) -> Pace:
        if setting.arithmetic.captured:
            raise MeasuringError("operation not permitted when stream is capturing")
        return computing({FORMAT: 0.5})(setting)

    found = choose_arithmetic(PLAN, CARD, 1, broken, compiles=True)
    assert found.arithmetic == FORMAT
    assert "captured cannot be measured: operation not permitted" in found.why


def test_only_trainings_are_asked_compiled() -> None:
    asked: list[Setting] = []

    def heard(setting: Setting) -> Pace:
        asked.append(setting)
        return Pace(seconds=1.0)

    tuned(PLAN, MACHINE, choose_workers(PLAN, MACHINE, [2], heard), heard, BOTH)
    assert {setting.question.what: setting.arithmetic for setting in asked} == {
        "start": USUAL,
        "training": BOTH,
        "predict": FORMAT,
    }


@pytest.mark.parametrize("name", ["digits", "cifar10-small", "corti2022-paper"])
def test_without_measuring_everything_has_a_rough_pace(name: str) -> None:
    plan = make_plan(load_study(name))
    rough = roughly(plan, 2)
    assert set(rough.paces) == set(made_of(plan))
    assert all(pace.seconds > 0 and pace.peak_bytes > 0 for pace in rough.paces.values())
    assert rough.whence.startswith("roughly")
    if name != "corti2022-paper":  # its steps take the scheduler a while
        assert 10 < forecast(plan, 2, rough.paces).seconds < 10**6


def test_long_trainings_are_worth_a_measurement_and_short_ones_are_not(tmp_path: Path) -> None:
    few = tmp_path / "few.toml"
    few.write_text('extends = "cifar10-small"\nname = "few"\nreplicates = 6\n[measures.prediction_depth]\nmodels = 6\n')
    small, paper = (make_plan(load_study(name)) for name in (few, "corti2022-paper"))
    assert [is_worth_it(plan, "cpu") for plan in (PLAN, small, paper)] == [False, True, True]
    assert [is_worth_it(plan, "cuda") for plan in (PLAN, small, paper)] == [False, False, True]


def test_rough_flops_are_those_that_torch_counts() -> None:
    from piescope.models.build import flops_per_sample
    from piescope.study.tuning import _flops

    for name in ("digits", "corti2022-paper"):
        for question in made_of(make_plan(load_study(name))):
            if isinstance(question, TrainedImage):
                counted = flops_per_sample(question.model, question.image_shape, question.num_classes).forward
                assert _flops(question) == pytest.approx(counted, rel=0.35)


def test_a_card_that_processes_share_at_the_same_time_is_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "NVIDIA H100")
    assert machine_here("cuda", 2).name == "NVIDIA H100"
    (tmp_path / "control").touch()
    assert machine_here("cuda", 2).name == "NVIDIA H100, MPS"


def test_this_machine_has_a_name() -> None:
    here = machine_here("cpu", 2)
    assert here.name and here.torch[0].isdecimal()
    assert (here.device, here.cores) == ("cpu", 2)
