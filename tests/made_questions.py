"""Questions of audits of arrays, and what one pass over them counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from piescope.auditing.answers import FIGURES, SUMS
from piescope.auditing.audited import resolved
from piescope.auditing.options import Asked
from piescope.auditing.question import Question, question_of
from piescope.auditing.tally import Counted, tally


def question(dense: Any, compressed: Any, **options: Any) -> Question:
    """Both sides read."""
    return question_of(dense, compressed, Asked(**options))


def counted(asked: Question, folder: Path) -> Counted:
    """Everything that is counted of a question; the temporary table lies in the folder."""
    return tally(resolved(asked), (*SUMS, *FIGURES), folder)
