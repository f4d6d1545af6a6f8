"""What a study takes from another one or from a recipe: `extends` and `unset`, as plain tables, before any checking."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from piescope.problems import StudyError
from piescope.store.durable import naming

Table = dict[str, Any]

SPEAKS_OF = {
    "replicates_of": ("replicates", "sparsities", "arms"),
    "figures": ("sparsities", "measures.projection"),
}
"""Keys that speak of others: who says one of those anew, or unsets it, does not inherit them."""

PROJECTED, DEPTHS = "measures.projection.sparsities", "measures.prediction_depth.models"
"""Keys of some of the study's sparsities, and of some of its replicates: what is only inherited gives way to those."""

LARGEST_FILE = 1_000_000
DEEPEST, DEEPEST_TABLE = 8, 50
"""Studies that extend one another; tables and lists within one another (a study has six)."""


def shipped(folder: str) -> dict[str, str]:
    """Name to TOML text of what ships in ``builtin`` or ``recipes``."""
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted((resources.files("piescope.study") / folder).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def read_study_file(path: Path, source: str) -> str:
    """The text of a study file that somebody gave.

    Raises:
        StudyError: it cannot be read, is too large, no UTF-8, or not what a run wrote.
    """
    try:
        return text_of(path, source)
    except OSError as reason:
        why = reason.strerror or str(reason)
        cure = "check the path; `piescope studies` lists built-in names"
        raise StudyError.of(source, "the file", why, "a study file (TOML)", cure) from None


def text_of(path: Path, source: str) -> str:
    """The text of a study file.

    Raises:
        StudyError: it is no file, too large, no UTF-8, or not what a run wrote.
        OSError: the system does not let it be read, which says nothing of the file.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # to open a pipe may take for ever
            fault, cure = "a pipe, a socket or a device", "write the study to a file, and name that"
            raise StudyError.of(source, "the file", fault, "a study file (TOML)", cure)
        with naming(path), path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            fault, most = f"more than {LARGEST_FILE:,} bytes", f"at most {LARGEST_FILE:,}"
            raise StudyError.of(source, "the file", fault, most, "give a study file")
        text = content.decode("utf-8-sig")  # as some editors save it
    except UnicodeDecodeError:
        fault, cure = "bytes that are no UTF-8", "give a study file, or save it as UTF-8"
        raise StudyError.of(source, "the file", fault, "TOML text in UTF-8", cure) from None
    except ValueError as reason:  # a name that no file can have
        cure = "check the path; `piescope studies` lists built-in names"
        raise StudyError.of(source, "the file", str(reason), "a study file (TOML)", cure) from None
    if text.startswith(SEAL) and text != sealed(text.partition("\n")[2]):
        found, expected = "other bytes than a run wrote", "what its first line is the SHA-256 of"
        cure = "delete its first line if you changed it; else the file: `piescope run` of your study writes it anew"
        raise StudyError.of(source, "the file", found, expected, cure)
    return text


SEAL = "# SHA-256 of the lines below: "


def sealed(text: str) -> str:
    """A study file whose first line shows whether the others are as they were written.

    Example:
        >>> sealed("").startswith(SEAL)
        True
    """
    return f"{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def tables_of(text: str, source: str) -> Table:
    """TOML text as plain tables.

    Raises:
        StudyError: it is no TOML, or was written for a newer piescope.
    """
    try:
        content = tomllib.loads(text)
        if _deeper(content, DEEPEST_TABLE):
            raise RecursionError
    except (ValueError, RecursionError) as reason:  # also numbers of thousands of digits
        fault, cure = str(reason) or "tables nested too deeply", "see https://toml.io, or start from a built-in study"
        raise StudyError.of(source, "the file", fault, "TOML", cure) from None
    version = content.get("format_version", 1)
    if isinstance(version, int) and version > 1:
        cure = "this study was written for a newer piescope: upgrade piescope"
        raise StudyError.of(source, "format_version", str(version), "1", cure)
    return content


def resolved(content: Table, source: str, folder: Path | None, seen: tuple[str, ...] = ()) -> Table:
    """The study with what it extends underneath.

    Tables are merged key by key; anything else replaces what it extends, and so does a table whose ``kind`` differs
    (a cosine has no milestones). Keys that ``unset`` lists, dotted, are removed from what is extended, and so are those
    that speak of keys which the study has anew (`SPEAKS_OF`). Inherited measures are of what the study has: maps of the
    sparsities that it still has (of its highest, where that is none), depths of no more models than it has replicates.

    Args:
        content: the study's own tables.
        source: names it in errors.
        folder: where files that it extends may lie; None: it may extend built-in studies and recipes only.
        seen: what led here, to notice circles.

    Raises:
        StudyError: what it extends does not exist, lies elsewhere, or extends it in turn; a key to unset is not there.
    """
    base_name, unset = content.get("extends"), content.get("unset", [])
    own = {key: value for key, value in content.items() if key not in ("extends", "unset")}
    if not isinstance(unset, list) or not all(isinstance(key, str) for key in unset):
        cure = 'write unset = ["measures.projection"]'
        raise StudyError.of(source, "unset", str(unset), "a list of dotted keys", cure)
    if base_name is None:
        if unset:
            expected = "nothing: the study extends no other"
            raise StudyError.of(source, "unset", str(unset), expected, "leave the keys out instead")
        return own
    if not isinstance(base_name, str):
        expected = "the name of a study or recipe"
        raise StudyError.of(source, "extends", str(base_name), expected, 'write extends = "paper"')
    if base_name in seen or len(seen) >= DEEPEST:
        chain, expected = " -> ".join([*seen, base_name]), f"a chain of at most {DEEPEST} that ends"
        raise StudyError.of(source, "extends", chain, expected, "let one of them extend nothing")
    base, error = _base(base_name, source, folder, seen), StudyError(source)
    for key in unset:
        if not _remove(base, key.split(".")):
            error.add_unknown("unset", "key", key, sorted(dotted(base)))
    error.raise_if_any()
    anew = [*dotted(own), *unset]
    for key, others in SPEAKS_OF.items():
        if any(f"{said}.".startswith(f"{other}.") for said in anew for other in others):
            base.pop(key, None)
    study, said = merged(base, own), leaves(own)
    if "sparsities" in own and PROJECTED not in said:
        _map_what_is_there(study)
    if "replicates" in own and DEPTHS not in said:
        _probe_what_is_there(study)
    return study


def _map_what_is_there(study: Table) -> None:
    """Leaves an inherited projection the sparsities that the study has; unsound values are left to be refused."""
    there, projection = study["sparsities"], _below(study, "measures", "projection")
    mapped = projection.get("sparsities")
    if isinstance(mapped, list) and isinstance(there, list) and all(_is_fraction(each) for each in there):
        kept = [sparsity for sparsity in mapped if sparsity in there]
        projection["sparsities"] = kept if kept or not mapped else sorted(there)[-1:]


def _is_fraction(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < 1


def _probe_what_is_there(study: Table) -> None:
    """Leaves an inherited prediction depth no more models than there are replicates; unsound values to be refused."""
    replicates, depth = study["replicates"], _below(study, "measures", "prediction_depth")
    most = len(replicates) if isinstance(replicates, list) else replicates
    models = depth.get("models")
    if isinstance(models, int) and isinstance(most, int) and 1 <= most < models:
        depth["models"] = most


def _below(tables: Table, *path: str) -> Table:
    """The table at a path, for good; an empty one where there is none."""
    for key in path:
        below = tables.get(key)
        if not isinstance(below, dict):
            return {}
        tables = below
    return tables


def _deeper(value: Any, levels: int) -> bool:
    """Whether tables and lists lie within one another on more than so many levels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(each, levels - 1) for each in inner)


