"""Measures of an audit as values: precision, F1, ROC AUC and the like, and single numbers about both sides."""

from __future__ import annotations

from pydantic import Field

from piescope.store.audit_answers import AuditPart, BeforeAfter, Number


class Measured(BeforeAfter):
    """One measure; its intervals are over examples (recall and top-5 accuracy: as of the accuracy).

    Attributes:
        unit: ``%`` (0 to 100, changes in points), or empty: ROC AUC and average precision 0 to 1, MCC -1 to 1.
        why_not: why a number or an interval is missing, also that of a change where no answer changed; empty where
            nothing is.
    """

    unit: str = ""
    why_not: str = ""


class Figure(AuditPart):
    """One number about both sides together.

    Attributes:
        title: what it is called, in a sentence.
        value: None: there is none.
        low: of its 95 % interval; None: there is none.
        high: likewise.
        decimals: to be shown.
        about: how to read it, in sentences.
        why_not: why the number or its interval is missing; empty where neither is.
    """

    may_lack = frozenset({"value", "low", "high", "decimals"})

    title: str
    value: Number = None
    low: Number = None
    high: Number = None
    decimals: int = 3
    about: str
    why_not: str = ""


class MeasuredClass(AuditPart):
    """MeasuredSides of one class.

    Attributes:
        name: of the class.
        examples: how many it has.
        precision: of the answers that name it, how many are right.
        recall: of its examples, how many are found.
        f1: the harmonic mean of both.
    """

    name: str = Field(alias="class")
    examples: int | None = None
    precision: Measured
    recall: Measured
    f1: Measured


class MeasuredSides(AuditPart):
    """Precision, F1, ROC AUC and the like.

    Attributes:
        positive_class: the second of two; None: there are more.
        overall: over all classes, by name.
        by_class: of each class with examples.
    """

    positive_class: str | None = None
    overall: dict[str, Measured] = Field(default_factory=dict)
    by_class: tuple[MeasuredClass, ...] = ()
