"""The answers of an audit: one file each, from the sums that it takes of every block to the values of audit.json."""

from __future__ import annotations

from typing import Any

from piescope.auditing.answers.accuracy import AccuracySums
from piescope.auditing.answers.calibration import ConfidenceSums
from piescope.auditing.answers.changed import ChangedSums
from piescope.auditing.answers.confirmed import VotePValues
from piescope.auditing.answers.confusions import ConfusionSums
from piescope.auditing.answers.flips import ModalFlips
from piescope.auditing.answers.impacts import GroupSums
from piescope.auditing.answers.kappa import KappaSums
from piescope.auditing.answers.label_errors import LabelThresholds
from piescope.auditing.answers.measures import MeasureSums
from piescope.auditing.answers.noise import LabelSample
from piescope.auditing.answers.pairs import PairSums
from piescope.auditing.answers.repeated import RepeatSums
from piescope.auditing.tally import FigureSums

SUMS: tuple[type[Any], ...] = (
    ChangedSums,
    AccuracySums,
    ModalFlips,
    GroupSums,
    ConfusionSums,
    ConfidenceSums,
    MeasureSums,
    PairSums,
    VotePValues,
    LabelSample,
    LabelThresholds,
    RepeatSums,
)
"""What is counted in the one pass over all examples."""

FIGURES: tuple[type[FigureSums], ...] = (KappaSums,)
"""Single numbers about both sides, in the order in which they are shown."""
