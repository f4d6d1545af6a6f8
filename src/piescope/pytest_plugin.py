"""A fixture for users' own tests: audit a compressed model, and fail where it breaks a budget.

pytest loads this module in every run of everyone who has piescope installed: it loads nothing but pytest.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from piescope.auditing.budgets import Budgets
    from piescope.audits import Audit


class UndecidedBudgetWarning(UserWarning):
    """The sample is too small to tell whether a budget is kept."""


class AuditAgainstBudgets:
    """What the fixture `piescope_audit` gives: ``piescope.audit``, with a verdict."""

    def __call__(
        self,
        dense: Any,
        compressed: Any,
        labels: Any = None,
        *,
        dataset: Any = None,
        options: Mapping[str, Any] | None = None,
        budgets: Budgets | Mapping[str, str | float | None] | str | Path | None = None,
        strict: bool = False,
        **given: Any,
    ) -> Audit:
        """Audits, and raises where a budget is broken.

        Args:
            dense: a path, an array of labels or scores, or a callable (with ``dataset``), as for ``piescope.audit``.
            compressed: likewise.
            labels: true labels; without them only ``max_changed`` can be judged.
            dataset: what callables are called on.
            options: further options of ``piescope.audit``: ``{"paired": True}``.
            budgets: as of ``piescope.audit``: Budgets, their values by name, or a TOML file; limits replace its own.
            strict: budgets that the sample is too small to judge fail, too, instead of a warning.
            **given: limits, ``max_flips="2%"``, ``max_class_drop=3``, ...; and options by name: ``metadata``, ``out``.

        Returns:
            the Audit; its ``content`` holds the numbers, budgets among them.

        Raises:
            AssertionError: a budget is broken (or undecided, if strict); names each with observed value, interval and
                limit.
            InputError: something in the input or a budget is wrong; or there is none to be strict about.
        """
        __tracebackhide__ = True
        import piescope
        from piescope.auditing.budgets import Budgets, is_broken, verdict_line
        from piescope.auditing.options import AuditOptions
        from piescope.problems import InputError

        known = {option.name for option in fields(AuditOptions)}
        chosen = {name: value for name, value in given.items() if name in known}
        limits = Budgets.of({name: value for name, value in given.items() if name not in known}, "piescope_audit")
        if budgets is not None:
            limits = Budgets.of_any(budgets, "piescope_audit").with_limits(limits)
        if strict and not limits.given:
            cure = "name the budgets: budgets=FILE, or max_flips='1%'; or leave strict out"
            raise InputError.of("piescope_audit", "strict", "no budgets", "budgets to be strict about", cure)
        audit = piescope.audit(dense, compressed, dataset, labels=labels, budgets=limits, **(options or {}), **chosen)
        rows = audit.record.budgets
        if missing := limits.given.keys() - {row.budget for row in rows}:
            raise RuntimeError(f"the audit has no verdict on {', '.join(sorted(missing))}")
        failed = [row for row in rows if is_broken([row], strict)]
        for row in rows:
            if row.verdict == "undecided" and not strict:
                warnings.warn(UndecidedBudgetWarning(verdict_line(row)), stacklevel=2)
        if failed:
            raise AssertionError("\n".join(verdict_line(row) for row in failed))
        return audit


@pytest.fixture
def piescope_audit() -> AuditAgainstBudgets:
    """Audits a compressed model, and fails the test where it breaks a budget.

    ``piescope_audit("dense.csv", "int8.csv", "labels.csv", max_flips="2%", max_class_drop=3)``; a budget that the
    sample is too small to judge warns, and fails with ``strict=True``.
    """
    return AuditAgainstBudgets()
