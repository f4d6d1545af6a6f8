"""Workers that measure, in processes of their own; how fast this machine is has no say."""

from __future__ import annotations

import os
import signal

import pytest

from piescope.models.build import ModelSpec
from piescope.study import measuring
from piescope.study.calibrations import Machine, Setting
from piescope.study.measuring import Crew, MeasuringError, only_kept
from piescope.study.paces import PredictedImage, ProbedModel, Question, StartUp

pytestmark = pytest.mark.sampled(3, of_file=True)

NETWORK = {"model": ModelSpec(depth=10, width=1), "image_shape": (1, 8, 8), "num_classes": 10}


def setting(question: Question, workers: int) -> Setting:
    return Setting(machine=Machine(device="cpu", name="here", cores=2, torch="2"), workers=workers, question=question)


@pytest.mark.sampled(8, heavy=True)
def test_a_crew_measures_and_says_what_it_cannot() -> None:
    with Crew("cpu") as crew:
        start = crew(setting(StartUp(), 2))
        image = crew(setting(PredictedImage(**NETWORK), 1))
        with pytest.raises(MeasuringError, match="nowhere"):
            crew(setting(ProbedModel(**NETWORK, points=("nowhere",), k=3, bank=20, asked=5), 1))
        again = crew(setting(PredictedImage(**NETWORK), 2))
        processes = [worker.process for worker in crew._workers]
        assert len(processes) == 2
    assert start.seconds > 10 * image.seconds > 0
    assert start.seconds > 10 * again.seconds > 0
    assert min(start.peak_bytes, image.peak_bytes) > 10**7
    assert not any(process.is_alive() for process in processes)


def test_a_worker_that_dies_ends_the_measurement() -> None:
    with Crew("cpu") as crew:
        crew(setting(StartUp(), 1))
        crew._workers[0].process.kill()
        with pytest.raises(MeasuringError, match="ended with code -9"):
            crew(setting(PredictedImage(**NETWORK), 1))


def test_a_worker_that_hangs_ends_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    with Crew("cpu") as crew:
        crew(setting(StartUp(), 1))
        monkeypatch.setattr(measuring, "HUNG_AFTER", 0.5)
        monkeypatch.setattr(measuring, "LOOK", 0.3)
        os.kill(crew._workers[0].process.pid or 0, signal.SIGSTOP)
        with pytest.raises(MeasuringError, match="no sign of life"):
            crew(setting(PredictedImage(**NETWORK), 1))


def test_where_nothing_may_be_measured() -> None:
    with pytest.raises(MeasuringError, match="start"):
        only_kept(setting(StartUp(), 1))
