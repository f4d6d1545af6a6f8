"""The JSON files that a run and its report leave beside the artefacts, as values, sealed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Self

from pydantic import ValidationError

from piescope.spec import Spec
from piescope.store.durable import read_record, sealed_json, sha256_of, unsealed


class DamagedRecordError(ValueError):
    """A file of these is not what was written."""


class SealedRecord(Spec):
    """A JSON object whose bytes are checked before they are used.

    Attributes:
        CURE: what is to be done where a file of it is damaged.
    """

    CURE: ClassVar[str]

    def as_bytes(self) -> bytes:
        """The file's content."""
        return sealed_json(self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """A file's value; None where there is none.

        Raises:
            DamagedRecordError: it is not what was written.
            OSError: the system cannot read it.
        """
        if not os.path.lexists(path):
            return None
        try:
            return cls.model_validate_json(unsealed(read_record(path)))
        except FileNotFoundError:  # a link to nothing
            raise DamagedRecordError(f"{path} is damaged: it is no file; {cls.CURE}") from None
        except (ValidationError, RecursionError):
            raise DamagedRecordError(f"{path} is damaged: it is not what its name says; {cls.CURE}") from None
        except ValueError as error:
            cure = f"move that folder away; then {cls.CURE}" if path.is_dir() else cls.CURE
            raise DamagedRecordError(f"{path} is damaged: {error}; {cure}") from None


class ResultsManifest(SealedRecord):
    """results/manifest.json: what the results were made from, and what they are.

    Attributes:
        made_from: version of piescope, SHA-256 of catalogue and study.
        files: paths in the study's folder, to SHA-256.
    """

    CURE: ClassVar[str] = "`piescope report` writes it anew"

    made_from: dict[str, str]
    files: dict[str, str]

    def changed(self, out: Path) -> list[str]:
        """The results in a folder that are not as they were written."""
        places = {name: out / name for name in self.files}
        return [name for name, path in places.items() if not path.is_file() or sha256_of(path) != self.files[name]]
