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
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int64
from pydantic import AfterValidator, Field, ValidationError
from scipy import special

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

    def check(self, has_labels: bool, has_groups: bool) -> None:
        """Refuses, before any work, budgets that the inputs cannot answer.

        Args:
            has_labels: true labels are known.
            has_groups: there is a metadata file.

        Raises:
            InputError: a budget needs true labels or metadata, and there are none.
        """
        error = InputError("budgets")
        for name in self.given:
            if name != "max_changed" and not has_labels:
                cure = "give them (--labels FILE), or budget what needs none (max_changed)"
                error.add(name, "no true labels", "the true label of each example", cure)
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
    the one-sided 95 % upper bound is at the limit or below, so of what lies at the limit or beyond, at most 5 % of all
    samples say so. Else ``undecided``: it may well be kept, but this sample does not show it; the reason says how many
    examples would, if the observed value stayed as it is.

    - Shares: Clopper and Pearson's exact bound, over examples; the models are taken as they are.
    - ``max_class_drop``, ``max_group_drop``: every class (every value of every column) must be shown to lose no more
      than the limit, each at 5 %. As all must pass, no correction for their number is needed: the chance of a wrong
      ``kept`` is at most that of the class which lost too much (intersection-union). With one model a side bounds come
      from the examples lost and gained (`drop_bounds`). A class without any example is undecided.
    - ``equivalent_within``: two one-sided tests at 5 % (TOST): the 90 % interval of the change of accuracy lies within
      ± the limit; ``broken`` when the observed change does not. One model a side: `drop_bounds`.
    - Several models on a side: the audit's own 95 % intervals (over models and examples) are stretched or shrunk to
      those levels, by the ratio of Student's quantiles; of the freedoms that such an interval may have (models or
      examples, whichever are fewer, - 1, to infinitely many) the one with the longest result; and they reach no less
      far than those of as many examples without any flip. Where nothing varied between models there is no interval:
      then modal labels are counted, as for one model.

    Random: the examples; for classes, groups and accuracy of populations the models too. Assumed: examples are
    independent draws; near duplicates make bounds too narrow. With several models and few flips the t-interval is
    rough: in simulations "kept" was said in up to 6 % of samples at the limit.

    Args:
        audit: the content of an audit.json.
        budgets: what was allowed.
        of: names the copy, where an audit has several.

    Returns:
        one row a budget: ``budget``; ``limit`` as given; ``observed``; ``low`` and ``high``, the ends that the verdict
        was taken from (90 % two-sided; classes and groups: the largest lower and the largest upper bound of all), None
        where there are none; ``unit`` (``"%"``, ``"examples"``, ``"points"``); ``verdict``; ``reason``, a sentence;
        ``of``.

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
        "max_flips": lambda limit: _examples(
            limit, int(audit["flips"]["correct_to_wrong"]), audit, _dense_right(audit)
        ),
        "max_class_drop": lambda limit: _worst(limit, _units(audit, "classes"), "class", "classes"),
        "max_changed": lambda limit: _examples(limit, int(audit["changed"]), audit, int(audit["n_examples"])),
        "equivalent_within": lambda limit: _equivalent(limit, audit),
        "max_group_drop": lambda limit: _worst(limit, _units(audit, "groups"), "group", "groups"),
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
    """One line: name, verdict, observed value with its interval, limit, reason.

    Example:
        >>> audit = {"n_examples": 10_000, "changed": 240, "flips": None, "groups": []}
        >>> verdict_line(judge(audit, Budgets(max_changed="2%"))[0])
        'max_changed broken: 2.4 % [2.2, 2.7], limit 2 %; 240 of 10,000 examples'
    """
    name = f"{row['budget']} ({_name(row['of'])})" if row["of"] else row["budget"]
    limit, unit = _limit(row["limit"]), row["unit"]
    figure = _count if unit == "examples" else lambda value: _figure(value, limit)
    told = "nothing observed"
    if row["observed"] is not None:
        told = f"{figure(row['observed'])} {unit}"
        if row["low"] is not None and row["high"] is not None:
            told += f" [{figure(row['low'])}, {figure(row['high'])}]"
    sign = "±" if row["budget"] == "equivalent_within" else ""
    return f"{name} {row['verdict']}: {told}, limit {sign}{_plain(limit)} {unit}; {row['reason']}"


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
class _Unit:
    """A class or a group, and how much it lost.

    Attributes:
        name: of the class, or column and value.
        examples: how many it has.
        drop: what it lost, in points; negative where it gained.
        bounds: of the drop, given the one-sided level.
        flips: examples lost and gained, where the bounds come from them.
    """

    name: str
    examples: int
    drop: float
    bounds: _Bounds
    flips: tuple[int, int] | None