def recipe_part(content: Table) -> Table:
    """A recipe's file without what only describes it."""
    return {key: value for key, value in content.items() if key not in ("about", "provenance")}


def _base(name: str, source: str, folder: Path | None, seen: tuple[str, ...]) -> Table:
    recipes, studies = shipped("recipes"), shipped("builtin")
    if name in recipes:
        return recipe_part(resolved(tables_of(recipes[name], name), name, None, (*seen, name)))
    if name in studies:
        return resolved(tables_of(studies[name], name), name, None, (*seen, name))
    if folder is None or not name.endswith(".toml"):
        raise StudyError.of_unknown(source, "extends", "study or recipe", name, [*recipes, *studies])
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError, RuntimeError):  # no path at all, or links in a circle
        path = Path("/")
    if not path.is_relative_to(folder.resolve()):
        expected, cure = "a file in the study's own folder", "copy it there, or extend a built-in study"
        raise StudyError.of(source, "extends", name, expected, cure)
    return resolved(tables_of(read_study_file(path, name), name), name, path.parent, (*seen, str(path)))


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> Table:
    """``own`` laid over ``base``.

    Example:
        >>> merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
        {'a': {'x': 1, 'y': 3}}
        >>> merged({"a": {"kind": "cosine", "floor": 0.1}}, {"a": {"kind": "constant"}})
        {'a': {'kind': 'constant'}}
    """
    laid = dict(base)
    for key, value in own.items():
        below = laid.get(key)
        replaces = not isinstance(below, dict) or not isinstance(value, dict)
        if not replaces and "kind" in value and below.get("kind", value["kind"]) != value["kind"]:  # type: ignore[union-attr]
            replaces = True
        laid[key] = value if replaces else merged(below, value)  # type: ignore[arg-type]
    return laid


def leaves(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Tables as dotted keys and plain values; lists are values; what is not set is left out.

    Example:
        >>> leaves({"a": {"b": 1, "c": [2]}, "d": None})
        {'a.b': 1, 'a.c': [2]}
    """
    values: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            values.update(leaves(value, f"{prefix}{key}."))
        elif value is not None:
            values[prefix + key] = value
    return values


def _remove(tables: Table, path: list[str]) -> bool:
    for key in path[:-1]:
        below = tables.get(key)
        if not isinstance(below, dict):
            return False
        tables = below
    return tables.pop(path[-1], None) is not None


def dotted(tables: Table, prefix: str = "") -> list[str]:
    """All keys of tables, with those of the tables in them.

    Example:
        >>> dotted({"a": {"b": 1}})
        ['a', 'a.b']
    """
    listed = []
    for key, value in tables.items():
        listed.append(prefix + key)
        if isinstance(value, dict):
            listed += dotted(value, f"{prefix}{key}.")
    return listed
