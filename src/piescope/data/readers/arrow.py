"""Data sets of Hugging Face on disk (``save_to_disk``, or Parquet), through pyarrow alone.

Arrow files are mapped and Parquet is read a row group at a time: memory does not grow with the pictures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from piescope.arrow_batches import unpacked_batches
from piescope.data.checks import SHOWN, check_class_ids, check_names, numbered
from piescope.data.halves import HALVES, Half, called
from piescope.data.pictures import Pictures
from piescope.data.readers.decoding import decoded, whole_file
from piescope.parquet_pages import chunks_of
from piescope.problems import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as parquet

IMAGE_COLUMNS = ("image", "img", "images", "picture", "pixel_values")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target")
ID_COLUMNS = ("id", "example_id", "image_id", "ids")

MOST_GROWTH, HARMLESS = 20, 2**27
"""What is unpacked at once may be so many times the file, or so many bytes."""

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
    cure = "save the data set again"
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as reason:
        found = f"no readable JSON ({type(reason).__name__})"
        raise DataError.of(path.name, path.name, found, "JSON", cure) from None
    if not isinstance(value, dict):
        raise DataError.of(path.name, path.name, f"a {type(value).__name__}", "a JSON object", cure)
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
        known = [split for split in splits if isinstance(split, str)] if isinstance(splits, list) else []
        which = next((split for split in called(half) if split in known), "")
        if not which:
            cure = "give train: before the name" if half == "test" and "train" in known else "save that half too"
            raise DataError.of(name, half, ", ".join(known) or "no halves", f"a {half} half", cure)
        root = root / which
    state = _json(root / "state.json")
    entries = state.get("_data_files")
    if state.get("_indices_data_files"):
        found, cure = "an index beside the data", "flatten_indices(), save again"
        raise DataError.of(name, "state.json", found, "rows in their own order", cure)
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

    @property
    def small(self) -> list[str]:
        """Columns that are read at once."""
        return [name for name in (self.label, self.id) if name is not None]


def _columns(schema: pa.Schema, features: dict[str, Any] | None, name: str) -> _Columns:
    """Told by the features that ``datasets`` writes into the schema; without them by kinds and names."""
    import pyarrow as pa

    if features is None:
        try:
            features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        except (ValueError, KeyError, TypeError, RecursionError):
            features = {}
    features = features if isinstance(features, dict) else {}

    def kind(column: str) -> Any:
        feature = features.get(column)
        return feature.get("_type") if isinstance(feature, dict) else None

    def holds_pictures(column: pa.Field) -> bool:
        content = column.type
        if pa.types.is_struct(content):
            index = content.get_field_index("bytes")
            content = content.field(index).type if index >= 0 else pa.null()
        of_bytes = pa.types.is_binary(content) or pa.types.is_large_binary(content)
        return of_bytes and kind(column.name) in (None, "Image")

    if len(set(schema.names)) < len(schema.names):
        raise DataError.of(name, "columns", "a name twice", "different names", "rename one")
    images = [column.name for column in schema if holds_pictures(column)]
    image = _preferred(images, IMAGE_COLUMNS, [column for column in images if kind(column) == "Image"])
    if image is None:
        found = ", ".join(schema.names) or "none"
        expected = "one column of pictures (struct of bytes and path), named " + " or ".join(IMAGE_COLUMNS[:2])
        raise DataError.of(name, "columns", found, expected, "cast it with datasets.Image(), or rename it")
    numbers = [column.name for column in schema if pa.types.is_integer(column.type)]
    typed = [column for column in numbers if kind(column) == "ClassLabel"]
    label = _preferred(typed or [column for column in numbers if column in LABEL_COLUMNS], LABEL_COLUMNS, typed)
    if label is None and len(typed) > 1:
        cure = f"rename the right one to {LABEL_COLUMNS[0]}"
        raise DataError.of(name, "columns", ", ".join(typed), "one column of labels", cure)
    known = features[label].get("names") if label is not None and kind(label) == "ClassLabel" else None
    names = tuple(known) if isinstance(known, list) and all(isinstance(name, str) for name in known) else None
    identity = next((column for column in ID_COLUMNS if column in schema.names), None)
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer)
    if identity is not None and not any(is_kind(schema.field(identity).type) for is_kind in kinds):
        identity = None
    said = f"pictures from column {image!r}, " + (f"labels from {label!r}" if label else "no labels")
    return _Columns(image, label, identity, names, (said,))


def _preferred(columns: Sequence[str], names: Sequence[str], typed: Sequence[str]) -> str | None:
    """The only one, else the only one of the right type, else the first by name."""
    for choice in (columns, typed):
        if len(choice) == 1:
            return choice[0]
    return next((name for name in names if name in columns), None)


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
    tables = []
    for file in files:
        with _whole_table(name, file):
            _check_growth(name, file, sum(unpacked_batches(file)))
            tables.append(_mapped(file))
    _check_shards([table.schema for table in tables], name)
    columns = _columns(tables[0].schema, features, name)
    with _whole_table(name, files[0]):  # offsets that lie would be followed
        table = _joined(tables, [columns.image, *columns.small])
    images = table.column(columns.image)
    return _pictures(table, len(table), columns, name, half, lambda start, stop: [images.slice(start, stop - start)])


def _mapped(file: Path) -> pa.Table:
    import pyarrow as pa

    source = pa.memory_map(str(file))
    if source.read(6) == b"ARROW1":
        return pa.ipc.open_file(source).read_all()
    source.seek(0)
    return pa.ipc.open_stream(source).read_all()


def _joined(tables: Sequence[pa.Table], columns: list[str]) -> pa.Table:
    import pyarrow as pa

    table = pa.concat_tables([table.select(columns) for table in tables])
    table.validate(full=True)
    return table


def _whole_table(name: str, file: Path) -> AbstractContextManager[None]:
    import pyarrow as pa

    return whole_file(name, file.name, "table", "Parquet or Arrow", "download or save it again", pa.ArrowException)


def _check_growth(name: str, file: Path, unpacked: int) -> None:
    """Refuses what unpacks to far more than the file has: pictures are packed already."""
    most = max(HARMLESS, MOST_GROWTH * file.stat().st_size)
    if unpacked > most:
        found, cure = f"rows that unpack to {unpacked:,} bytes", "write it again, with pictures as PNG or JPEG"
        raise DataError.of(name, file.name, found, f"at most {most:,} for so small a file", cure)


def _check_shards(schemas: Sequence[object], name: str) -> None:
    if any(schema != schemas[0] for schema in schemas):
        raise DataError.of(name, "columns", "shards that differ", "the same columns in all files", "save it again")


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
    from pyarrow import parquet

    opened = []
    for file in files:
        with _whole_table(name, file):
            opened.append(parquet.ParquetFile(file))
    _check_shards([shard.schema_arrow.names for shard in opened], name)
    columns = _columns(opened[0].schema_arrow, None, name)
    for file, shard in zip(files, opened, strict=True):
        sizes = [shard.metadata.row_group(group).total_byte_size for group in range(shard.num_row_groups)]
        if max(sizes, default=0) > MOST_BYTES_A_GROUP:
            found, cure = f"a row group of {max(sizes):,} bytes", "write it with smaller row groups"
            raise DataError.of(name, file.name, found, f"at most {MOST_BYTES_A_GROUP:,}", cure)
        with _whole_table(name, file):
            chunks = chunks_of(file, [columns.image, *columns.small])
        for group in range(shard.num_row_groups):
            _check_growth(name, file, sum(chunk.unpacked for chunk in chunks if chunk.group == group))
    shards = _Shards(opened, columns.image)
    with _whole_table(name, files[0]):
        table = _joined([shard.read(columns=columns.small, use_threads=False) for shard in opened], columns.small)

    def rows(start: int, stop: int) -> list[Any]:
        with _whole_table(name, files[0]):
            return shards.rows(start, stop)

    return _pictures(table, int(shards.starts[-1]), columns, name, half, rows)


def _pictures(
    table: pa.Table, count: int, columns: _Columns, name: str, half: str, rows: Callable[[int, int], list[Any]]
) -> Pictures:
    """Pictures whose labels and ids stand in a table, and themselves in rows that are read in parts when asked for."""
    if not count:
        raise DataError.of(name, half, "no rows", "at least one", "take another half")
    error = DataError(name)
    labels = None if columns.label is None else _labels(table.column(columns.label), columns.label, error)
    ids: Sequence[str] = numbered(half, count)
    if columns.id is not None:
        given = [str(value) for value in table.column(columns.id).to_pylist()]
        ids = given if len(set(given)) == count and all(map(str.isprintable, given)) else ids
    notes = list(columns.notes)
    if columns.label is not None and labels is None:
        notes.append(f"the {half} half has no labels (all are -1 or empty)")
    if half not in HALVES:
        notes.append(f"the half is {half}")
    if columns.names is not None:
        check_names(error, "class_names", columns.names, labels)
    error.raise_if_any()

    def read(start: int, stop: int) -> list[np.ndarray]:
        values = (value for part in rows(start, stop) for value in part)
        return [_decoded(value.as_py(), where) for value, where in zip(values, ids[start:stop], strict=True)]

    return Pictures(name, ids, labels, columns.names, read, tuple(notes))


def _labels(column: pa.ChunkedArray, name: str, error: DataError) -> np.ndarray | None:
    """None: there are none, or they are kept secret."""
    if column.null_count == len(column):
        return None
    if column.null_count:
        found = f"{column.null_count} rows without a label"
        raise DataError.of(error.source, name, found, "a label for all, or for none", "drop them")
    labels = check_class_ids(error, "labels", column.to_numpy(), len(column), may_be_secret=True)
    error.raise_if_any()
    return labels


def _decoded(value: Any, where: str) -> np.ndarray:
    content, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
    if isinstance(content, bytes):
        return decoded(content, where, is_upright=True)  # as the library `datasets` has it
    found = f"a picture that lies elsewhere ({Path(path).name})" if isinstance(path, str) else "no picture"
    cure = "save it with save_to_disk, or to Parquet, from where the pictures are"
    raise DataError.of(where, where, found, "pictures inside the data set", cure)
