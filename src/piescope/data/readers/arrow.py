"""Data sets of Hugging Face on disk (``save_to_disk``, or Parquet), through pyarrow alone.

Arrow files are mapped and Parquet is read a row group at a time: memory does not grow with the pictures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from piescope.data.checks import SHOWN, check_labels, check_names, numbered
from piescope.data.halves import HALVES, Half, called
from piescope.data.pictures import Pictures, Read
from piescope.data.readers.decoding import BROKEN, decoded
from piescope.problems import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as parquet

IMAGE_COLUMNS = ("image", "img", "images", "picture", "pixel_values")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target")
ID_COLUMNS = ("id", "example_id", "image_id", "ids")

MOST_BYTES_A_GROUP = 8 << 30
"""Of the pictures of one Parquet row group: two of them are held at a time."""


def files_of_half(files: Sequence[Path], root: Path, half: Half) -> tuple[list[Path], str]:
    """The shards of a half, by the names of files and folders; files that name no half are all one half.

    Returns:
        the files, and what the half is called.

    Raises:
        DataError: they are all of the other half.
    """

    def is_of(path: Path, which: str) -> bool:
        *folders, file = path.relative_to(root).parts
        stem = file.lower().rsplit(".", 1)[0]
        return which in (folder.lower() for folder in folders) or stem == which or stem.startswith(f"{which}-")

    for which in called(half):
        chosen = [path for path in files if is_of(path, which)]
        if chosen:
            return chosen, which
    if half == "train" or any(is_of(path, "train") for path in files):
        names = ", ".join(sorted({path.relative_to(root).as_posix() for path in files})[:SHOWN])
        cure = "give train: before the name for the train half" if half == "test" else "leave train: away"
        raise DataError.of(root.name, half, names, f"files of a {half} half", cure)
    return list(files), half


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as reason:
        raise DataError.of(
            path.name, path.name, f"no readable JSON ({type(reason).__name__})", "JSON", "save the data set again"
        ) from None
    if not isinstance(value, dict):
        raise DataError.of(
            path.name, path.name, f"a {type(value).__name__}", "a JSON object", "save the data set again"
        )
    return value


def is_saved(root: Path) -> bool:
    """Whether ``datasets``' ``save_to_disk`` wrote a folder."""
    return (root / "dataset_dict.json").is_file() or (root / "state.json").is_file()


def pictures_of_saved(root: Path, name: str, half: Half) -> Pictures:
    """What ``datasets``' ``save_to_disk`` writes: one half, or several below ``dataset_dict.json``.

    Raises:
        DataError: no such half, files that are missing or damaged, or no column of pictures.
    """
    which: str = half
    if (root / "dataset_dict.json").is_file():
        splits = _json(root / "dataset_dict.json").get("splits")
        known = [each for each in splits if isinstance(each, str)] if isinstance(splits, list) else []
        found = [each for each in called(half) if each in known]
        if not found:
            cure = "give train: before the name" if half == "test" and "train" in known else "save that half too"
            raise DataError.of(name, half, ", ".join(known) or "no halves", f"a {half} half", cure)
        which = found[0]
        root = root / which
    state = _json(root / "state.json")
    entries = state.get("_data_files")
    if state.get("_indices_data_files"):
        raise DataError.of(
            name, "state.json", "an index beside the data", "rows in their own order", "flatten_indices(), save again"
        )
    files = []
    for entry in entries if isinstance(entries, list) else []:
        filename = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(filename, str) or Path(filename).name != filename or not (root / filename).is_file():
            raise DataError.of(name, "state.json", f"a file {filename!r}", "a file beside it", "copy the whole folder")
        files.append(root / filename)
    if not files:
        raise DataError.of(name, "state.json", "no data files", "data-00000-of-00001.arrow ...", "save it again")
    features = _json(root / "dataset_info.json").get("features") if (root / "dataset_info.json").is_file() else None
    return pictures_of_arrow(files, name, which, features if isinstance(features, dict) else None)


@dataclass(frozen=True)
class _Columns:
    """Which columns of a data set are read, and what is known of them."""

    image: str
    label: str | None
    id: str | None
    names: tuple[str, ...] | None
    notes: tuple[str, ...]


