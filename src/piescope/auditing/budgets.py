"""How much may be lost? Budgets, and whether an audit keeps them, breaks them, or is too small to tell.

A verdict is about one of two things. A count ("at most 200 flips") is about these very examples, so it is a fact. A
share ("at most 2 %") or points ("no class loses more than 3") are about examples of this kind, of which these are a
sample: a small sample can fail to show that they are kept, and that is said instead of passed over.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from os import PathLike
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from piescope import wording
from piescope.auditing.judging import (
    beside_limit,
    equivalent,
    flipped,
    limit_of,
    limit_text,
    relabelled,
    whole_number,
    worst,
)
from piescope.auditing.units import LONGEST_NAME, units
from piescope.problems import InputError
from piescope.spec import Spec
from piescope.store.audit_record import AuditRecord, BudgetRow

LARGEST_FILE = 1_000_000


_SHARE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*%\s*", re.ASCII)


def _is_share(text: str) -> str:
    """``"2 %"`` as ``"2%"``.

    Raises:
        ValueError: it is no share of 0 to 100 percent.
    """
    found = _SHARE.fullmatch(text)
    if found is None or float(found[1]) > 100:
        raise ValueError("no share")
    return f"{found[1]}%"


Count = Annotated[int, Field(ge=0)]


Share = Annotated[str, AfterValidator(_is_share)]


Drop = Annotated[int | float, Field(ge=0, le=100)]


Margin = Annotated[int | float, Field(gt=0, le=100)]


_COUNT_OR_SHARE = 'a number of examples (200) or a share of them ("2%"), 0 to 100 %'


_EXPECTED = {
    "max_flips": _COUNT_OR_SHARE,
    "max_class_drop": "points of recall, 0 to 100",
    "max_changed": _COUNT_OR_SHARE,
    "equivalent_within": "points of accuracy, above 0, up to 100",
    "max_group_drop": "points of accuracy, 0 to 100",
}


class Budgets(Spec):
    """What a compressed model may lose. Each budget is optional; `judge` says what each verdict means.

    Attributes:
        max_flips: examples that the dense side has right and the compressed one wrong, by modal label: a count (200)
            or a share of all examples (``"2%"``).
        max_class_drop: how much recall any class may lose, in percentage points.
        max_changed: examples whose modal label changes, right or wrong: a count or a share. Needs no labels.
        equivalent_within: the accuracies differ by no more than so many percentage points, up or down.
        max_group_drop: how much accuracy any group (a value of a column of the metadata) may lose, in points.

    Raises:
        InputError: an unknown budget, or a value that it cannot have.

    Example:
        >>> Budgets.of({"max_flips": "2 %", "max_class_drop": 3}).given
        {'max_flips': '2%', 'max_class_drop': 3}
        >>> Budgets.of({"max_flip": 200})
        Traceback (most recent call last):
        piescope.problems.InputError: budgets: max_flip
          found     unknown budget 'max_flip'
          expected  one of: max_flips, max_class_drop, max_changed, equivalent_within, max_group_drop
          cure      did you mean 'max_flips'?
    """

    max_flips: Count | Share | None = None
    max_class_drop: Drop | None = None
    max_changed: Count | Share | None = None
    equivalent_within: Margin | None = None
    max_group_drop: Drop | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, values: Any, build: ModelWrapValidatorHandler[Budgets], info: ValidationInfo) -> Budgets:
        try:
            return build(
                {name: _plain(value) for name, value in values.items()} if isinstance(values, dict) else values
            )
        except ValidationError as faults:
            told = info.context or {"source": "budgets", "where": str}
            raise _in_words(faults, told["source"], told["where"]) from None

    @classmethod
    def of(cls, values: Mapping[str, object], source: str = "budgets") -> Budgets:
        """Checked budgets from plain values, as TOML or Python has them; None is a budget that was not given.

        Args:
            values: by the names of the attributes.
            source: names the values in errors.

        Raises:
            InputError: with every fault found.
        """
        return _checked(values, source, lambda name: name)

    @classmethod
    def of_any(cls, given: object, source: str = "budgets") -> Budgets:
        """Budgets as Python has them: Budgets, their values by name, or a TOML file of them.

        Args:
            given: one of these.
            source: names values in errors.

        Raises:
            InputError: something else, or with every fault found.

        Example:
            >>> Budgets.of_any({"max_flips": "2%"}) == Budgets.of_any(Budgets.of({"max_flips": "2%"}))
            True
        """
        if isinstance(given, Budgets):
            return given
        if isinstance(given, Mapping):
            return cls.of(given, source)
        if isinstance(given, str | PathLike):
            return cls.from_file(Path(given))
        expected, cure = "Budgets, a dict of them, or a TOML file", 'write {"max_flips": "2%"}'
        raise InputError.of("audit", "budgets", _shown(given), expected, cure)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Budgets:
        """The table ``[budgets]`` of a TOML file.

        Raises:
            InputError: the file cannot be read or is no TOML, it has no budget or anything else, or one is wrong.
        """
        return _checked(_table(Path(path)), str(path), lambda name: f"budgets.{name}")

    @classmethod
    def from_flags(cls, flags: Mapping[str, str | float | None], underneath: Budgets | None = None) -> Budgets:
        """Budgets as they are typed: ``{"max_flips": "2%", "max_class_drop": "3"}``.

        Args:
            flags: by the names of the attributes; None is a flag that was not given.
            underneath: of a file; a flag replaces what it says.

        Raises:
            InputError: with every fault found.

        Example:
            >>> Budgets.from_flags({"max_flips": "200"}, Budgets.of({"max_flips": "2%", "max_changed": 5})).given
            {'max_flips': 200, 'max_changed': 5}
        """
        typed = {name: _number_in(value) for name, value in flags.items() if value is not None}
        given = _checked(typed, "the command line", lambda name: "--" + name.replace("_", "-"))
        return given if underneath is None else underneath.with_limits(given)

    def with_limits(self, others: Budgets) -> Budgets:
        """These budgets, with the limits that others give in place of their own.

        Example:
            >>> Budgets.of({"max_flips": "2%", "max_changed": 5}).with_limits(Budgets.of({"max_changed": 9})).given
            {'max_flips': '2%', 'max_changed': 9}
        """
        return Budgets.of({**self.given, **others.given})

    @property
    def given(self) -> dict[str, int | float | str]:
        """Name to limit of each budget that there is."""
        return self.model_dump(exclude_none=True)

    def check(self, has_labels: bool, has_groups: bool, has_classes: bool = True) -> None:
        """Refuses, before any work, budgets that the inputs cannot answer.

        Args:
            has_labels: true labels are known.
            has_groups: there is a metadata file.
            has_classes: it is known of which class an example is; of answers that are right or wrong it is not.

        Raises:
            InputError: a budget needs true labels or metadata, and there are none.
        """
        error = InputError("budgets")
        for name in self.given:
            if name != "max_changed" and not has_labels:
                cure = "give them (--labels FILE), or budget what needs none (max_changed)"
                error.add(name, "no true labels", "the true label of each example", cure)
            if name == "max_class_drop" and not has_classes:
                cure = "give predictions and true labels, or leave this budget out"
                error.add(name, "only right and wrong", "the class of each example", cure)
            if name == "max_group_drop" and not has_groups:
                cure = "give it (--metadata FILE), or leave this budget out"
                error.add(name, "no metadata", "a metadata file with a column to group by", cure)
        error.raise_if_any()


def _checked(values: Mapping[str, object], source: str, where: Callable[[str], str]) -> Budgets:
    given = {name: value for name, value in values.items() if value is not None}
    return Budgets.model_validate(given, context={"source": source, "where": where})


def _in_words(faults: ValidationError, source: str, where: Callable[[str], str]) -> InputError:
    error = InputError(source)
    # a value that is neither a count nor a share is one fault, not one for each
    wrong = {str(fault["loc"][0]): fault for fault in faults.errors(include_url=False)}
    for name, one in wrong.items():
        if name not in _EXPECTED:
            error.add_unknown(where(name), "budget", name, Budgets.model_fields)
        else:
            error.add(where(name), _shown(one["input"]), _EXPECTED[name], _cure(name, one["input"]))
    return error


def _plain(value: object) -> object:
    """A number of NumPy's as Python has it."""
    return value.item() if isinstance(value, np.integer | np.floating) else value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    try:
        return repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits
        return type(value).__name__


