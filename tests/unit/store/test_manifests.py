"""No bit of a manifest can change unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from piescope.store.durable import as_json
from piescope.store.manifests import FileFacts, Manifest

SAID: dict[str, Any] = {
    "format_version": 2, "kind": "predict", "key": "0" * 32, "label": "supervised dense, seed 0: predict", "spec": {"a": [1, None]},
    "parents": ("1" * 32, "2" * 32), "parent_contents": {"1" * 32: "3" * 64, "2" * 32: "4" * 64},
    "files": {"predictions.safetensors": FileFacts(sha256="5" * 64, bytes=9)}, "environment": {"device": "cpu"},
}  # fmt: skip
MADE = Manifest(**SAID)


def test_what_is_written_is_read() -> None:
    assert Manifest.of(MADE.as_bytes()) == MADE
    said = json.loads(MADE.as_bytes())
    assert said["parents"] == ["1" * 32, "2" * 32] and len(said["sha256"]) == 64


def test_a_flipped_bit_anywhere_is_found() -> None:
    content = MADE.as_bytes()
    for place in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            with pytest.raises(ValueError, match=r"."):
                Manifest.of(bytes(damaged))


@pytest.mark.parametrize("kept", [0, 1, 50, 85, 300, -1])
def test_a_truncated_one_and_one_with_a_zeroed_tail_are_found(kept: int) -> None:
    content = MADE.as_bytes()
    for damaged in (content[:kept], content[:kept] + bytes(len(content[kept:]))):
        with pytest.raises(ValueError, match=r"."):
            Manifest.of(damaged)


def test_one_of_before_seals_and_contents_is_read() -> None:
    older = {
        key: value for key, value in json.loads(MADE.as_bytes()).items() if key not in ("sha256", "parent_contents")
    }
    manifest = Manifest.of(as_json(older))
    assert not manifest.tells_its_parents
    assert manifest.content == MADE.content


def test_its_content_is_that_of_its_files_alone() -> None:
    other = Manifest(**{**SAID, "environment": {"device": "cuda"}, "label": "x", "parents": (), "parent_contents": {}})
    assert other.content == MADE.content
    for files in (
        {"a": FileFacts(sha256="5" * 64, bytes=9)},
        {"predictions.safetensors": FileFacts(sha256="6" * 64, bytes=9)},
    ):
        assert Manifest(**{**SAID, "files": files}).content != MADE.content


@pytest.mark.parametrize("name", ["../a", "a/b", "/etc/passwd", ".", "..", "", "a\nb"])
def test_a_file_of_an_artefact_lies_in_it(name: str) -> None:
    with pytest.raises(ValidationError):
        Manifest(**{**SAID, "files": {name: FileFacts(sha256="5" * 64, bytes=9)}})
