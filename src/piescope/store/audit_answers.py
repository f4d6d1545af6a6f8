"""The answers of an audit as values: what `piescope.store.audit_record` puts together.

Percentages are 0 to 100 and changes of them points, a loss negative; shares of models are 0 to 1. None is what is not
known; infinite and undefined numbers are None, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SideName = Literal["dense", "compressed"]


def _known(value: Any) -> Any:
    """None in place of NaN and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_known)]
"""A number, if it is known."""

Count = int | float
"""Examples; a mean over pairs of models where other numbers of models are compared."""

Ends = tuple[Number, Number]
"""An interval's two ends."""


CLEAR = 0.05
"""What has a q-value of at most this is beyond chance."""


class AuditPart(BaseModel):
    """A part of audit.json: frozen; keys of later versions are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    may_lack: ClassVar[frozenset[str]] = frozenset()
    """Attributes that a file need not have: not every audit says them, or not every version."""

    def lacks(self) -> Iterator[str]:
        """Places of what should have been said and was not."""
        for name, about in type(self).model_fields.items():
            key = about.alias or name
            if name not in self.model_fields_set and name not in self.may_lack:
                yield key
            yield from (f"{key}.{place}" for place in _lacking(getattr(self, name)))


def _lacking(value: Any) -> Iterator[str]:
    """The same of what an attribute holds."""
    if isinstance(value, AuditPart):
        yield from value.lacks()
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            yield from (f"{place}.{inner}" for inner in _lacking(part))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from (f"{key}.{inner}" for inner in _lacking(part))


class Share(AuditPart):
    """A share of all examples with its interval, percent.

    Attributes:
        value: observed.
        low: of the interval.
        high: likewise.
        error: standard error, of a mean over pairs of models.
        freedom: degrees of freedom of its t distribution.
    """

    may_lack = frozenset({"error", "freedom"})

    value: Number = None
    low: Number = None
    high: Number = None
    error: Number = None
    freedom: Number = None


class BeforeAfter(AuditPart):
    """A number of both sides and its change.

    Attributes:
        dense: before.
        dense_interval: 95 %; None: there is none.
        compressed: after.
        compressed_interval: likewise.
        change: compressed minus dense.
        change_interval: likewise.
    """

    dense: Number = None
    dense_interval: Ends | None = None
    compressed: Number = None
    compressed_interval: Ends | None = None
    change: Number = None
    change_interval: Ends | None = None


class AccuracyChange(BeforeAfter):
    """Accuracy, by examples: mean over a side's models.

    Attributes:
        change_error: standard error.
        change_freedom: degrees of freedom.
        change_p: of "the change is 0".
        interval_over: what the intervals are over: examples, models.
        dense_modal: share of modal labels that are right.
        compressed_modal: likewise.
    """

    change_error: Number = None
    change_freedom: Number = None
    change_p: Number = None
    interval_over: str = ""
    dense_modal: Number = None
    compressed_modal: Number = None


class Flips(AuditPart):
    """What happened to right and wrong answers.

    Attributes:
        correct_to_wrong: lost.
        wrong_to_correct: won back.
        wrong_to_wrong: wrong before and after, another label.
        mcnemar_p: McNemar's exact test; None: means over pairs of models.
        correct_to_wrong_share: of all examples.
    """

    correct_to_wrong: Count | None = None
    wrong_to_correct: Count | None = None
    wrong_to_wrong: Count | None = None
    mcnemar_p: Number = None
    correct_to_wrong_share: Share | None = None


class SeedFlips(AuditPart):
    """Flips between the sides, and among the models of one side.

    Attributes:
        observed: between a dense model and a compressed one, mean.
        floor: between two models of one side: by seeds alone.
        excess: observed minus floor.
        low: of the excess, 95 %.
        high: likewise.
        error: its standard error.
        freedom: degrees of freedom.
        p_value: of "the excess is 0".
    """

    observed: Number = None
    floor: Number = None
    excess: Number = None
    low: Number = None
    high: Number = None
    error: Number = None
    freedom: Number = None
    p_value: Number = None


class SeedNoise(AuditPart):
    """What seeds alone do, where the sides have other numbers of models.

    Attributes:
        side: whose models tell it.
        n_models: how many there are.
        changed: labels that differ.
        correct_to_wrong: right answers that are lost; None: no true labels.
        why_not: why no interval can be had; empty: there is one.
    """

    side: SideName
    n_models: int = 0
    changed: SeedFlips
    correct_to_wrong: SeedFlips | None = None
    why_not: str = ""


class Noise(AuditPart):
    """How many PIEs two groups of dense models have among each other.

    Attributes:
        observed: PIEs between the sides.
        floor: by seeds alone.
        excess: observed minus floor.
        low: of the excess, 95 %.
        high: likewise.
        group_sizes: models of the groups.
        examples: on which it was measured.
        paired: models of both sides belong together one by one.
        why_not: why a number is missing.
    """

    observed: Number = None
    floor: Number = None
    excess: Number = None
    low: Number = None
    high: Number = None
    group_sizes: tuple[int, ...] | None = None
    examples: int | None = None
    paired: bool = False
    why_not: str = ""


class Confidences(AuditPart):
    """Of the intervals of three tables, percent.

    Attributes:
        accuracy: 95.
        classes: more, for looking at many at once.
        groups: likewise.
    """

    accuracy: float = 95.0
    classes: float = 95.0
    groups: float = 95.0


class Confirmed(AuditPart):
    """Examples that changed by more than chance, tested one by one.

    Attributes:
        pies: how many; None: that cannot be told.
        alpha: false discovery rate.
        smallest_p: that so many models can have.
        why_not: why none can be confirmed.
    """

    pies: int | None = None
    alpha: Number = None
    smallest_p: Number = None
    why_not: str = ""


class ImpactRow(AuditPart):
    """What happened to a class or a group.

    Attributes:
        examples: how many it has.
        before: recall or accuracy of the dense side.
        after: of the compressed one.
        impact: after minus before.
        low: of the impact, at the confidence of its table.
        high: likewise.
        error: standard error; None: the interval is of counts.
        freedom: degrees of freedom, likewise.
        correct_to_wrong: lost.
        wrong_to_correct: won back.
        p_value: of "the impact is 0".
        q_value: the same, for all rows of the table (Benjamini and Hochberg).
    """

    examples: int | None = None
    before: Number = None
    after: Number = None
    impact: Number = None
    low: Number = None
    high: Number = None
    error: Number = None
    freedom: Number = None
    correct_to_wrong: Count | None = None
    wrong_to_correct: Count | None = None
    p_value: Number = None
    q_value: Number = None

    @property
    def change(self) -> float:
        """The impact; 0 where it is not known."""
        return self.impact or 0.0

    @property
    def is_clear(self) -> bool:
        """Whether it lost or gained beyond chance."""
        return self.impact is not None and self.q_value is not None and self.q_value <= CLEAR


class ClassChange(ImpactRow):
    """A class.

    Attributes:
        name: of the class.
        relative_impact: impact minus that of the accuracy.
        changed: examples whose label differs.
    """

    name: str = Field(alias="class")
    before: Number = Field(None, alias="dense_recall")
    after: Number = Field(None, alias="compressed_recall")
    relative_impact: Number = None
    changed: Count | None = None


class GroupChange(ImpactRow):
    """A value of a column of the metadata.

    Attributes:
        column: of the metadata.
        value: in it.
    """

    column: str
    value: str
    before: Number = Field(None, alias="dense_accuracy")
    after: Number = Field(None, alias="compressed_accuracy")

    @property
    def name(self) -> str:
        """Column and value."""
        return f"{self.column} = {self.value}"


class Confusion(AuditPart):
    """A mix-up that grew.

    Attributes:
        true: the class.
        predicted: what it is taken for.
        dense: examples, before.
        compressed: after.
        growth: after minus before.
        moved_in: examples that came.
        moved_out: examples that left.
        p_value: of "as many came as left".
        q_value: the same, for all mix-ups.
        examples: ids of some that came.
    """

    true: str = Field(alias="class")
    predicted: str
    dense: Count | None = None
    compressed: Count | None = None
    growth: Count | None = None
    moved_in: Count | None = None
    moved_out: Count | None = None
    p_value: Number = None
    q_value: Number = None
    examples: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether it grew beyond chance."""
        return self.q_value is not None and self.q_value <= CLEAR