def _cure(name: str, value: object) -> str:
    counts = _EXPECTED[name] == _COUNT_OR_SHARE
    if isinstance(value, float) and counts and 0 < value <= 100:
        return f'write "{value:g}%" if it is a share in percent, or a whole number of examples'
    if isinstance(value, str) and not counts and _SHARE.fullmatch(value):
        return f"write {value.replace('%', '').strip()}: it is in points already"
    if isinstance(value, str) and counts and value.isdecimal():
        return f"write {value} without quotes"
    if isinstance(value, date | time):
        return f"write {'a number, or a share in quotes' if counts else 'a number'}, or leave this budget out"
    return "correct the value, or leave this budget out"


def _number_in(text: str | float) -> str | int | float:
    """What stands on a command line, as TOML would have it."""
    if isinstance(text, str) and len(text) <= 30:
        for number in (int, float):
            try:
                return number(text) if "_" not in text else text
            except ValueError:
                continue
    return text


def _table(path: Path) -> dict[str, Any]:
    error = InputError(str(path))
    example = 'a TOML file with a table [budgets], max_flips = "2%" in it, say'
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # to open a pipe may take for ever
            error.add("the file", "a pipe, a socket or a device", example, "name a regular file")
            raise error
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            error.add("the file", f"more than {LARGEST_FILE:,} bytes", example, "give a file of budgets")
            raise error
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        error.add("the file", "bytes that are no UTF-8", example, "give a file of budgets, or save it as UTF-8")
        raise error from None
    except OSError as reason:
        error.add("the file", reason.strerror or str(reason), example, "check the path")
        raise error from None
    except (ValueError, RecursionError) as reason:  # no TOML, numbers of thousands of digits, a NUL in the path
        error.add("the file", str(reason) or "tables nested too deeply", example, "see https://toml.io")
        raise error from None
    for name in tables:
        if name in Budgets.model_fields:
            error.add(name, "a budget outside of [budgets]", "it in that table", "write [budgets] above it")
        elif name != "budgets":
            error.add_unknown(name, "key", name, ["budgets"])
    error.raise_if_any()
    table = tables.get("budgets")
    if not isinstance(table, dict) or not table:
        found = "nothing" if table is None else "no budget in it" if isinstance(table, dict) else _shown(table)
        error.add("budgets", found, "a table with at least one of: " + ", ".join(Budgets.model_fields), "add one")
        raise error
    return table


