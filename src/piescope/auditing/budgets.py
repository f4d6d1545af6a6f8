"""How much may be lost? Budgets, and whether an audit keeps them, breaks them, or is too small to tell.

A verdict is about one of two things. A count ("at most 200 flips") is about these very examples, so it is a fact. A
share ("at most 2 %") or points ("no class loses more than 3") are about examples of this kind, of which these are a
sample: a small sample can fail to show that they are kept, and that is said instead of passed over.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int64
from pydantic import AfterValidator, Field, ValidationError
from scipy import special

from piescope import wording
from piescope.measure.flips import Counts, Shares, exact_share_interval
from piescope.problems import InputError
from piescope.spec import Spec

Verdict = Literal["kept", "broken", "undecided"]
Row = dict[str, Any]
Sizes = Int64[np.ndarray, " sizes"]

LEVEL = 0.05
"""How often "kept" may be said of what lies at the limit or beyond it."""

LARGEST_FILE = 1_000_000
SHOWN = 3
LONGEST_NAME = 40

# what rounding leaves between two means of the same examples, in percent or points; far below one example of a billion
_ROUNDING = 1e-9

# the sizes of samples that are proposed: two significant digits each, 10 to 990 million
_SIZES = np.array([digits * 10**zeros for zeros in range(8) for digits in range(10, 100)])

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

    @classmethod
    def of(cls, values: Mapping[str, Any], source: str = "budgets") -> Budgets:
        """Checked budgets from plain values, as TOML or Python has them; None is a budget that was not given.

        Args:
            values: by the names of the attributes.
            source: names the values in errors.

        Raises:
            InputError: with every fault found.
        """
        return _checked(values, source, lambda name: name)

    @classmethod
    def from_file(cls, path: Path) -> Budgets:
        """The table ``[budgets]`` of a TOML file.

        Raises:
            InputError: the file cannot be read or is no TOML, it has no budget or anything else, or one is wrong.
        """
        return _checked(_table(path), str(path), lambda name: f"budgets.{name}")

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


def _checked(values: Mapping[str, Any], source: str, where: Callable[[str], str]) -> Budgets:
    try:
        return Budgets(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as faults:
        error = InputError(source)
        # a value that is neither a count nor a share is one fault, not one for each
        wrong = {str(fault["loc"][0]): fault["type"] for fault in faults.errors(include_url=False)}
        for name, kind in wrong.items():
            if kind == "extra_forbidden":
                error.add_unknown(where(name), "budget", name, Budgets.model_fields)
            else:
                error.add(where(name), _shown(values[name]), _EXPECTED[name], _cure(name, values[name]))
        raise error from None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits
        return type(value).__name__


def _cure(name: str, value: Any) -> str:
    counts = _EXPECTED[name] == _COUNT_OR_SHARE
    if isinstance(value, float) and counts and 0 < value <= 100:
        return f'write "{value:g}%" if it is a share in percent, or a whole number of examples'
    if isinstance(value, str) and not counts and _SHARE.fullmatch(value):
        return f"write {value.replace('%', '').strip()}: it is in points already"
    if isinstance(value, str) and counts and value.isdecimal():
        return f"write {value} without quotes"
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
        with path.open("rb") as file:  # of a device or a pipe no size is known: read no more than there may be
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


def judge(audit: Mapping[str, Any], budgets: Budgets, of: str = "") -> list[Row]:
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
        audit: the content of an audit.json.
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
        >>> audit = {"n_examples": 200, "changed": 2, "flips": None, "groups": []}
        >>> by_share, by_count = (judge(audit, Budgets(max_changed=limit))[0] for limit in ("2%", 20))
        >>> by_share["verdict"], by_share["reason"]
        ('undecided', '200 examples are too few to tell: observed 1.0 %, but up to 3.1 % fits with them; about 590
        examples would do')
        >>> by_count["verdict"]
        'kept'
    """
    has_metadata = (audit.get("inputs") or {}).get("metadata") is not None
    budgets.check(has_labels=audit["flips"] is not None, has_groups=bool(audit["groups"]) or has_metadata)
    judged = {
        "max_flips": lambda limit: _flipped(limit, audit),
        "max_class_drop": lambda limit: _worst(limit, units(audit, "classes"), "class", "classes"),
        "max_changed": lambda limit: _relabelled(limit, audit),
        "equivalent_within": lambda limit: _equivalent(limit, audit),
        "max_group_drop": lambda limit: _worst(limit, units(audit, "groups"), "group", "groups"),
    }
    return [
        {"budget": name, "limit": limit, **judged[name](limit)._asdict(), "of": of}
        for name, limit in budgets.given.items()
    ]


