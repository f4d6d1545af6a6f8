"""How things are measured: by doing the real ones. The clock of these tests goes on by a second at each look."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from piescope.models.build import ModelSpec
from piescope.store.arithmetic import Arithmetic
from piescope.study import meters
from piescope.study.paces import MappedExample, PredictedImage, ProbedModel, Question, StartUp, TrainedImage
from piescope.study.steps import Place
from piescope.training.recipe import Augmentation, Training

NETWORK = {"model": ModelSpec(depth=10, width=1), "image_shape": (1, 8, 8), "num_classes": 4}
HERE = Place("cpu", Arithmetic())
TRAINING = Training(epochs=1, batch_size=6, learning_rate=1.0, augmentation=Augmentation(pad_and_crop=1))


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each look at the clock is a second later than the last; each part of a measurement is one step or call then."""
    clock = itertools.count()
    monkeypatch.setattr(meters, "_clock", lambda device: float(next(clock)))
    yield


@pytest.mark.usefixtures("ticks")
@pytest.mark.parametrize("stage", ["supervised", "supcon", "simclr", "head"])
def test_a_training_is_timed_an_image_with_its_views(stage: str) -> None:
    question = TrainedImage(**NETWORK, stage=stage, training=TRAINING, projection=(8, 8))  # type: ignore[arg-type]
    pace = meters.pace_of(question, HERE)
    assert pace.seconds == pytest.approx(1 / (6 * question.views))
    assert pace.spread == 0
    assert pace.peak_bytes > 10**7


def test_a_training_that_takes_seconds_a_step_ends_after_few(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 95.0, 105.0, 105.0, 115.0, 115.0, 127.0, 127.0])
    monkeypatch.setattr(meters, "_clock", lambda device: next(times))
    pace = meters.pace_of(TrainedImage(**NETWORK, stage="supervised", training=TRAINING), HERE)
    assert pace.seconds == pytest.approx(10 / 6)
    assert pace.spread == pytest.approx(0.1)
    assert pace.first == 75  # what it compiled, say


def test_a_card_is_waited_for_when_a_part_may_be_over_and_not_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, waits = [0.0], list[float]()

    def waited(device: str) -> float:
        waits.append(clock[0])
        return clock[0]

    monkeypatch.setattr(meters, "_clock", waited)
    monkeypatch.setattr(meters.time, "perf_counter", lambda: clock[0])
    watch = meters._Watch("cuda", 5)  # of which the last one captures, say
    with pytest.raises(meters._Enough):
        for step in range(1, 100):
            clock[0] += 0.9 if step == 5 else 0.1
            watch(step, 100, 20)
    assert waits == pytest.approx([0.0, 1.3, 1.6, 1.6, 1.9, 1.9, 2.2, 2.2], abs=0.11)
    pace = watch.pace(0)
    assert (pace.seconds, pace.spread) == (pytest.approx(0.1 / 20), pytest.approx(0, abs=1e-6))
    assert pace.first == pytest.approx(1.3 - 5 * 0.1)


@pytest.mark.usefixtures("ticks")
def test_large_batches_and_networks_are_timed_in_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "MOST_IMAGES", 4)
    pace = meters.pace_of(TrainedImage(**NETWORK, stage="supervised", training=TRAINING), HERE)
    assert pace.seconds == pytest.approx(1 / 4)
    monkeypatch.setattr(meters, "MOST_FLOPS", 1)
    large = TrainedImage(**NETWORK, stage="supcon", training=TRAINING.model_copy(update={"batch_size": 99}))
    assert meters.pace_of(large, HERE).seconds == pytest.approx(1 / 4)


@pytest.mark.usefixtures("ticks")
def test_measures_are_timed_and_told_at_the_size_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    assert meters.pace_of(PredictedImage(**NETWORK), HERE).seconds == pytest.approx(1 / 512)
    probed = ProbedModel(**NETWORK, points=("conv1", "softmax"), k=3, bank=600, asked=512)
    seconds = meters.pace_of(probed, HERE).seconds
    assert seconds == pytest.approx((600 + 512) / 512 + 2 * 512 / meters.MOST_ASKED)
    monkeypatch.setattr(meters, "MOST_BANK", 4 * 16)
    halved = meters.pace_of(probed.model_copy(update={"points": ("conv1",)}), HERE).seconds
    assert halved == pytest.approx((600 + 512) / 512 + 600 / 4 * 512 / meters.MOST_ASKED)


@pytest.mark.usefixtures("ticks")
def test_what_a_map_loads_the_first_time_is_told_apart() -> None:
    question = MappedExample(examples=40, dims=5, neighbours=5)
    pace = meters.pace_of(question, HERE)
    assert (pace.seconds, pace.first) == (pytest.approx(1 / 80), 0.0)


def test_a_start_is_all_that_a_process_has_computed() -> None:
    assert meters.pace_of(StartUp(), HERE).seconds > 0.1


def test_every_question_has_an_answer() -> None:
    asked: list[type] = [TrainedImage, PredictedImage, ProbedModel, MappedExample, StartUp]
    assert set(asked) == set(Question.__args__[0].__args__)  # type: ignore[attr-defined]