def judge(audit: AuditRecord, budgets: Budgets, of: str = "") -> list[BudgetRow]:
    """Whether an audit keeps its budgets, from the numbers of its audit.json alone.

    **A count** (``max_flips = 200``) is about these very examples: ``broken`` when there are more, else ``kept``. The
    interval, of as many other examples, is for information. Where no more examples could have flipped or changed than
    the limit allows, the budget could not have been broken: ``undecided``.

    **A share or points** are about examples of this kind. ``broken``: the observed value exceeds the limit. ``kept``:
    the one-sided 95 % bound is at the limit or within, so of what lies at the limit or beyond, at most 5 % of all
    samples say so. Else ``undecided``: it may well be kept, but this sample does not show it; the reason says how many
    examples would, if the observed value stayed as it is.

    - Shares: Clopper and Pearson's exact bound, over examples; the models are taken as they are.
    - ``max_class_drop``, ``max_group_drop``: every class (every value of every column) must be shown to lose no more
      than the limit, each at 5 %. As all must pass, no correction for their number is needed: the chance of a wrong
      ``kept`` is at most that of the class which lost too much (intersection-union). With one model a side bounds come
      from the examples lost and gained (`drop_bounds`). A class without any example is undecided.
    - ``equivalent_within``: two one-sided tests at 5 % (TOST): both one-sided 95 % bounds of the change of accuracy lie
      within ± the limit; ``broken`` when the observed change does not. One model a side: `drop_bounds`.
    - Several models on a side: one-sided bounds of the audit's own t distributions (over models and examples), which
      reach no less far than those of as many examples without any flip. Where nothing varied between models there is
      no interval: then modal labels are counted, as for one model.

    **Several dense models and another number of compressed ones**: flips and changes are means over pairs of models,
    and what the dense models do among each other, by seeds alone, is no loss. ``max_flips`` and ``max_changed``, count
    or share, are about what is beyond that, with the interval of the excess; and no budget is ``broken`` by what seeds
    alone can do: besides exceeding the limit a value must be above 0 by a one-sided test at 5 % (divided by the number
    of classes or groups), else it is ``undecided``. **One dense model and several compressed ones**: means over pairs,
    from which nothing is taken off: how the compressed ones differ among each other may be the compression's doing.

    Random: the examples; for classes, groups and accuracy of populations, and for means over pairs, the models too.
    Assumed: examples are independent draws; near duplicates make bounds too narrow. With several models and few flips
    the t-interval is rough.

    Args:
        audit: what was found.
        budgets: what was allowed.
        of: names the copy, where an audit has several.

    Returns:
        one row a budget: ``budget``; ``limit`` as given; ``observed``; ``low`` and ``high``, the one-sided 95 % bounds
        that the verdict was taken from, None where there are none; ``unit`` (``"%"``, ``"examples"``, ``"points"``);
        ``verdict``; ``reason``, a sentence; ``of``. Points are changes, as everywhere: a loss is negative (classes and
        groups: the worst observed, and the lowest and the highest bound that any of them reaches down to).

    Raises:
        InputError: a budget needs labels or metadata that the audit did not have.

    Source: Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404; Schuirmann 1987,
    https://doi.org/10.1007/BF01068419 (TOST); Berger 1982, https://doi.org/10.1080/00401706.1982.10487790.

    Example:
        >>> audit = AuditRecord(n_examples=200, changed=2)
        >>> by_share, by_count = (judge(audit, Budgets(max_changed=limit))[0] for limit in ("2%", 20))
        >>> by_share.verdict, by_share.reason
        ('undecided', '200 examples are too few to tell: observed 1.0 %, but up to 3.1 % fits with them; about 590
        examples would do')
        >>> by_count.verdict
        'kept'
    """
    has_groups = bool(audit.groups) or audit.inputs.metadata is not None
    budgets.check(has_labels=audit.flips is not None, has_groups=has_groups)
    judged = {
        "max_flips": lambda limit: flipped(limit, audit),
        "max_class_drop": lambda limit: worst(limit, units(audit, audit.classes), "class", "classes"),
        "max_changed": lambda limit: relabelled(limit, audit),
        "equivalent_within": lambda limit: equivalent(limit, audit),
        "max_group_drop": lambda limit: worst(limit, units(audit, audit.groups), "group", "groups"),
    }
    return [
        BudgetRow(budget=name, limit=limit, **judged[name](limit)._asdict(), of=of)
        for name, limit in budgets.given.items()
    ]


