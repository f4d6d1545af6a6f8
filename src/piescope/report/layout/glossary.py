"""What each word of a page means, and what its numbers cannot say: texts of a glossary.toml, where they concern it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

from piescope.spec import Spec


class Word(Spec):
    """A word of a glossary.toml, or without a term a limit; ``needs``: what there must (after "no": must not) be."""

    term: str = ""
    meaning: str
    needs: str = ""

    def concerns(self, has: Mapping[str, bool]) -> bool:
        """Whether it is shown."""
        return not self.needs or has[self.needs.removeprefix("no ")] != self.needs.startswith("no ")

    def said(self, facts: Mapping[str, object]) -> str:
        """Filled in."""
        return " ".join(self.meaning.split()).format(**facts)


@cache
def words(room: str, part: Literal["words", "limits"] = "words") -> tuple[Word, ...]:
    """All words of ``report/study`` or ``report/audit``, or all limits, in the order of reading."""
    path = resources.files("piescope.report") / room / "glossary.toml"
    return tuple(map(Word.model_validate, tomllib.loads(path.read_text(encoding="utf-8"))[part]))


def meanings(room: str, has: Mapping[str, bool], facts: Mapping[str, object]) -> dict[str, str]:
    """Words and their meanings, filled in.

    Args:
        room: whose words.
        has: of every need whether it is met.
        facts: what stands for each name in curly brackets.
    """
    return {word.term: word.said(facts) for word in words(room) if word.concerns(has)}


def limits(room: str, has: Mapping[str, bool], facts: Mapping[str, object]) -> list[str]:
    """What the numbers of a page cannot say; arguments as `meanings`."""
    return [word.said(facts) for word in words(room, "limits") if word.concerns(has)]
