"""What is wrong with an input: where, what was found, what was expected, and the cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Self

from piescope.wording import LONGEST_PART, printable

CLOSE = 0.65
"""How alike names are of which one may be meant for the other: 'digitz' for 'digits', not 'wanda' for 'random'."""

BEGINNING = 4
"""Letters by which a shorter name may be meant for a longer one: 'probs' for 'probabilities', or its last word."""

LONGEST_EXPECTED, LONGEST_CURE = 300, 600
"""Characters: there may be a list of classes in what was expected, and a line to type in the cure."""


@dataclass(frozen=True)
class Problem:
    """One fault.

    Attributes:
        where: the key's path, ``pruning.gmp.supervised.end``.
        found: what stands there.
        expected: what should.
        cure: what to do.
    """

    where: str
    found: str
    expected: str
    cure: str


class InputError(Exception):
    """All faults of an input at once. Not a ValueError: pydantic would wrap it and lose its parts.

    Attributes:
        source: the file, or what else it was.
        problems: each fault: ``where``, ``found``, ``expected``, ``cure``.

    Example:
        >>> print(InputError.of("study.toml", "sparsities", "90", "a fraction below 1", "write 0.9 for 90 %"))
        study.toml: sparsities
          found     90
          expected  a fraction below 1
          cure      write 0.9 for 90 %
    """

    source: str
    problems: list[Problem]

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = printable(source)
        self.problems = []

    @classmethod
    def of(cls, source: str, where: str, found: str, expected: str, cure: str) -> Self:
        """With one fault: ``raise InputError.of(...)``. The arguments are those of `Problem`."""
        error = cls(source)
        error.add(where, found, expected, cure)
        return error

    @classmethod
    def of_unknown(cls, source: str, where: str, what: str, found: str, known: Iterable[str]) -> Self:
        """With one name that does not exist; see `add_unknown`."""
        error = cls(source)
        error.add_unknown(where, what, found, known)
        return error

    def add(self, where: str, found: str, expected: str, cure: str) -> None:
        """Notes a fault; what of it comes from outside may be anything, and is made printable and cut."""
        self.problems.append(
            Problem(
                where=printable(where, LONGEST_PART) or repr(where),
                found=printable(found, LONGEST_PART) or "nothing",
                expected=printable(expected, LONGEST_EXPECTED),
                cure=printable(cure, LONGEST_CURE),
            )
        )

    def add_unknown(self, where: str, what: str, found: str, known: Iterable[str], cure: str = "") -> None:
        """Notes a name that does not exist, with a cure, or the closest that do."""
        names = list(known)
        close = get_close_matches(found, names, n=1, cutoff=CLOSE)
        if not close and len(found) >= BEGINNING:
            close = [name for name in names if name[:BEGINNING] == found[:BEGINNING] or name.endswith(f" {found}")]
        cure = cure or (f"did you mean {close[0]!r}?" if close else "take one of those")
        self.add(where, f"unknown {what} {printable(repr(found), LONGEST_PART)}", "", cure)
        self.problems[-1] = replace(
            self.problems[-1], expected="one of: " + printable(", ".join(names))
        )  # all, however many

    def merge_alternatives(self) -> None:
        """Makes one fault of several at one place that expect one thing or another."""
        merged: dict[tuple[str, str], Problem] = {}
        for problem in self.problems:
            place = problem.where, problem.found
            first = merged.get(place)
            merged[place] = (
                problem if first is None else replace(first, expected=f"{first.expected} or {problem.expected}")
            )
        self.problems = list(merged.values())

    def __bool__(self) -> bool:
        return bool(self.problems)

    def raise_if_any(self) -> None:
        """Raises itself if a fault was noted."""
        if self.problems:
            raise self

    def __str__(self) -> str:
        return "\n".join(
            f"{self._place(problem)}\n  found     {problem.found}\n"
            f"  expected  {problem.expected}\n  cure      {problem.cure}"
            for problem in self.problems
        )

    def _place(self, problem: Problem) -> str:
        """What is wrong with a file as a whole stands nowhere else in it."""
        return self.source if problem.where == self.source else f"{self.source}: {problem.where}"


class StudyError(InputError):
    """Faults of a study, of a folder that should hold one, or of what names it."""

    def __init__(self, source: str = "study") -> None:
        super().__init__(source)


class DataError(InputError):
    """Faults of a data set: missing, damaged, or not what the study says."""
