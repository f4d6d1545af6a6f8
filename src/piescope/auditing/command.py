"""What to type for an audit once more: all that was given and shapes its answers, files by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from os import PathLike, fspath
from typing import Any

from piescope.auditing.options import Asked, AuditOptions, Flag, GivenSide
from piescope.reading.files import shown

KIND = re.compile(r"[A-Za-z][\w-]+[:@]")
"""What a text begins with that names a model: ``onnx:``, ``WRN-16-2@``."""

DENIED = {"header": "--no-header"}
"""What says no to an option that is otherwise found out."""

SETTINGS = ("architecture", "size", "mean", "std", "scale", "channels")


class _UntypableError(Exception):
    """An array, or a model that is an object."""


def command_of(dense: GivenSide, compressed: GivenSide | None, asked: Asked) -> tuple[str, ...]:
    """Words of ``piescope audit`` that ask the same of the same files; where they lie they give the same answers.

    Folders are left out of absolute paths, as in all that a page says. Where to, and what is done with the verdict
    (``--out``, ``--strict``, ``--junit``), is no part of it.

    Args:
        dense: as the user gave it.
        compressed: likewise; None: copies of the other, or a column of its file.
        asked: all options.

    Returns:
        the words; empty where something was given that no command line has, as an array.

    Example:
        >>> command_of("a.csv", "/home/me/b 8.csv", Asked(labels="y.csv", values=("labels", "logits"), paired=True))
        ('piescope', 'audit', 'a.csv', 'b 8.csv', '--labels', 'y.csv', '--values', 'labels,logits', '--paired')
        >>> command_of([0, 1], [1, 1], Asked())
        ()
    """
    try:
        sides = [_named(side) for side in (dense, compressed) if side is not None]
        return ("piescope", "audit", *sides, *_of_options(asked), *_of_settings(asked), *_of_budgets(asked))
    except _UntypableError:
        return ()


def _named(given: Any) -> str:
    """A path or the text that names a model, its folders told where they are nobody's."""
    if not isinstance(given, str | PathLike):
        raise _UntypableError
    text = fspath(given)
    kind = KIND.match(text)
    start = kind[0] if kind is not None and "/" not in kind[0] else ""
    return start + shown(text[len(start) :])


def _of_options(asked: Asked) -> Iterator[str]:
    for option in fields(AuditOptions):
        flag, value = option.metadata.get("flag"), getattr(asked, option.name)
        if flag is None or value is None or (isinstance(value, int | float) and value == option.default):
            continue
        name = f"--{option.name.replace('_', '-')}"
        if flag.kind is bool or isinstance(value, bool):
            yield name if value else DENIED[option.name]
        else:
            yield from (name, _value(value, flag))
    if asked.dataset is not None:
        yield from ("--data", _named(asked.dataset))


def _value(value: Any, flag: Flag) -> str:
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if flag.split is not None:
        return ",".join(map(_quoted, (value,) if isinstance(value, str) else value))
    return _named(value)


def _quoted(name: str) -> str:
    """A name in a list of names, as the command reads it."""
    is_odd = "," in name or '"' in name or name != name.strip()
    return '"' + name.replace('"', '""') + '"' if is_odd else name


def _of_settings(asked: Asked) -> Iterator[str]:
    for name in SETTINGS:
        value = None if asked.settings is None else getattr(asked.settings, name)
        if value is None:
            continue
        if not isinstance(value, str):
            value = ("x" if name == "size" else ",").join(f"{number:.10g}" for number in value)
        yield from (f"--{name}", value)


def _of_budgets(asked: Asked) -> Iterator[str]:
    limits = {} if asked.limits is None else asked.limits.given
    for name, limit in limits.items():
        yield from (f"--{name.replace('_', '-')}", f"{limit}")