def _columns(schema: pa.Schema, features: dict[str, Any] | None, name: str) -> _Columns:
    """Told by the features that ``datasets`` writes into the schema; without them by kinds and names."""
    import pyarrow as pa

    if features is None:
        held = (schema.metadata or {}).get(b"huggingface")
        try:
            features = json.loads(held)["info"]["features"] if held else {}
        except (ValueError, KeyError, TypeError, RecursionError):
            features = {}
        if not isinstance(features, dict):
            features = {}

    def kind(column: str) -> Any:
        feature = features.get(column)
        return feature.get("_type") if isinstance(feature, dict) else None

    def holds_pictures(column: pa.Field) -> bool:
        of_bytes = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
        if pa.types.is_struct(column.type):
            index = column.type.get_field_index("bytes")
            inner = column.type.field(index).type if index >= 0 else None
            of_bytes = inner is not None and (pa.types.is_binary(inner) or pa.types.is_large_binary(inner))
        return of_bytes and kind(column.name) in (None, "Image")

    if len(set(schema.names)) < len(schema.names):
        raise DataError.of(name, "columns", "a name twice", "different names", "rename one")
    images = [column.name for column in schema if holds_pictures(column)]
    image = _preferred(images, IMAGE_COLUMNS, [each for each in images if kind(each) == "Image"])
    if image is None:
        found = ", ".join(schema.names) or "none"
        expected = "one column of pictures (struct of bytes and path), named " + " or ".join(IMAGE_COLUMNS[:2])
        raise DataError.of(name, "columns", found, expected, "cast it with datasets.Image(), or rename it")
    numbers = [column.name for column in schema if pa.types.is_integer(column.type)]
    typed = [each for each in numbers if kind(each) == "ClassLabel"]
    label = _preferred(typed or [each for each in numbers if each in LABEL_COLUMNS], LABEL_COLUMNS, typed)
    if label is None and len(typed) > 1:
        raise DataError.of(
            name, "columns", ", ".join(typed), "one column of labels", f"rename the right one to {LABEL_COLUMNS[0]}"
        )
    known = features[label].get("names") if label is not None and kind(label) == "ClassLabel" else None
    names = tuple(known) if isinstance(known, list) and all(isinstance(each, str) for each in known) else None
    identity = next((each for each in ID_COLUMNS if each in schema.names), None)
    if identity is not None:
        kept = schema.field(identity).type
        if not (pa.types.is_string(kept) or pa.types.is_large_string(kept) or pa.types.is_integer(kept)):
            identity = None
    said = f"pictures from column {image!r}, " + (f"labels from {label!r}" if label else "no labels")
    return _Columns(image, label, identity, names, (said,))


def _preferred(columns: Sequence[str], names: Sequence[str], typed: Sequence[str]) -> str | None:
    """The only one, else the only one of the right type, else the first by name."""
    for choice in (columns, typed):
        if len(choice) == 1:
            return choice[0]
    return next((each for each in names if each in columns), None)


def pictures_of_arrow(files: Sequence[Path], name: str, half: str, features: dict[str, Any] | None = None) -> Pictures:
    """Arrow streams or files, mapped into memory: pages come and go with what is read.

    Args:
        files: the shards, in order.
        name: of the data set, for people.
        half: what it is called.
        features: of the columns, as ``datasets`` writes them; None: those in the files' schema.

    Raises:
        DataError: damaged files, other columns in one of them, or none of pictures.
    """
    import pyarrow as pa

    tables = []
    for file in files:
        try:
            tables.append(_mapped(file))
        except (pa.ArrowException, *BROKEN) as reason:
            raise _no_table(name, file, reason) from None
    if any(not table.schema.equals(tables[0].schema) for table in tables):
        raise DataError.of(name, "columns", "shards that differ", "the same columns in all files", "save it again")
    columns = _columns(tables[0].schema, features, name)
    wanted = [each for each in (columns.image, columns.label, columns.id) if each is not None]
    table = pa.concat_tables([each.select(wanted) for each in tables])
    try:
        table.validate(full=True)  # offsets that lie would be followed
    except (pa.ArrowException, *BROKEN) as reason:
        raise _no_table(name, files[0], reason) from None

    def read(start: int, stop: int) -> list[np.ndarray]:
        return _decoded_rows(table.column(columns.image).slice(start, stop - start), ids, start)

    labels, ids = _labels_and_ids(table, columns, half, name)
    return _finished(name, half, ids, labels, columns, read)


def _mapped(file: Path) -> pa.Table:
    import pyarrow as pa

    source = pa.memory_map(str(file))
    if source.read(6) == b"ARROW1":
        return pa.ipc.open_file(source).read_all()
    source.seek(0)
    return pa.ipc.open_stream(source).read_all()


class _Shards:
    """Parquet files, read a row group at a time; the last two are kept."""

    def __init__(self, files: Sequence[parquet.ParquetFile], image: str) -> None:
        self.files = files
        self.image = image
        self.groups = [(file, group) for file in files for group in range(file.num_row_groups)]
        sizes = [file.metadata.row_group(group).num_rows for file, group in self.groups]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._kept: dict[int, Any] = {}

    def rows(self, start: int, stop: int) -> list[Any]:
        """Columns of pictures, in parts."""
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        parts = []
        while start < stop:
            until = min(stop, int(self.starts[first + 1]))
            parts.append(self._group(first).slice(start - int(self.starts[first]), until - start))
            start, first = until, first + 1
        return parts

    def _group(self, index: int) -> Any:
        if index not in self._kept:
            while len(self._kept) > 1:
                del self._kept[next(iter(self._kept))]
            file, group = self.groups[index]
            table = file.read_row_group(group, columns=[self.image], use_threads=False)
            table.validate(full=True)
            self._kept[index] = table.column(0)
        return self._kept[index]


