"""manifest.json as a value: what made an artefact, of which parents, and what its files must be."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, JsonValue

from piescope.spec import Spec
from piescope.store.durable import sealed_json, unsealed

FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
"""Of a file inside an artefact: never a path."""


class FileFacts(Spec):
    """What a file must be: its SHA-256, in hex, and its bytes."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Manifest(Spec):
    """What a finished step says of itself.

    Attributes:
        format_version: of the store.
        kind: of the step.
        key: of the step.
        label: for people.
        spec: everything that made it, but for its parents.
        parents: their keys, in the order of their roles.
        parent_contents: what each parent was when it was read: its key to its `content`; None in manifests of before it
            was recorded.
        files: by name.
        environment: device type, library versions; no part of the key.

    Example:
        >>> facts = FileFacts(sha256="0" * 64, bytes=3)
        >>> made = Manifest(
        ...     format_version=2, kind="demo", key="0" * 32, label="", spec={}, parents=(), files={"a": facts},
        ...     environment={},
        ... )
        >>> Manifest.of(made.as_bytes()) == made
        True
    """

    format_version: int
    kind: str
    key: str
    label: str
    spec: dict[str, JsonValue]
    parents: tuple[str, ...]
    parent_contents: dict[str, str] | None = None
    files: dict[FileName, FileFacts]
    environment: dict[str, JsonValue]

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Reads what `as_bytes` wrote, in this or an earlier version, which had no seal.

        Raises:
            ValueError: it is no manifest, or not the bytes that were written.
        """
        return cls.model_validate_json(unsealed(content))

    def as_bytes(self) -> bytes:
        """The file's content, sealed."""
        return sealed_json(self.model_dump(mode="json"))

    @cached_property
    def content(self) -> str:
        """What children record of it: the SHA-256 of its table of files (names and their SHA-256)."""
        table = {name: facts.sha256 for name, facts in self.files.items()}
        return hashlib.sha256(json.dumps(table, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def tells_its_parents(self) -> bool:
        """Whether it says what its parents were; earlier versions did not."""
        return self.parent_contents is not None