class ReliabilityBin(AuditPart):
    """Examples of about one confidence.

    Attributes:
        low: edge of the bin, 0 to 1.
        high: likewise.
        examples: of the average model.
        confidence: mean, percent.
        accuracy: percent.
    """

    low: Number = None
    high: Number = None
    examples: Number = None
    confidence: Number = None
    accuracy: Number = None


class SideCalibration(AuditPart):
    """Whether a side's confidence means what it says.

    Attributes:
        ece: expected calibration error, points.
        confidence: mean.
        true_probability: mean probability of the true label.
        bins: the reliability diagram.
    """

    ece: Number = None
    confidence: Number = None
    true_probability: Number = None
    bins: tuple[ReliabilityBin, ...] = ()


class ShiftBin(AuditPart):
    """Examples whose true label's probability changed about so much.

    Attributes:
        low: edge of the bin, points.
        high: likewise.
        examples: how many.
    """

    low: Number = None
    high: Number = None
    examples: int | None = None


class Calibration(AuditPart):
    """Confidence of both sides.

    Attributes:
        dense: before.
        compressed: after.
        ece_change: after minus before.
        confidence_change: likewise.
        shift: histogram of the change of the true label's probability.
    """

    dense: SideCalibration
    compressed: SideCalibration
    ece_change: Number = None
    confidence_change: Number = None
    shift: tuple[ShiftBin, ...] = ()


class Example(AuditPart):
    """An example that people look at.

    Attributes:
        id: of the example.
        row: its place.
        label: the true one; None: not known.
        dense: modal label before.
        compressed: after.
        kind: ``lost``, ``rescued``, ``moved``, ``changed`` or ``kept``.
        harm: by how much the probability of the true (else the dense) label fell, -1 to 1.
        dense_share: share of models that give the modal label.
        compressed_share: likewise.
        dense_probability: of the true label.
        compressed_probability: likewise.
        p_value: of "the votes did not change".
        is_confirmed: they changed by more than chance.
    """

    id: str
    row: int
    label: str | None = None
    dense: str
    compressed: str
    kind: str
    harm: Number = None
    dense_share: Number = None
    compressed_share: Number = None
    dense_probability: Number = None
    compressed_probability: Number = None
    p_value: Number = None
    is_confirmed: bool | None = None


class LabelErrors(AuditPart):
    """Likely label errors.

    Attributes:
        count: how many; None: that cannot be told.
        why_not: why not.
        rule: by which they are found.
        examples: the surest.
    """

    count: int | None = None
    why_not: str = ""
    rule: str = ""
    examples: tuple[Example, ...] = ()