def is_broken(rows: Iterable[BudgetRow], strict: bool = False) -> bool:
    """Whether a build should fail: a budget is broken or, if strict, undecided.

    Example:
        >>> few = {"budget": "max_flips", "limit": "2%", "unit": "%"}
        >>> rows = [BudgetRow(**few, verdict="kept"), BudgetRow(**few, verdict="undecided")]
        >>> is_broken(rows), is_broken(rows, strict=True)
        (False, True)
    """
    return any(row.verdict == "broken" or (strict and row.verdict == "undecided") for row in rows)


def verdict_line(row: BudgetRow) -> str:
    """One line: name, verdict, observed value with its one-sided 95 % bound, limit, reason.

    Example:
        >>> audit = AuditRecord(n_examples=10_000, changed=240)
        >>> verdict_line(judge(audit, Budgets(max_changed="2%"))[0])
        'max_changed broken: 2.4 % (up to 2.7 at 95 %), limit 2 %; 240 of 10,000 examples'
    """
    name = f"{row.budget} ({wording.printable(row.of, LONGEST_NAME)})" if row.of else row.budget
    limit, unit = signed_limit(row), row.unit
    figure: Callable[[float], str] = whole_number if unit == "examples" else lambda value: beside_limit(value, limit)
    sentence = "nothing observed"
    if row.observed is not None:
        sentence = f"{figure(row.observed)} {unit}{_bound(row, figure)}"
    sign = "±" if row.budget == "equivalent_within" else ""
    return f"{name} {row.verdict}: {sentence}, limit {sign}{limit_text(limit)} {unit}; {wording.printable(row.reason)}"


def _bound(row: BudgetRow, figure: Callable[[float], str]) -> str:
    """The one-sided bound that a budget is about; both of them, where it is about either side."""
    low, high = row.low, row.high
    if low is None or high is None or row.unit == "examples":
        return ""
    if row.budget == "equivalent_within":
        return f" ({figure(low)} to {figure(high)} at 95 % each)"
    return f" (down to {figure(low)} at 95 %)" if row.unit == "points" else f" (up to {figure(high)} at 95 %)"


def signed_limit(row: BudgetRow) -> float:
    """A limit as a number; of a drop as the change that it allows.

    Example:
        >>> signed_limit(BudgetRow(budget="max_class_drop", limit=3, unit="points", verdict="kept"))
        -3
    """
    limit = limit_of(row.limit)
    return -limit if row.budget in ("max_class_drop", "max_group_drop") and limit else limit
