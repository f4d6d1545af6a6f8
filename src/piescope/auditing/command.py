"""What to type for an audit once more: all that was given and shapes its answers, files by their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from piescope.auditing.options import Asked, AuditOptions, Flag, GivenSide
from piescope.wording import printable

KIND = re.compile(r"[A-Za-z][\w-]+[:@]")
"""What a text begins with that names a model: ``onnx:``, ``WRN-16-2@``."""

DENIED = {"header": "--no-header"}
"""What says no to an option that is otherwise found out."""

SETTINGS = ("architecture", "size", "mean", "std", "scale", "channels")


class _UntypableError(Exception):
    """An array, or a model that is an object."""


def command_of(dense: GivenSide, compressed: GivenSide | None, asked: Asked) -> tuple[str, ...]:
    """Words of ``piescope audit`` that ask the same of the same files; where they lie they give the same answers.

    Folders are left out of paths that do not lead down from where it was asked, as in all that a page says, but for the
    last one where that tells files apart: then it is to be typed in the folder that has them all. Where to, and what is
    done with the verdict (``--out``, ``--strict``, ``--junit``), is no part of it.

    Args:
        dense: as the user gave it.
        compressed: likewise; None: copies of the other, or a column of its file.
        asked: all options.

    Returns:
        the words; empty where something was given that no command line has, as an array, or a name that cannot be
        typed, or a path that leads up, or where it would take more than one folder to tell files apart.

    Example:
        >>> command_of("a.csv", "/home/me/b 8.csv", Asked(labels="y.csv", values=("labels", "logits"), paired=True))
        ('piescope', 'audit', 'a.csv', 'b 8.csv', '--labels', 'y.csv', '--values', 'labels,logits', '--paired')
        >>> command_of("/runs/fp32/preds.csv", "/runs/int8/preds.csv", Asked(labels="/runs/labels.csv"))
        ('piescope', 'audit', 'fp32/preds.csv', 'int8/preds.csv', '--labels', 'labels.csv')
        >>> command_of([0, 1], [1, 1], Asked())
        ()
    """
    are_paths = isinstance(dense, str | PathLike) and isinstance(compressed, str | PathLike)
    is_one_table = are_paths and dense == compressed and not isinstance(asked.prediction_column, str | None)
    sides = (dense,) if compressed is None or is_one_table else (dense, compressed)
    try:
        words = [*map(_named, sides), *_of_options(asked), *_of_settings(asked), *_of_budgets(asked)]
        return ("piescope", "audit", *_from_one_folder(words))
    except _UntypableError:
        return ()


@dataclass(frozen=True)
class _File:
    """A path among the words, with what stands before it: ``onnx:``."""

    before: str
    path: Path


def _from_one_folder(words: Sequence[str | _File]) -> Iterator[str]:
    """The words, paths as they are told: by their names, and the last folder where that is what tells files apart."""
    files = {word.path for word in words if isinstance(word, _File)}
    if any(".." in path.parts for path in files):  # where it is typed again there may be others of that name
        raise _UntypableError
    told = {path: path if _leads_down(path) else Path(path.name) for path in files}
    if len(set(told.values())) < len(told):
        whole = {path: Path(os.path.abspath(path)) for path in files}  # noqa: PTH100 - no links are followed
        folder = os.path.commonpath([path.parent for path in whole.values()])
        told = {path: whole[path].relative_to(folder) for path in files}
        if any(len(path.parts) > 2 for path in told.values()):
            raise _UntypableError
    for word in words:
        if isinstance(word, str):
            yield word
            continue
        text = told[word.path].as_posix()
        if printable(text, len(text) + 1) != text:
            raise _UntypableError
        is_taken_for_another = not word.before and (text.startswith("-") or KIND.match(text) is not None)
        yield word.before + ("./" + text if is_taken_for_another else text)


def _leads_down(path: Path) -> bool:
    return not path.is_absolute() and ".." not in path.parts


def _named(given: Any) -> _File:
    """A path, or the text that names a model."""
    if not isinstance(given, str | PathLike):
        raise _UntypableError
    text = fspath(given)
    kind = KIND.match(text)
    start = kind[0] if kind is not None else ""
    return _File(start, Path(text[len(start) :]))


def _of_options(asked: Asked) -> Iterator[str | _File]:
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


def _value(value: Any, flag: Flag) -> str | _File:
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
