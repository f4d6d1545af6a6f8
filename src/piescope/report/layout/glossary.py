"""What each word of a page means: texts of a glossary.toml, shown where there is what they are about."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from piescope.spec import Spec


class Word(Spec):
    """A word of a glossary.toml; ``needs``: what there must be for it to be shown."""

    term: str
    meaning: str
    needs: str = ""


@cache
def words(room: str) -> tuple[Word, ...]:
    """All words of ``report/study`` or ``report/audit``, in the order of reading."""
    path = resources.files("piescope.report") / room / "glossary.toml"
    return tuple(map(Word.model_validate, tomllib.loads(path.read_text(encoding="utf-8"))["words"]))


def meanings(room: str, has: Mapping[str, bool], facts: Mapping[str, object]) -> dict[str, str]:
    """Words and their meanings, filled in.

    Args:
        room: whose words.
        has: of every need whether it is met.
        facts: what stands for each name in curly brackets.
    """
    shown = (word for word in words(room) if not word.needs or has[word.needs])
    return {word.term: " ".join(word.meaning.split()).format(**facts) for word in shown}