def pictures_of_parquet(files: Sequence[Path], name: str, half: str) -> Pictures:
    """Parquet files, read a row group at a time.

    Args:
        files: the shards, in order.
        name: of the data set, for people.
        half: what it is called.

    Raises:
        DataError: as `pictures_of_arrow`; a row group of more than 8 GiB.
    """
    import pyarrow as pa
    from pyarrow import parquet

    opened = []
    for file in files:
        try:
            opened.append(parquet.ParquetFile(file))
        except (pa.ArrowException, *BROKEN) as reason:
            raise _no_table(name, file, reason) from None
    schema = opened[0].schema_arrow
    if any(each.schema_arrow.names != schema.names for each in opened):
        raise DataError.of(name, "columns", "shards that differ", "the same columns in all files", "save it again")
    columns = _columns(schema, None, name)
    for file, each in zip(files, opened, strict=True):
        for group in range(each.num_row_groups):
            told_size = each.metadata.row_group(group).total_byte_size
            if told_size > MOST_BYTES_A_GROUP:
                found, expected = f"a row group of {told_size:,} bytes", f"at most {MOST_BYTES_A_GROUP:,}"
                raise DataError.of(name, file.name, found, expected, "write it with smaller row groups")
    small = [each for each in (columns.label, columns.id) if each is not None]
    try:
        table = pa.concat_tables([each.read(columns=small, use_threads=False) for each in opened])
        table.validate(full=True)
    except (pa.ArrowException, *BROKEN) as reason:
        raise _no_table(name, files[0], reason) from None
    shards = _Shards(opened, columns.image)
    count = int(shards.starts[-1])

    def read(start: int, stop: int) -> list[np.ndarray]:
        try:
            parts = shards.rows(start, stop)
        except (pa.ArrowException, *BROKEN) as reason:
            raise _no_table(name, files[0], reason) from None
        pictures: list[np.ndarray] = []
        for part in parts:
            pictures += _decoded_rows(part, ids, start + len(pictures))
        return pictures

    labels, ids = _labels_and_ids(table if small else None, columns, half, name, count)
    return _finished(name, half, ids, labels, columns, read)


def _no_table(name: str, file: Path, reason: BaseException) -> DataError:
    if isinstance(reason, PermissionError):
        return DataError.of(name, file.name, "a file that may not be read", "a table", "change its permissions")
    first = str(reason).split("\n")[0]
    return DataError.of(name, file.name, f"no whole table ({first})", "Parquet or Arrow", "download or save it again")


def _labels_and_ids(
    table: pa.Table | None, columns: _Columns, half: str, name: str, count: int | None = None
) -> tuple[np.ndarray | None, Sequence[str]]:
    count = count if count is not None else (0 if table is None else table.num_rows)
    if not count:
        raise DataError.of(name, half, "no rows", "at least one", "take another half")
    labels = None
    if table is not None and columns.label is not None:
        column = table.column(columns.label)
        if column.null_count == count:
            labels = None
        elif column.null_count:
            found = f"{column.null_count} rows without a label"
            raise DataError.of(name, columns.label, found, "a label for all, or for none", "drop them")
        else:
            error = DataError(name)
            labels = check_labels(error, "labels", column.to_numpy(), count, may_be_secret=True)
            error.raise_if_any()
    ids: Sequence[str] = numbered(half, count)
    if table is not None and columns.id is not None:
        given = [str(each) for each in table.column(columns.id).to_pylist()]
        if len(set(given)) == count and all(map(str.isprintable, given)):
            ids = given
    return labels, ids


def _finished(
    name: str, half: str, ids: Sequence[str], labels: np.ndarray | None, columns: _Columns, read: Read
) -> Pictures:
    notes = list(columns.notes)
    if columns.label is not None and labels is None:
        notes.append(f"the {half} half has no labels (all are -1 or empty)")
    if half not in HALVES:
        notes.append(f"the half is {half}")
    if columns.names is not None:
        error = DataError(name)
        check_names(error, "class_names", columns.names, labels)
        error.raise_if_any()
    return Pictures(name, ids, labels, columns.names, read, tuple(notes))


def _decoded_rows(column: Any, ids: Sequence[str], start: int) -> list[np.ndarray]:
    pictures = []
    for offset, value in enumerate(column):
        held = value.as_py()
        where = ids[start + offset]
        content = held.get("bytes") if isinstance(held, dict) else held
        if not isinstance(content, bytes):
            path = held.get("path") if isinstance(held, dict) else None
            found = f"a picture that lies elsewhere ({Path(path).name})" if isinstance(path, str) else "no picture"
            cure = "save it with save_to_disk, or to Parquet, from where the pictures are"
            raise DataError.of(where, where, found, "pictures inside the data set", cure)
        pictures.append(decoded(content, where))
    return pictures