def drop_bounds(lost: Counts, gained: Counts, examples: Counts, level: float) -> tuple[Shares, Shares]:
    """One-sided bounds of a drop, ``(lost - gained) / examples``, in percentage points.

    Clopper and Pearson's exact bounds of both shares, put together by squares:
    ``upper = drop + sqrt(a^2 + b^2 - 2 r a b)``, ``a`` from the share lost up to its bound, ``b`` from the share gained
    down to its own, ``r`` their correlation (no example is both). Where nothing was gained it is the exact bound of the
    share lost.

    A budget must not be called kept too often, also for few flips, where score bounds let pass too much: with the true
    drop at the limit of 0.5 to 10 points, 20 to 2,000 examples and up to 10 % gained, these bounds are below it in at
    most 5.0 % of samples at level 5 % (2.8 % on average), Tango's in up to 6.9 % (3.7 % on average).

    Args:
        lost: examples that went from right to wrong.
        gained: examples that went from wrong to right.
        examples: all of them, at least one.
        level: how often either bound may be on the wrong side, 0.05 say.

    Returns:
        ``(lower, upper)``, in the counts' shape, -100 to 100.

    Source: Zou and Donner 2008, https://doi.org/10.1002/sim.3095; Newcombe 1998 (method 10, which has Wilson's bounds),
    https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22%3C2635::AID-SIM954%3E3.0.CO;2-C.

    Example:
        >>> low, high = drop_bounds(np.array([0, 12]), np.array([0, 4]), np.array([300, 300]), level=0.05)
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([-0.99, 0.26], [0.99, 5.24])
    """
    return -_largest_drop(gained, lost, examples, level), _largest_drop(lost, gained, examples, level)


def _largest_drop(lost: Any, gained: Any, examples: Any, level: float) -> Any:
    share_lost, share_gained = 100 * np.asarray(lost) / examples, 100 * np.asarray(gained) / examples
    _, most_lost = exact_share_interval(lost, examples, 1 - 2 * level)
    least_gained, _ = exact_share_interval(gained, examples, 1 - 2 * level)
    more_lost, less_gained = most_lost - share_lost, share_gained - least_gained
    # of two shares of a multinomial; all examples lost, or all gained, leave nothing to vary together
    others = (100 - share_lost) * (100 - share_gained)
    correlation = -np.sqrt(share_lost * share_gained / np.where(others > 0, others, np.inf))
    reach = np.sqrt(more_lost**2 + less_gained**2 - 2 * correlation * more_lost * less_gained)
    return np.minimum(share_lost - share_gained + reach, 100.0)


def is_broken(rows: Iterable[Row], strict: bool = False) -> bool:
    """Whether a build should fail: a budget is broken or, if strict, undecided.

    Example:
        >>> rows = [{"verdict": "kept"}, {"verdict": "undecided"}]
        >>> is_broken(rows), is_broken(rows, strict=True)
        (False, True)
    """
    return any(row["verdict"] == "broken" or (strict and row["verdict"] == "undecided") for row in rows)