def _limit(limit: float | str) -> float:
    return float(limit.removesuffix("%")) if isinstance(limit, str) else limit


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


def _models(audit: Mapping[str, Any]) -> int:
    """Of the smaller of the sides that have several; 1: none has."""
    counts = (int(audit["inputs"][side]["n_models"]) for side in ("dense", "compressed"))
    return min((count for count in counts if count > 1), default=1)


def _is_one_to_one(audit: Mapping[str, Any]) -> bool:
    return all(int(audit["inputs"][side]["n_models"]) == 1 for side in ("dense", "compressed"))


def _stretch(level: float, fewest: int) -> float:
    """From half the length of a two-sided 95 % interval to that of a one-sided bound, never too short.

    The freedom of the interval is not told; it lies between ``fewest`` (models or examples) - 1 and infinity. The ratio
    of two t quantiles grows with the freedom where the bound is the nearer one, and falls where it is the farther one.
    """
    freedom = max(fewest - 1, 1)
    ratios = (
        special.ndtri(1 - level) / special.ndtri(0.975),
        special.stdtrit(freedom, 1 - level) / special.stdtrit(freedom, 0.975),
    )
    return float(max(ratios))


def _units(audit: Mapping[str, Any], table: str) -> list[_Unit]:
    """The rows of ``classes`` or ``groups``; drops are impacts with the sign turned."""
    one_to_one, models = _is_one_to_one(audit), _models(audit)
    units = []
    for row in audit[table]:
        name = _name(row["class"] if table == "classes" else f"{row['column']} = {row['value']}")
        examples, impact, low, high = int(row["examples"]), row["impact"], row["low"], row["high"]
        if not examples or impact is None:
            units.append(_Unit(name, 0, 0.0, _unknown, None))
            continue
        lost, gained = int(row["correct_to_wrong"]), int(row["wrong_to_correct"])
        bounds, flips = _bounds(one_to_one, models, (lost, gained, examples), (impact, low, high))
        units.append(_Unit(name, examples, _drop(lost, gained, examples) if one_to_one else -impact, bounds, flips))
    return units


def _drop(lost: int, gained: int, examples: int) -> float:
    """A quotient of whole numbers is rounded once, and so is a limit: what equals it is equal."""
    return 100 * (lost - gained) / examples


def _bounds(
    one_to_one: bool,
    models: int,
    counts: tuple[int, int, int],
    change: tuple[float, float | None, float | None],
) -> tuple[_Bounds, tuple[int, int] | None]:
    """The bounds of a drop, and the examples lost and gained if they come from those."""
    value, low, high = change
    if not one_to_one and low is not None and high is not None:
        return _stretched_bounds(value, low, high, models, counts[2]), None
    # no interval of a population: nothing varied between its models, so that modal labels tell all; or else unknown
    if one_to_one or abs(_drop(*counts) + value) <= _ROUNDING:
        return _counted_bounds(*counts), counts[:2]
    return _unknown, None


def _unknown(_: float) -> tuple[float, float]:
    return -100.0, 100.0


def _counted_bounds(lost: int, gained: int, examples: int) -> _Bounds:
    def bounds(level: float) -> tuple[float, float]:
        low, high = drop_bounds(lost, gained, examples, level)
        return float(low), float(high)

    return bounds


def _stretched_bounds(impact: float, low: float, high: float, models: int, examples: int) -> _Bounds:
    def bounds(level: float) -> tuple[float, float]:
        stretch = _stretch(level, min(models, examples))
        _, least = drop_bounds(0, 0, examples, level)
        lower = -impact - max(stretch * (high - impact), float(least))
        upper = -impact + max(stretch * (impact - low), float(least))
        return max(lower, -100.0), min(upper, 100.0)

    return bounds


