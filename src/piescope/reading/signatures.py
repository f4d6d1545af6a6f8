"""First bytes of files that are neither predictions nor weights, whatever they are called: what they are, and the cure.

One table for all who open a file of somebody else's: `reading.files`, `adapters.weight_files`, `adapters.onnx_models`.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""First bytes of what Python pickled."""

WEIGHTS = "give weights"


@dataclass(frozen=True)
class Foreign:
    """A kind of file that is read nowhere here.

    Attributes:
        start: its first bytes; of text in lower case.
        found: what it is.
        cure: where predictions were expected.
        cure_of_weights: where a model was expected.
        is_text: blanks may stand before it, and letters be of either case.
        command: that writes what is in it to its output, whatever the file is called; empty: there is none.
    """

    start: bytes
    found: str
    cure: str
    cure_of_weights: str
    is_text: bool = False
    command: str = ""


def _text(start: bytes, found: str, cure: str) -> Foreign:
    return Foreign(start, found, cure, cure, is_text=True)


def _packed(start: bytes, found: str, command: str = "") -> Foreign:
    cure = "unpack it first"
    return Foreign(start, found, cure, cure + (f": {command} FILE > NEW" if command else ""), command=command)


FOREIGN = (
    _text(b"version https://git-lfs", "a git-LFS pointer, not the file itself", "fetch the file first: git lfs pull"),
    _text(b"<!doctype html", "an HTML page", "download the file itself: this is the web page about it"),
    _text(b"<html", "an HTML page", "download the file itself: this is the web page about it"),
    _text(b"<?xml", "an XML page", "download the file itself: servers answer so when access is denied"),
    Foreign(
        b"\x89HDF\r\n",
        "an HDF5 file",
        "save the arrays with numpy.savez, or the weights with safetensors",
        "a model of Keras: export it to ONNX with tf2onnx, python -m tf2onnx.convert",
    ),
    Foreign(b"GGUF", "a GGUF file", "give predictions", "give the model it was made from, as safetensors"),
    _packed(b"\x1f\x8b", "a gzip file", "gunzip -c"),
    _packed(b"BZh", "a bzip2 file", "bunzip2 -c"),
    _packed(b"\xfd7zXZ", "an xz file", "unxz -c"),
    _packed(b"\x28\xb5\x2f\xfd", "a zstd file", "unzstd -c"),
    _packed(b"7z\xbc\xaf", "a 7z archive"),
    _packed(b"Rar!", "a RAR archive"),
    Foreign(b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "save the table as CSV", WEIGHTS),
    Foreign(b"%PDF", "a PDF file", "give the numbers as CSV", WEIGHTS),
    Foreign(b"\x89PNG", "a PNG image", "give predictions; images go to --data", WEIGHTS),
    Foreign(b"\xff\xd8\xff", "a JPEG image", "give predictions; images go to --data", WEIGHTS),
    Foreign(b"SQLite format 3", "a SQLite database", "export the table as CSV or Parquet", WEIGHTS),
    Foreign(b"FEA1", "a file of Feather version 1", "write it again with pyarrow.feather.write_feather", WEIGHTS),
    Foreign(b"\x7fELF", "a program", "give predictions", WEIGHTS),
    Foreign(
        b"_logits_",
        "logits of llama.cpp",
        "tokens are no examples of a data set: score answers, one row an example",
        WEIGHTS,
    ),
)


def foreign(head: bytes) -> Foreign | None:
    r"""What the first bytes of a file say that it is; None: no kind of the table, or text that begins like one.

    Example:
        >>> foreign(b"\n<!DOCTYPE html><html>").found, foreign(b"BZh91AY\x80").found, foreign(b"BZh,dog\n")
        ('an HTML page', 'a bzip2 file', None)
    """
    text = start_of_text(head)
    for kind in FOREIGN:
        if text.startswith(kind.start) if kind.is_text else head.startswith(kind.start) and not is_text(head):
            return kind
    return None


def start_of_text(head: bytes) -> bytes:
    """The first bytes in lower case, without a byte order mark and blanks before them."""
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file can be text; the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\x00" not in head