def verdict_line(row: Row) -> str:
    """One line: name, verdict, observed value with its one-sided 95 % bound, limit, reason.

    Example:
        >>> audit = {"n_examples": 10_000, "changed": 240, "flips": None, "groups": []}
        >>> verdict_line(judge(audit, Budgets(max_changed="2%"))[0])
        'max_changed broken: 2.4 % (up to 2.7 at 95 %), limit 2 %; 240 of 10,000 examples'
    """
    name = f"{row['budget']} ({wording.one_line(row['of'], LONGEST_NAME)})" if row["of"] else row["budget"]
    limit, unit = signed_limit(row), row["unit"]
    figure: Callable[[float], str] = _whole_number if unit == "examples" else lambda value: _figure(value, limit)
    told = "nothing observed"
    if row["observed"] is not None:
        told = f"{figure(row['observed'])} {unit}{_bound(row, figure)}"
    sign = "±" if row["budget"] == "equivalent_within" else ""
    return f"{name} {row['verdict']}: {told}, limit {sign}{_plain(limit)} {unit}; {row['reason']}"


def _bound(row: Row, figure: Callable[[float], str]) -> str:
    """The one-sided bound that a budget is about; both of them, where it is about either side."""
    low, high = row["low"], row["high"]
    if low is None or high is None or row["unit"] == "examples":
        return ""
    if row["budget"] == "equivalent_within":
        return f" ({figure(low)} to {figure(high)} at 95 % each)"
    return f" (down to {figure(low)} at 95 %)" if row["unit"] == "points" else f" (up to {figure(high)} at 95 %)"


def signed_limit(row: Row) -> float:
    """A limit as a number; of a drop as the change that it allows.

    Example:
        >>> signed_limit({"budget": "max_class_drop", "limit": 3}), signed_limit({"budget": "max_flips", "limit": "2%"})
        (-3, 2.0)
    """
    limit = _limit(row["limit"])
    return -limit if row["budget"] in ("max_class_drop", "max_group_drop") and limit else limit


_Bounds = Callable[[float], tuple[float, float]]
"""Of a drop, given the one-sided level."""


class _Judged(NamedTuple):
    observed: float | None
    low: float | None
    high: float | None
    unit: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Unit:
    """A class or a group, and how much it lost.

    Attributes:
        name: of the class, or column and value.
        examples: how many it has.
        drop: what it lost, in points; negative where it gained.
        bounds: of the drop, given the one-sided level.
        flips: examples lost and gained, where the bounds come from them.
        by_seeds: seeds alone may have done it: only what they do not explain breaks a budget.
    """

    name: str
    examples: int
    drop: float
    bounds: _Bounds
    flips: tuple[int, int] | None
    by_seeds: bool = False

    def is_beyond(self, limit: float, tests: int) -> bool:
        """Whether it lost more than a limit, and more than seeds alone explain (at 5 % over so many tests)."""
        return self.drop > limit + _ROUNDING and not (self.by_seeds and self.bounds(LEVEL / tests)[0] <= 0)


def _limit(limit: float | str) -> float:
    return float(limit.removesuffix("%")) if isinstance(limit, str) else limit


def _flipped(limit: float | str, audit: Mapping[str, Any]) -> _Judged:
    flips = audit["flips"]
    if audit.get("seeds") is not None:
        return _of_pairs(limit, audit, "correct_to_wrong", flips["correct_to_wrong_share"], "lost")
    return _examples(limit, int(flips["correct_to_wrong"]), audit, _dense_right(audit))


def _relabelled(limit: float | str, audit: Mapping[str, Any]) -> _Judged:
    if audit.get("seeds") is not None:
        return _of_pairs(limit, audit, "changed", audit["changed_share"], "changed")
    return _examples(limit, int(audit["changed"]), audit, int(audit["n_examples"]))


