"""From a study's name or TOML text to a checked Study, or to an error that holds the cure. Loads no torch."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from types import UnionType
from typing import Any

import tomli_w
from pydantic import ValidationError

from piescope.problems import StudyError
from piescope.spec import Spec
from piescope.study.checks import check
from piescope.study.inherit import dotted, read_study_file, resolved, shipped, tables_of
from piescope.study.spec import Objective, Study
from piescope.training.recipe import Training


def builtin_studies() -> dict[str, str]:
    """Name to TOML text of every study that ships with piescope."""
    return shipped("builtin")


def load_study(name_or_path: str) -> Study:
    """A built-in study by name, or a study file by path.

    Raises:
        StudyError: there is none, it cannot be read, or something in it is wrong.

    Example:
        >>> load_study("digits").name
        'digits'
    """
    builtin = builtin_studies()
    if name_or_path in builtin:
        return parse_study(builtin[name_or_path], name_or_path)
    path = Path(name_or_path)
    if not _is_there(path) and path.suffix != ".toml" and "/" not in name_or_path:
        raise StudyError.of_unknown(name_or_path, "STUDY", "study", name_or_path, builtin)
    return parse_study(read_study_file(path, name_or_path), name_or_path, path.parent)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def parse_study(text: str, source: str = "study", folder: Path | None = None) -> Study:
    """Parses and checks TOML text.

    Args:
        text: the study.
        source: names it in errors.
        folder: where files that it extends may lie.

    Raises:
        StudyError: with every fault found.
    """
    own = tables_of(text, source)
    content = resolved(own, source, folder)
    try:
        return _study_of(content, source)
    except StudyError as error:
        if "extends" in own:
            _unset_what_is_inherited(error, own, resolved({"extends": own["extends"]}, source, folder))
        raise


LEAVE_OUT = "leave the key out"
"""In a cure; of a key that is inherited it is none."""


def _unset_what_is_inherited(error: StudyError, own: Mapping[str, Any], base: dict[str, Any]) -> None:
    """Of a key that stands in what is extended, the cure is not to leave it out, but to unset it."""
    inherited, listed = dotted(base), own.get("unset")
    for number, problem in enumerate(error.problems):
        if LEAVE_OUT in problem.cure and problem.where in inherited:
            unset = [*(listed or ()), problem.where]
            cure = f"in place of it write unset = {json.dumps(unset)} at the top of the study"
            error.problems[number] = replace(problem, cure=problem.cure.replace(LEAVE_OUT, cure))


def _study_of(tables: dict[str, Any], source: str) -> Study:
    dates: dict[str, str] = {}
    content = _undated(tables, dates)
    error, study = StudyError(source), None
    try:
        # through JSON: there, strict validation takes an array for a tuple and still nothing for anything else
        study = Study.model_validate_json(_as_json(content, source))
    except ValidationError as faults:
        listed = faults.errors(include_url=False)
        for fault in listed:
            # a wrong item makes its list wrong too: the item says it better
            depth = len(fault["loc"])
            if not any(len(other["loc"]) > depth and other["loc"][:depth] == fault["loc"] for other in listed):
                _explain(error, fault)
        error.merge_alternatives()
    _refuse_dates(error, dates)
    if error or study is None:
        raise error
    check(study, source)
    return study


def _undated(value: Any, dates: dict[str, str], where: str = "") -> Any:
    """Tables with TOML's dates and times, of which a study has none, as text; notes them by where they stand."""
    if isinstance(value, dict):
        return {key: _undated(each, dates, f"{where}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        return [_undated(each, dates, f"{where}.{number}") for number, each in enumerate(value)]
    if isinstance(value, date | time):
        dates[where] = value.isoformat()
        return dates[where]
    return value


def _refuse_dates(error: StudyError, dates: dict[str, str]) -> None:
    """Notes the dates that would be taken as text, and shows the others as they were written: without quotes."""
    error.problems = [
        replace(problem, found=dates[problem.where])
        if problem.where in dates and problem.found == _plain(dates[problem.where])
        else problem
        for problem in error.problems
    ]
    told = [problem.where for problem in error.problems]
    for where, found in dates.items():
        if not any(f"{where}.".startswith(f"{other}.") for other in told):
            error.add(where, found, "text", f'write it in quotes: "{found}"')


def _as_json(content: dict[str, Any], source: str) -> str:
    try:
        return json.dumps(content)
    except ValueError:
        raise StudyError.of(source, "the file", "a number of thousands of digits", "a study", "shorten it") from None


def study_toml(study: Study) -> str:
    """The resolved study, every default written out.

    Example:
        >>> study = load_study("digits")
        >>> parse_study(study_toml(study)) == study
        True
    """
    return tomli_w.dumps(study.model_dump(mode="json", exclude_none=True))


def _explain(error: StudyError, fault: Any) -> None:
    location, kind, value = fault["loc"], fault["type"], fault["input"]
    where = ".".join(str(part) for part in _key_path(location)) or "the study"
    if kind == "extra_forbidden":
        error.add_unknown(where, "key", str(location[-1]), _keys_at(location[:-1]), _where_it_belongs(location))
    elif kind == "missing" and isinstance(location[-1], int):
        error.add(where, "nothing", "a list of more values", "write as many as it is to have")
    elif kind == "missing":
        error.add(where, "nothing", f"a value for {location[-1]!r}", f"add the key {location[-1]!r}")
    elif location[:1] == ("arms",) and location[-1] == "[key]":
        error.add_unknown("arms", "objective", str(location[-2]), typing.get_args(Objective))
    elif kind in ("literal_error", "union_tag_invalid"):
        context = fault["ctx"]
        names = str(context.get("expected_tags", context.get("expected"))).replace(" or ", ", ").split(", ")
        given = value.get("kind") if isinstance(value, dict) else value
        error.add_unknown(where, "value", str(given), [name.strip("'") for name in names])
    elif kind == "value_error":
        # validators of parts say "found; expected what; cure"
        given, expected, cure = str(fault["ctx"]["error"]).split("; ")
        error.add(where, given, expected.removeprefix("expected "), cure)
    else:
        error.add(where, _plain(value), *_told(fault))


def _told(fault: Any) -> tuple[str, str]:
    """What is expected of a value of the wrong type or size, and the cure."""
    location, kind, value = fault["loc"], fault["type"], fault["input"]
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "a table", f"write {location[-1]} = {{ {_example(location)} }}"
    if kind == "too_short":
        return "a list with something in it", "name one or more" + ("" if _must_be(location) else f", or {LEAVE_OUT}")
    if "sparsities" in location or (location[0] == "figures" and kind in BEYOND):
        return "fractions between 0 and 1, both excluded", _sparsity_cure(value, location[-1] == "sparsities")
    if kind == "tuple_type":
        is_one = isinstance(value, int | float) or (location[0] == "arms" and isinstance(value, str))
        return "a list", f"write a list: [{_plain(value) if is_one else '...'}]"
    if location[0] == "replicates_of" and isinstance(value, dict | list):
        return "a whole number", 'write how many models an arm has, which is named in quotes: "supcon gmp 0.9" = 3'
    if location == ("continues",):
        return "the name of another study, in quotes", "write what stands in that study as its name, or leave it out"
    message = str(fault["msg"]).removeprefix("Input should be ")
    if kind in BEYOND:
        return message, "take a value in that range"
    expected, cure = EXPECTED.get(kind, ("", "correct the value"))
    return expected.format(**fault.get("ctx", {})) or message[:1].lower() + message[1:], cure


def _sparsity_cure(value: Any, is_list: bool) -> str:
    """What to write for something that is no sparsity, or no list of some."""
    number = value
    if isinstance(value, str):
        with suppress(ValueError):
            number = float(value.strip(" []%"))
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    percent, fraction = is_number and 1 < number < 100, is_number and 0 < number < 1
    wanted = f"{number / 100:g}" if percent else f"{number:g}" if fraction else ""
    if is_list:
        return f"write a list: [{wanted or '0.5, 0.9'}]"
    if percent:
        return f"write {wanted} for {number:g} %"
    if isinstance(value, list):
        return "write one list of numbers: [0.5, 0.9]"
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        return f"write a number, without quotes: {wanted or 0.5}"
    if value >= 1:
        return "take fractions below 1: 0.9 for 90 %; with no weights left there is no network"
    return "take fractions above 0; dense arms need none"


def _must_be(location: tuple[int | str, ...]) -> bool:
    """Whether the key at a place may not be left out."""
    path = _key_path(location)
    at = max(number for number, part in enumerate(location) if str(part) == path[-1])
    spec = _spec_at(location[:at])
    return spec is not None and spec.model_fields[path[-1]].is_required()


def _where_it_belongs(location: tuple[int | str, ...]) -> str:
    """The cure where a key stands in one table and is one of another's; empty: it is none."""
    if len(location) > 1 and location[-1] in Study.model_fields:
        return "write it at the top of the study: what stands below the line of a [table] belongs to that"
    if len(location) == 1 and location[0] in Training.model_fields:
        return "write it in a training, below [training.supervised], say"
    return ""


BEYOND = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
"""Faults of a number that is too small or too large."""

EXPECTED = {
    "string_type": ("text", "write text in quotes"),
    "string_pattern_mismatch": (
        "a name: lower-case letters, digits, - and _, 64 at most; of a title, one line",
        "use only characters that it allows (a name: lower-case letters, digits, - and _; a title: no line break)",
    ),
    "string_too_short": ("text with something in it", "write a line"),
    "string_too_long": ("at most {max_length} characters", "shorten it"),
    "too_long": ("a list of {max_length}", "leave out what is too much"),
    "union_tag_not_found": ("a table that has the key {discriminator}", "add kind = ..."),
    "int_type": ("a whole number", "write a whole number, without quotes"),
    "int_from_float": ("a whole number", "write a whole number"),
    "float_type": ("a number", "write one number, without quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "finite_number": ("a finite number", "write a finite number"),
}
"""What is expected, and the cure, by the kind of a fault."""


def _example(location: tuple[int | str, ...]) -> str:
    """Keys that the table at a place must have, or some that it may."""
    spec = _spec_at(location)
    if spec is None:
        return DICTIONARIES.get(location[-1], "NAME = { kind = ... }")
    needed = [key for key, field in spec.model_fields.items() if field.is_required() or key == "kind"]
    return ", ".join(f"{key} = ..." for key in needed or list(spec.model_fields)[:1])


DICTIONARIES: dict[int | str, str] = {"replicates_of": '"supcon gmp 0.9" = 3', "arms": 'supervised = ["dense"]'}
"""What stands in tables whose keys are names."""


def _plain(value: Any) -> str:
    return json.dumps(value, default=str)


def _key_path(location: tuple[int | str, ...]) -> list[str]:
    """The location without what pydantic adds for unions and dictionary keys."""
    path: list[str] = []
    annotation: Any = Study
    for part in location:
        if part == "[key]":
            continue
        chosen = _member(annotation, part)
        if chosen is not None:
            annotation = chosen
            continue
        if isinstance(part, str) and ("[" in part or "(" in part or part.startswith("constrained-")):
            continue
        path.append(str(part))
        annotation = _child(annotation, part)
    return path


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    spec = _spec_at(location)
    return [] if spec is None else list(spec.model_fields)


def _spec_at(location: tuple[int | str, ...]) -> type[Spec] | None:
    """What stands at a place, where that is a table with keys of its own."""
    annotation: Any = Study
    for part in location:
        member = _member(annotation, part)
        annotation = member if member is not None else _child(annotation, part)
    options = [annotation, *_options(annotation)]
    return next((each for each in options if isinstance(each, type) and issubclass(each, Spec)), None)


def _options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, looking through Annotated."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _member(annotation: Any, tag: int | str) -> Any:
    """The member of a tagged union that pydantic names by this tag, if the location's part is a tag."""
    for option in _options(annotation):
        tagged = isinstance(option, type) and issubclass(option, Spec) and "kind" in option.model_fields
        if tagged and tag in typing.get_args(option.model_fields["kind"].annotation):
            return option
    return None


def _child(annotation: Any, part: int | str) -> Any:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, Spec) and part in option.model_fields:
            return option.model_fields[part].annotation
        if typing.get_origin(option) is dict:
            return typing.get_args(option)[1]
        if typing.get_origin(option) is tuple:
            return typing.get_args(option)[0]
    return None
