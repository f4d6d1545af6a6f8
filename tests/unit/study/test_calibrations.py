"""What was measured is kept, and read where nothing differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.models.build import ModelSpec
from piescope.store.durable import sealed_json
from piescope.study import calibrations
from piescope.study.calibrations import Machine, Pace, Setting, kept, measured
from piescope.study.paces import PredictedImage

MACHINE = Machine(device="cpu", name="a processor", cores=2, torch="2.13.0")
QUESTION = PredictedImage(model=ModelSpec(depth=10, width=1), image_shape=(1, 8, 8), num_classes=10)
SETTING = Setting(machine=MACHINE, workers=2, question=QUESTION)


class Counting:
    """A meter without a clock: the first measurement takes a second, the second two, ..."""

    def __init__(self) -> None:
        self.asked: list[Setting] = []

    def __call__(self, setting: Setting) -> Pace:
        self.asked.append(setting)
        return Pace(seconds=float(len(self.asked)), spread=0.25, peak_bytes=7)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    return tmp_path


def test_what_is_kept_is_not_measured_again() -> None:
    meter = Counting()
    first = measured([SETTING, SETTING], meter)
    again = measured([SETTING], meter)
    assert meter.asked == [SETTING]
    assert first.paces == again.paces == {SETTING: Pace(seconds=1.0, spread=0.25, peak_bytes=7)}
    assert (str(first), str(again)) == ("measured now", "kept of 2026-09-21")


@pytest.mark.parametrize(
    "other",
    [
        SETTING.model_copy(update={"workers": 1}),
        *(
            SETTING.model_copy(update={"machine": MACHINE.model_copy(update=changed)})
            for changed in ({"name": "another"}, {"cores": 4}, {"torch": "2.14.0"}, {"device": "cuda"})
        ),
        *(
            SETTING.model_copy(update={"question": QUESTION.model_copy(update=changed)})
            for changed in ({"model": ModelSpec(depth=16, width=1)}, {"image_shape": (1, 9, 8)}, {"num_classes": 9})
        ),
    ],
)
def test_what_hangs_on_something_else_is_measured_anew(other: Setting) -> None:
    meter = Counting()
    both = measured([SETTING, other], meter)
    assert [pace.seconds for pace in both.paces.values()] == [1.0, 2.0]
    assert both.new == 2


def test_another_form_of_calibration_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    measured([SETTING], Counting())
    monkeypatch.setattr(calibrations, "FORM", calibrations.FORM + 1)
    assert kept(SETTING) is None


@pytest.mark.parametrize("damage", ["cut", "changed", "another's", "folder", "not ours"])
def test_what_is_damaged_is_measured_and_kept_again(damage: str, cache: Path) -> None:
    measured([SETTING], Counting())
    (path,) = cache.rglob("*.json")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-20])
    elif damage == "changed":
        path.write_bytes(content.replace(b'"seconds": 1.0', b'"seconds": 9.0'))
    elif damage == "not ours":
        path.write_bytes(sealed_json({"seconds": 1.0}))
    elif damage == "another's":
        other = SETTING.model_copy(update={"workers": 1})
        measured([other], Counting())
        (theirs,) = set(cache.rglob("*.json")) - {path}
        path.write_bytes(theirs.read_bytes())
    else:
        path.unlink()
        path.mkdir()
    meter = Counting()
    assert measured([SETTING], meter).new == 1
    assert meter.asked == [SETTING]
    assert (kept(SETTING) is None) == (damage == "folder")


def test_without_a_cache_to_write_to_it_is_measured_each_time(cache: Path) -> None:
    (cache / "calibrations").write_text("a file of somebody's")
    meter = Counting()
    assert [measured([SETTING], meter).new for _ in range(2)] == [1, 1]
    assert (cache / "calibrations").read_text() == "a file of somebody's"


def test_days_of_several() -> None:
    assert str(calibrations.MeasuredPaces({}, ("2026-01-02", "2026-01-01", "2026-01-02"), 1)) == (
        "measured now, kept of 2026-01-01 to 2026-01-02"
    )