def _of_pairs(limit: float | str, audit: Mapping[str, Any], kind: str, share: Mapping[str, Any], verb: str) -> _Judged:
    """A budget of examples where they are means over pairs of models: beyond what the dense models' seeds do."""
    seeds, examples = audit["seeds"], int(audit["n_examples"])
    unit, whole = ("%", 100.0) if isinstance(limit, str) else ("examples", float(examples))
    if not examples:
        return _Judged(None, None, None, unit, "undecided", "there are no examples")
    found, has_seeds = seeds[kind], seeds["side"] == "dense"
    told = f"{wording.number(found['observed'])} of {examples:,} {_example(examples)} {verb}, mean over pairs of models"
    value = whole * (found["excess"] if has_seeds else found["observed"]) / examples
    if has_seeds:
        told += f", of which {wording.number(found['floor'])} by seeds alone; judged is the rest"
        error, freedom = found["error"], found["freedom"]
    else:
        told += f"; the compressed models differ by {wording.number(found['floor'])} among each other"
        error, freedom = share["error"], share["freedom"]
        error = None if error is None else error * examples / 100
    if error is None and seeds["why_not"] and has_seeds:
        return _Judged(value, None, None, unit, "undecided", f"{told}; {seeds['why_not']}")
    least = float(drop_bounds(0, 0, examples, LEVEL)[1]) / 100
    spread = 0.0 if error is None else _quantile(LEVEL, freedom) * error / examples
    reach = whole * max(spread, least)
    low, high = value - reach, value + reach
    allowed = _limit(limit)
    if high <= allowed + _ROUNDING:
        return _Judged(value, low, high, unit, "kept", told)
    if value > allowed + _ROUNDING and not (has_seeds and low <= 0):
        return _Judged(value, low, high, unit, "broken", told)
    figure: Callable[[float], str] = _whole_number if unit == "examples" else lambda each: _figure(each, allowed)
    why = "more models or examples would tell" if value < allowed else "no more than seeds alone can do"
    return _Judged(value, low, high, unit, "undecided", f"{told}; up to {figure(high)} fits; {why}")


def _examples(limit: float | str, found: int, audit: Mapping[str, Any], could: int) -> _Judged:
    """A budget of examples: a count or a share.

    Args:
        limit: as given.
        found: examples that flipped or changed.
        audit: for the number of examples.
        could: examples that could have.
    """
    examples = int(audit["n_examples"])
    if not examples:
        unit = "%" if isinstance(limit, str) else "examples"
        return _Judged(None, None, None, unit, "undecided", "there are no examples")
    low, high = (float(end) for end in exact_share_interval(found, examples, 1 - 2 * LEVEL))
    if not isinstance(limit, str):
        low, high = low * examples / 100, high * examples / 100
        if could <= limit:
            told = f"only {could:,} of {examples:,} examples could have, so that it could not have been broken"
            return _Judged(found, low, high, "examples", "undecided", f"{told}: take a lower limit, or a share")
        verdict: Verdict = "broken" if found > limit else "kept"
        return _Judged(found, low, high, "examples", verdict, f"counted on these {examples:,} {_example(examples)}")
    allowed = _limit(limit)
    share = _drop(found, 0, examples)
    of_all = f"{found:,} of {examples:,} examples"
    if share > allowed:
        return _Judged(share, low, high, "%", "broken", of_all)
    if high <= allowed:
        return _Judged(share, low, high, "%", "kept", f"{of_all}; up to {_figure(high, allowed)} % fits with them")
    why = (
        f"{examples:,} {_few(examples)} to tell: observed {_figure(share, allowed)} %, "
        f"but up to {_figure(high, allowed)} % fits with them; "
    )
    if share == allowed:
        why += "as the observed share is at the limit no number of examples would do: budget a count instead"
    else:
        why += f"{_about(_enough_for_share(share, allowed, examples))} would do"
    return _Judged(share, low, high, "%", "undecided", why)


def _dense_right(audit: Mapping[str, Any]) -> int:
    """Examples that could flip: those that the dense side has right."""
    examples, accuracy = int(audit["n_examples"]), audit["accuracy"]
    return examples if accuracy is None else round(accuracy["dense_modal"] * examples / 100)


def _is_one_to_one(audit: Mapping[str, Any]) -> bool:
    return all(int(audit["inputs"][side]["n_models"]) == 1 for side in ("dense", "compressed"))


def _quantile(level: float, freedom: float) -> float:
    """How many standard errors a one-sided bound lies off."""
    return float(special.stdtrit(freedom, 1 - level))