def _worst(limit: float, units: Sequence[_Unit], one: str, many: str) -> _Judged:
    """A budget that each class, or each group, must keep."""
    there = [unit for unit in units if unit.examples]
    empty = [unit.name for unit in units if not unit.examples]
    if not there:
        return _Judged(None, None, None, "points", "undecided", f"no {one} has any example")
    bounds = [unit.bounds(LEVEL) for unit in there]
    worst_first = sorted(there, key=lambda unit: -unit.drop)
    worst = worst_first[0]
    drop, low, high = worst.drop, max(low for low, _ in bounds), max(high for _, high in bounds)
    over = [unit for unit in worst_first if unit.drop > limit + _ROUNDING]
    if over:
        told = _listed([f"{unit.name} lost {_figure(unit.drop, limit)}{_flips(unit)}" for unit in over])
        return _Judged(drop, low, high, "points", "broken", told)
    open_ones = [(unit, up) for unit, (_, up) in zip(there, bounds, strict=True) if up > limit + _ROUNDING]
    if not open_ones and not empty:
        told = f"worst: {worst.name}, {_figure(drop, limit)}; up to {_figure(high, limit)} fits for any {one}"
        return _Judged(drop, low, high, "points", "kept", told)
    reasons = []
    if open_ones:
        open_ones.sort(key=lambda pair: -pair[1])
        named = [_too_small(unit, up, limit, LEVEL) for unit, up in open_ones[:SHOWN]]
        too_small = _listed(named, len(open_ones))
        reasons.append(f"worst: {worst.name}, {_figure(drop, limit)}; too small to tell: {too_small}")
    if empty:
        reasons.append(f"{one if len(empty) == 1 else many} without any example: {_listed(empty)}")
    return _Judged(drop, low, high, "points", "undecided", "; ".join(reasons))


def _flips(unit: _Unit) -> str:
    if unit.flips is None:
        return f" ({unit.examples:,} {_example(unit.examples)})"
    lost, gained = unit.flips
    return f" ({lost:,} lost, {gained:,} gained of {unit.examples:,})"


def _too_small(unit: _Unit, high: float, limit: float, level: float) -> str:
    told = f"{unit.name} ({unit.examples:,} {_example(unit.examples)}, up to {_figure(high, limit)} fits; "
    if not unit.drop < limit - _ROUNDING:
        return told + "it is at the limit, so no number of examples would do)"
    if unit.flips is None:
        return told + "it takes more examples or models)"
    lost, gained = (count / unit.examples for count in unit.flips)

    def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
        _, high = drop_bounds(_whole(lost, sizes), _whole(gained, sizes), sizes, level)
        return np.asarray(high <= limit)

    return told + f"{_about(_enough(shown, unit.examples))} would do)"


def _equivalent(limit: float, audit: Mapping[str, Any]) -> _Judged:
    """TOST of the change of accuracy."""
    accuracy, flips, examples = audit["accuracy"], audit["flips"], int(audit["n_examples"])
    if not examples:
        return _Judged(None, None, None, "points", "undecided", "there are no examples")
    lost, gained = int(flips["correct_to_wrong"]), int(flips["wrong_to_correct"])
    one_to_one = _is_one_to_one(audit)
    change = -_drop(lost, gained, examples) if one_to_one else float(accuracy["change"])
    ends = accuracy["change_interval"] or (None, None)
    bounds, counted = _bounds(one_to_one, _models(audit), (lost, gained, examples), (change, *ends))
    smallest, largest = bounds(LEVEL)
    low, high = -largest, -smallest
    if abs(change) > limit + _ROUNDING:
        return _Judged(change, low, high, "points", "broken", f"on {examples:,} {_example(examples)}")
    if max(-low, high) <= limit + _ROUNDING:
        told = f"its 90 % interval lies within ±{_plain(limit)} (two one-sided tests at 5 %)"
        return _Judged(change, low, high, "points", "kept", told)
    farthest = _figure(low if -low > high else high, limit)
    why = f"{examples:,} {_few(examples)} to tell: observed {_figure(change, limit)}, but {farthest} fits with them; "
    if not abs(change) < limit - _ROUNDING:
        why += "as the observed change is at the limit no number of examples would do: budget a count of flips instead"
    elif counted is None:
        why += "it takes more examples or models"
    else:

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
        # halves away from zero, as the report does: 0.35 is 0.4 though its nearest binary number is a little less
        rounded = math.copysign(math.floor(round(abs(value) * 10**decimals, 6) + 0.5) / 10**decimals, value)
        text = f"{rounded:.{decimals}f}"
        if np.sign(float(text) - limit) == np.sign(value - limit):
            break
    return text.removeprefix("-") if float(text) == 0 else text


def _count(value: float) -> str:
    return f"{round(value):,}"


def _plain(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:.10g}"


def _name(name: str) -> str:
    """Fit for one line: names come from files."""
    printable = "".join(character if character.isprintable() else "?" for character in str(name))
    return printable if len(printable) <= LONGEST_NAME else printable[: LONGEST_NAME - 3] + "..."


def _listed(items: Sequence[str], total: int | None = None) -> str:
    more = (len(items) if total is None else total) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
