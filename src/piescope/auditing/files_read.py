"""Which files an audit read: their sizes and hashes, so that a page says of what it was made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from piescope.auditing.options import Asked, GivenSide
from piescope.auditing.question import is_a_model
from piescope.reading.files import named_files, shown
from piescope.reading.inputs import is_path
from piescope.store.audit_inputs import FileHash, Role


def files_read(dense: GivenSide, compressed: GivenSide | None, asked: Asked) -> tuple[FileHash, ...]:
    """Each file that was given by a path, read once more in pieces: about half a second a gigabyte.

    Args:
        dense: as the user gave it.
        compressed: likewise; None: copies of the other.
        asked: labels, metadata, class names, representations and pictures.
    """
    given: dict[Role, Any] = {
        "dense": dense,
        "compressed": compressed,
        "labels": asked.labels,
        "metadata": asked.metadata,
        "classes": asked.classes,
        "data": asked.dataset,
        "dense_embeddings": asked.dense_embeddings,
        "compressed_embeddings": asked.compressed_embeddings,
        "dense_layers": asked.dense_layers,
        "compressed_layers": asked.compressed_layers,
    }
    return tuple(hashed for role, what in given.items() for hashed in _hashed(role, what, asked))


def _hashed(role: Role, given: Any, asked: Asked) -> Iterator[FileHash]:
    for path in _paths(role, given, asked):
        with suppress(OSError):  # it is gone by now
            if path.is_dir():
                files = sum(len(names) for _, _, names in os.walk(path))
                yield FileHash(role=role, name=shown(path), files=files)
                continue
            with path.open("rb") as file:
                size, sha256 = os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
            yield FileHash(role=role, name=shown(path), bytes=size, sha256=sha256)


def _paths(role: Role, given: Any, asked: Asked) -> list[Path]:
    """The files that a text names, or the folder of pictures."""
    is_side = role in ("dense", "compressed")
    if is_side and isinstance(given, list | tuple) and all(map(is_path, given)):
        return [path for one in given for path in _paths(role, one, asked)]
    if not isinstance(given, str | PathLike):
        return []
    if role == "data":
        from piescope.data.opening import place_of

        place = place_of(fspath(given), asked.folder_of_data)
        return [] if place is None else [place]
    if is_side and is_a_model(given, asked):
        from piescope.adapters.opening import files_of_model

        return files_of_model(fspath(given))
    return named_files(fspath(given), role)