def units(audit: Mapping[str, Any], table: Literal["classes", "groups"]) -> list[Unit]:
    """The rows of ``classes`` or ``groups``; drops are impacts with the sign turned.

    Example:
        >>> row = {"class": "cat", "examples": 50, "impact": -4.0, "correct_to_wrong": 3, "wrong_to_correct": 1}
        >>> inputs = {"dense": {"n_models": 1}, "compressed": {"n_models": 1}}
        >>> (cat,) = units({"classes": [row], "inputs": inputs}, "classes")
        >>> cat.drop, round(cat.bounds(0.05)[1], 1)
        (4.0, 13.1)
    """
    one_to_one, by_seeds = _is_one_to_one(audit), _has_seeds(audit)
    found = []
    for row in audit[table]:
        name = wording.one_line(
            row["class"] if table == "classes" else f"{row['column']} = {row['value']}", LONGEST_NAME
        )
        examples, impact = int(row["examples"]), row["impact"]
        if not examples or impact is None:
            found.append(Unit(name, 0, 0.0, _unknown, None))
            continue
        lost, gained = row["correct_to_wrong"], row["wrong_to_correct"]
        bounds, flips = _bounds(one_to_one, (lost, gained, examples), impact, row.get("error"), row.get("freedom"))
        drop = _drop(lost, gained, examples) if one_to_one else -impact
        found.append(Unit(name, examples, drop, bounds, flips, by_seeds))
    return found


def _has_seeds(audit: Mapping[str, Any]) -> bool:
    """Whether dense models tell what seeds alone do to a comparison of one model with one."""
    return audit.get("seeds") is not None and audit["seeds"]["side"] == "dense"


def _drop(lost: float, gained: float, examples: int) -> float:
    """A quotient of whole numbers is rounded once, and so is a limit: what equals it is equal."""
    return 100 * (lost - gained) / examples


def _bounds(
    one_to_one: bool, counts: tuple[float, float, int], impact: float, error: float | None, freedom: float | None
) -> tuple[_Bounds, tuple[int, int] | None]:
    """The bounds of a drop, and the examples lost and gained if they come from those."""
    if not one_to_one and error is not None and freedom is not None:
        return _t_bounds(impact, error, freedom, counts[2]), None
    # no interval of a population: nothing varied between its models, so that modal labels tell all; or else unknown
    lost, gained = round(counts[0]), round(counts[1])
    if one_to_one or ((lost, gained) == counts[:2] and abs(_drop(*counts) + impact) <= _ROUNDING):
        return _counted_bounds(lost, gained, counts[2]), (lost, gained)
    return _unknown, None


def _unknown(_: float) -> tuple[float, float]:
    return -100.0, 100.0


def _counted_bounds(lost: int, gained: int, examples: int) -> _Bounds:
    return partial(_bounds_of_counts, lost, gained, examples)


@lru_cache(maxsize=4096)  # of a thousand classes most have the counts of some other
def _bounds_of_counts(lost: int, gained: int, examples: int, level: float) -> tuple[float, float]:
    low, high = drop_bounds(lost, gained, examples, level)
    return float(low), float(high)


def _t_bounds(impact: float, error: float, freedom: float, examples: int) -> _Bounds:
    def bounds(level: float) -> tuple[float, float]:
        _, least = drop_bounds(0, 0, examples, level)
        reach = max(_quantile(level, freedom) * error, float(least))
        return max(-impact - reach, -100.0), min(-impact + reach, 100.0)

    return bounds


