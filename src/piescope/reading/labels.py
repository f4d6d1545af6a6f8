"""Classes: how several files come to speak of the same ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from piescope.problems import InputError
from piescope.reading.codes import LONGEST_NAME, MOST_CLASSES, SIGNS
from piescope.reading.files import check_regular, fault
from piescope.wording import LONGEST_PART, printable

MOST_BYTES = 2**24
"""Of a file with class names."""

FLAG = "--classes"

COUNT_FROM_0 = (
    "count classes from 0, in the order of the names: if ids count from 1, subtract 1; or write names; or give all "
    "classes, in order of their ids: --classes FILE"
)


@dataclass(frozen=True)
class Classes:
    """The classes that all files speak of.

    Attributes:
        names: by class id.
        are_named: the names are the user's; else they are the ids.
        are_numbers: the names are numbers, and ids of labels are these, no places among the classes.
    """

    names: tuple[str, ...]
    are_named: bool
    are_numbers: bool = False

    @property
    def count(self) -> int:
        """Number of classes."""
        return len(self.names)

    def table(self, names: Sequence[str] | None, source: str, where: str, are_labels: bool = True) -> np.ndarray | None:
        """What each code of a file is among all classes; None where they are the same.

        Raises:
            InputError: the file names a class that nobody else knows.
        """
        if names is None and self.are_numbers and are_labels:
            numbers = [int(name) for name in self.names]
            places = np.zeros(max(numbers) + 1, np.int32)
            places[numbers] = np.arange(len(numbers))
            return places
        if names is None or tuple(names) == self.names:
            return None
        index = {name: place for place, name in enumerate(self.names)}
        unknown = [name for name in names if name not in index]
        if unknown:
            near = get_close_matches(unknown[0], self.names, 1, 0.5)
            known = [printable(name, LONGEST_PART) for name in dict.fromkeys((*near, *self.names[:20]))]
            what = "class name" if len(unknown) == 1 else f"class names ({len(unknown)}), the first"
            raise InputError.of_unknown(source, where, what, unknown[0], known)
        return np.array([index[name] for name in names], np.int32)


def resolve_classes(
    labelled: Mapping[str, Sequence[str] | None],
    scored: Mapping[str, tuple[Sequence[str] | None, int]],
    largest_id: int,
    explicit: Sequence[str] | None,
) -> Classes:
    """One list of classes for all files.

    The names are those given, else those of the score columns, else all that occur as labels, sorted; ids where nobody
    has names.

    Args:
        labelled: names that occur as labels in each file; None: it has ids.
        scored: names and number of the score columns of each file; names None: columns without names.
        largest_id: the largest class id in any file; -1: none.
        explicit: ``--classes``.

    Raises:
        InputError: files that disagree in the number of classes or in their names, or names in one and ids in another.

    Example:
        >>> resolve_classes({"a.csv": ["dog", "cat"], "b.csv": ["cat"]}, {}, -1, None).names
        ('cat', 'dog')
        >>> resolve_classes({"a.npy": None}, {"b.npy": (None, 4)}, 2, None).names
        ('0', '1', '2', '3')
    """
    width = _one_width({source: count for source, (_, count) in scored.items()})
    whose, names = (FLAG, list(explicit)) if explicit is not None else _names_of_scores(scored)
    label_names = {source: known for source, known in labelled.items() if known is not None}
    if names is None and not _are_ids(label_names.values()):
        has_ids = [source for source, known in labelled.items() if known is None]
        has_ids += [source for source, (columns, _) in scored.items() if columns is None]
        names = _names_of_labels(label_names, has_ids, width, len(label_names) == len(labelled))
    if names is not None:
        _check_names(names, whose, width, largest_id)
        return Classes(tuple(names), are_named=True)
    most = max([largest_id, *(int(name) for known in label_names.values() for name in known)], default=-1)
    if width is not None and most >= width:
        found, expected = f"{width} scores an example", f"more than {most}, the largest class id"
        cure = "labels and scores must count classes alike, from 0: if the labels count from 1, subtract 1"
        raise fault(next(iter(scored)), "classes", found, expected, cure)
    count = width if width is not None else most + 1
    return Classes(tuple(str(number) for number in range(max(count, 1))), are_named=False)


def _one_width(widths: Mapping[str, int]) -> int | None:
    """The number of scores an example; None where there are none; InputError where files differ."""
    first, width = next(iter(widths.items()), ("", None))
    other = next((source for source, count in widths.items() if count != width), None)
    if other is not None:
        found, cure = f"{widths[other]} scores an example", "give both sides the same classes in the same order"
        raise fault(other, "classes", found, f"{width}, as {first} has", cure)
    return width


def _names_of_scores(scored: Mapping[str, tuple[Sequence[str] | None, int]]) -> tuple[str, list[str] | None]:
    """The names of columns of scores, and the file that they are of; InputError where files differ."""
    whose, names = FLAG, None
    for source, (columns, _) in scored.items():
        if columns is not None and names is None:
            whose, names = source, list(columns)
        elif columns is not None and names is not None and set(columns) != set(names):
            found = f"{sorted(set(columns) ^ set(names))[0]!r} in one of {source} and {whose} only"
            raise fault(source, "classes", found, "the same classes in both", "rename the columns alike")
    return whose, names


def _names_of_labels(
    labelled: Mapping[str, Sequence[str]], has_ids: Sequence[str], width: int | None, all_have_names: bool
) -> list[str]:
    """All names that occur as labels; InputError where other files have ids."""
    has_signs = width == 2 and all(set(names) <= set(SIGNS) for names in labelled.values())
    if has_ids and not (has_signs and all_have_names):
        source, names = next(iter(labelled.items()))
        odd = next((name for name in names if not name.isdigit()), names[0])  # the odd cell among ids, say
        found = f"class names ({odd!r}), where {has_ids[0]} has ids"
        cure = "give the names in order of their ids: --classes FILE (one a line)"
        raise fault(source, "labels", found, "names or ids in all files", cure)
    return list(SIGNS) if has_signs else sorted({name for names in labelled.values() for name in names})


def _check_names(names: Sequence[str], whose: str, width: int | None, largest_id: int) -> None:
    """Refuses names that are not one for each class."""
    found = f"{len(names)} names"
    if len(set(names)) != len(names):
        raise fault(whose, "classes", "a name more than once", "a name for each class", "rename one of them")
    if width is not None and len(names) != width:
        raise fault(whose, "classes", found, f"{width}, a name for each score", "give one name a class, in order")
    if largest_id >= len(names):
        raise fault(whose, "classes", found, f"more than {largest_id}, the largest class id", COUNT_FROM_0)


def _are_ids(labelled: Iterable[Sequence[str]]) -> bool:
    """Whether all names are numbers written as text, as ids are: 01 is a name."""
    return all(
        name.isascii() and name.isdigit() and len(name) < 6 and (name == "0" or name[0] != "0")
        for names in labelled
        for name in names
    )


def read_class_names(path: Path) -> list[str]:
    """Class names in order of their ids: one a line, or a JSON list, or a JSON object of id and name.

    Raises:
        InputError: no text, or something else.
    """
    check_regular(path, FLAG)
    try:
        if path.stat().st_size > MOST_BYTES:
            found = f"{path.stat().st_size:,} bytes"
            raise fault(path, FLAG, found, f"at most {MOST_BYTES:,}", "write one name a line, a line a class")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise fault(path, FLAG, str(error), "a text file, a name a line", "check the path") from None
    names = [line.strip() for line in text.split("\n") if line.strip()]
    if text.lstrip().startswith(("[", "{")):
        names = _names_in_json(text, path)
    if not names:
        raise fault(path, FLAG, "no names", "a name a line", "write one name a line")
    if len(names) > MOST_CLASSES:
        raise fault(path, FLAG, f"{len(names):,} names", f"at most {MOST_CLASSES:,}", "give a name a class")
    odd = next((name for name in names if len(name) > LONGEST_NAME or "\x00" in name), None)
    if odd is not None:
        found = f"{odd[:20]!r} ..., {len(odd):,} characters"
        raise fault(path, FLAG, found, f"names of up to {LONGEST_NAME:,}", "write one name a line")
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        raise fault(path, FLAG, f"{repeated!r} more than once", "a name for each class", "rename one of them")
    return names


def _names_in_json(text: str, path: Path) -> list[str]:
    try:
        content = json.loads(text)
        if isinstance(content, dict):
            content = [content[str(number)] for number in range(len(content))]
    except (ValueError, KeyError, RecursionError):
        content = None
    if isinstance(content, list) and content and all(isinstance(name, str) for name in content):
        return content
    raise fault(path, FLAG, "other JSON", 'a list of names, or {"0": "cat", ...}', "write one name a line")