def _worst(limit: float, units: Sequence[Unit], one: str, many: str) -> _Judged:
    """A budget that each class, or each group, must keep."""
    there = [unit for unit in units if unit.examples]
    empty = [unit.name for unit in units if not unit.examples]
    if not there:
        return _Judged(None, None, None, "points", "undecided", f"no {one} has any example")
    bounds = [unit.bounds(LEVEL) for unit in there]
    worst_first = sorted(there, key=lambda unit: -unit.drop)
    worst = worst_first[0]
    drop, low, high = worst.drop, max(low for low, _ in bounds), max(high for _, high in bounds)
    judged = -drop + 0.0, -high + 0.0, -low + 0.0, "points"  # as changes; + 0.0: no negative zero
    over = [unit for unit in worst_first if unit.is_beyond(limit, len(there))]
    if over:
        told = _listed([f"{unit.name} {_figure(-unit.drop, -limit)}{_flips(unit)}" for unit in over])
        return _Judged(*judged, "broken", told)
    open_ones = [(unit, up) for unit, (_, up) in zip(there, bounds, strict=True) if up > limit + _ROUNDING]
    worst_told = f"worst: {worst.name}, {_figure(-drop, -limit)}"
    if not open_ones and not empty:
        return _Judged(*judged, "kept", f"{worst_told}; down to {_figure(-high, -limit)} fits for any {one}")
    reasons = []
    if open_ones:
        open_ones.sort(key=lambda pair: -pair[1])
        named = [_too_small(unit, up, limit, LEVEL) for unit, up in open_ones[:SHOWN]]
        too_small = _listed(named, len(open_ones))
        reasons.append(f"{worst_told}; too small to tell: {too_small}")
    if empty:
        reasons.append(f"{one if len(empty) == 1 else many} without any example: {_listed(empty)}")
    return _Judged(*judged, "undecided", "; ".join(reasons))


def _flips(unit: Unit) -> str:
    if unit.flips is None:
        return f" ({unit.examples:,} {_example(unit.examples)})"
    lost, gained = unit.flips
    return f" ({lost:,} lost, {gained:,} gained of {unit.examples:,})"


def _too_small(unit: Unit, high: float, limit: float, level: float) -> str:
    told = f"{unit.name} ({unit.examples:,} {_example(unit.examples)}, down to {_figure(-high, -limit)} fits; "
    if unit.by_seeds and unit.drop > limit - _ROUNDING:
        return told + "seeds alone may have done it)"
    if not unit.drop < limit - _ROUNDING:
        return told + "it is at the limit, so no number of examples would do)"
    if unit.flips is None:
        return told + "it takes more examples or models)"
    return told + f"{_about(enough_for_drop(unit, limit, level))} would do)"


def enough_for_drop(unit: Unit, limit: float, level: float = LEVEL) -> int | None:
    """How many examples would show that a drop is within a limit, if the shares lost and gained stayed as they are.

    Args:
        unit: a class or a group whose bounds come from its flips, with a drop below the limit.
        limit: points.
        level: of the one-sided bound.

    Returns:
        None: more than are proposed, or bounds that do not come from flips.
    """
    return None if unit.flips is None else _enough_for_counts(*unit.flips, unit.examples, limit, level)


@lru_cache(maxsize=4096)
def _enough_for_counts(lost: int, gained: int, examples: int, limit: float, level: float) -> int | None:
    def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
        _, high = drop_bounds(_whole(lost / examples, sizes), _whole(gained / examples, sizes), sizes, level)
        return np.asarray(high <= limit)

    return _enough(shown, examples)


def whole(audit: Mapping[str, Any]) -> Unit:
    """All examples as one class: the change of accuracy, as a drop with its bounds.

    Example:
        >>> flips = {"correct_to_wrong": 3, "wrong_to_correct": 1}
        >>> inputs = {"dense": {"n_models": 1}, "compressed": {"n_models": 1}}
        >>> audit = {"n_examples": 200, "accuracy": {"change": -1.0}, "flips": flips, "inputs": inputs}
        >>> whole(audit).drop, round(whole(audit).bounds(0.05)[1], 1)
        (1.0, 3.4)
    """
    accuracy, flips, examples = audit["accuracy"], audit["flips"], int(audit["n_examples"])
    lost, gained = flips["correct_to_wrong"], flips["wrong_to_correct"]
    one_to_one, change = _is_one_to_one(audit), float(accuracy["change"])
    error, freedom = accuracy.get("change_error"), accuracy.get("change_freedom")
    bounds, counted = _bounds(one_to_one, (lost, gained, examples), change, error, freedom)
    drop = _drop(lost, gained, examples) if one_to_one else -change
    return Unit("accuracy", examples, drop, bounds, counted, _has_seeds(audit))


def _equivalent(limit: float, audit: Mapping[str, Any]) -> _Judged:
    """TOST of the change of accuracy."""
    examples = int(audit["n_examples"])
    if not examples:
        return _Judged(None, None, None, "points", "undecided", "there are no examples")
    all_of = whole(audit)
    smallest, largest = all_of.bounds(LEVEL)
    change, low, high = -all_of.drop + 0.0, -largest, -smallest
    is_beyond_seeds = not all_of.by_seeds or smallest > 0 or largest < 0
    if abs(change) > limit + _ROUNDING and is_beyond_seeds:
        return _Judged(change, low, high, "points", "broken", f"on {examples:,} {_example(examples)}")
    if max(-low, high) <= limit + _ROUNDING:
        told = f"both bounds lie within ±{_plain(limit)} (two one-sided tests at 5 %)"
        return _Judged(change, low, high, "points", "kept", told)
    farthest = _figure(low if -low > high else high, limit)
    why = f"{examples:,} {_few(examples)} to tell: observed {_figure(change, limit)}, but {farthest} fits with them; "
    if not is_beyond_seeds and abs(change) > limit - _ROUNDING:
        why += "seeds alone may have done it"
    elif not abs(change) < limit - _ROUNDING:
        why += "as the observed change is at the limit no number of examples would do: budget a count of flips instead"
    elif all_of.flips is None:
        why += "it takes more examples or models"
    else:
        lost, gained = all_of.flips

        def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
            low, high = drop_bounds(_whole(lost / examples, sizes), _whole(gained / examples, sizes), sizes, LEVEL)
            return np.asarray((-low <= limit) & (high <= limit))

        why += f"{_about(_enough(shown, examples))} would do"
    return _Judged(change, low, high, "points", "undecided", why)


def _enough_for_share(share: float, allowed: float, examples: int) -> int | None:
    """How many examples would show that the share is allowed, if it stayed as it is."""

    def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
        _, high = exact_share_interval(_whole(share / 100, sizes), sizes, 1 - 2 * LEVEL)
        return np.asarray(high <= allowed)

    return _enough(shown, examples)


def _whole(rate: float, sizes: Sizes) -> Sizes:
    return np.rint(rate * sizes).astype(np.int64)


def _enough(shown: Callable[[Sizes], Bool[np.ndarray, " sizes"]], examples: int) -> int | None:
    """The smallest sample from which on the limit would be shown to be kept; None beyond the largest.

    Whole counts make bounds rise and fall a little from size to size: from which on, not at which for once.
    """
    larger = _SIZES[np.searchsorted(_SIZES, examples, side="right") :]
    if not len(larger):
        return None
    # coarsely first: quantiles of the beta distribution are slow for large counts
    coarse = np.append(np.arange(0, len(larger), 30), len(larger) - 1)
    failed = np.flatnonzero(~shown(larger[coarse]))
    last = int(failed[-1]) if failed.size else 0
    if failed.size and last == len(coarse) - 1:
        return None
    between = larger[coarse[last] : coarse[last + 1] + 1]  # the end of it is shown
    failed = np.flatnonzero(~shown(between))
    return int(between[failed[-1] + 1 if failed.size else 0])


def _about(size: int | None) -> str:
    return f"{f'more than {_SIZES[-1]:,}' if size is None else f'about {size:,}'} examples"


def _example(examples: int) -> str:
    return "example" if examples == 1 else "examples"


def _few(examples: int) -> str:
    return f"{_example(examples)} {'is' if examples == 1 else 'are'} too few"


def _figure(value: float, limit: float) -> str:
    """With one decimal, or as many as it takes to be seen on its side of the limit."""
    for decimals in range(1, 7):
        rounded = math.copysign(wording.halves_up(abs(value), decimals), value)
        if np.sign(rounded - limit) == np.sign(value - limit):
            break
    return wording.number(value, decimals)


def _whole_number(value: float) -> str:
    return wording.number(value, 0)


def _plain(limit: float) -> str:
    told = f"{limit:,}" if isinstance(limit, int) else f"{limit:.10g}"
    return told.replace("-", wording.MINUS)


def _listed(items: Sequence[str], total: int | None = None) -> str:
    more = (len(items) if total is None else total) - SHOWN
    return wording.listed([*items[:SHOWN], *([f"{more:,} more"] if more > 0 else [])])
