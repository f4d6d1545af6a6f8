"""Which files a text names, and what is in them by their first bytes; nothing harmful is ever parsed."""

from __future__ import annotations

import glob
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from piescope import archives
from piescope.problems import InputError
from piescope.reading.signatures import PICKLES, foreign
from piescope.wording import LONGEST_PART, printable

Kind = Literal["csv", "jsonl", "json", "parquet", "arrow", "npy", "npz", "safetensors"]

SUFFIXES: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "csv"),
    **{".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"},
    **{".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"},
    **{".npy": "npy", ".npz": "npz", ".safetensors": "safetensors"},
}

READABLE = "CSV, TSV, JSON lines, JSON, Parquet, Arrow, .npy, .npz or .safetensors"

ONE_ROW = "one row an example: an id and the answer, or right and wrong"
"""What is expected of a file that another tool wrote."""

MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x93NUMPY", "npy"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
    (b"PK\x03\x04", "npz"),
    (b"PK\x05\x06", "npz"),
)

NO_PICKLE = (
    "a pickle can run code and is never opened: save arrays with numpy.save, tables as Parquet, weights as safetensors"
)

ARCHIVES: tuple[tuple[str, str, Callable[[list[str]], bool]], ...] = (
    (
        "a TorchScript archive",
        "it can run code: export the model to ONNX (onnx:FILE), or save its state_dict with safetensors",
        lambda names: any(name.endswith("constants.pkl") for name in names) and any("/code/" in name for name in names),
    ),
    (
        "a checkpoint of torch",
        "weights need their architecture: WRN-16-2@FILE or timm:NAME@FILE, with --data",
        lambda names: any(name.endswith("data.pkl") for name in names),
    ),
    ("an Excel workbook", "save the sheet as CSV", lambda names: any(name.startswith("xl/") for name in names)),
    (
        "a Keras model",
        "export it to ONNX: onnx:FILE",
        lambda names: any(name.endswith((".keras", "model.weights.h5")) for name in names),
    ),
)
"""Zip files that are no .npz: what they are, the cure, and how their names tell."""


def fault(path: Path | str, where: str, found: str, expected: str, cure: str) -> InputError:
    """An InputError with one fault; the file is named as the user would, without its folders."""
    return InputError.of(shown(path), where, found, expected, cure)


def shown(path: Path | str) -> str:
    """A path as messages and results name it: printable; an absolute one, or one that leads up, without its folders."""
    given = Path(path)
    is_private = given.is_absolute() or ".." in given.parts
    name = (given.name if is_private else given.as_posix()) or str(path)
    return printable(name, LONGEST_PART)


MOST_TYPED = 300
"""Characters of a list of names in a cure; a longer one ends with dots, to be completed."""


def typed(names: str | Sequence[str]) -> str:
    """A name, or names with commas in between, as they are typed after a flag: with what quotes the shell needs.

    A name with a comma, or with blanks around it, stands in double quotes within the list.

    Example:
        >>> print(typed("my answer"), typed(["cat", "dog"]), typed(["a,b", " c"]))
        'my answer' cat,dog '"a,b"," c"'
    """
    if isinstance(names, str):
        return shlex.quote(printable(names, MOST_TYPED))
    listed, length = list[str](), 0
    for name in names:
        plain = printable(name, MOST_TYPED)
        is_odd = "," in plain or '"' in plain or plain != plain.strip()
        listed.append('"' + plain.replace('"', '""') + '"' if is_odd else plain)
        length += len(listed[-1]) + 1
        if length > MOST_TYPED and len(listed) < len(names):
            listed.append("...")
            break
    return shlex.quote(",".join(listed))


def new_name(path: Path) -> str:
    """A name for what a cure makes of a file: not the file's own, as the shell empties what it is to write.

    Example:
        >>> new_name(Path("preds.csv")), new_name(Path("runs/NEW.csv")), new_name(Path("NEW2.csv"))
        ('NEW.csv', 'NEW2.csv', 'NEW3.csv')
    """
    made = re.fullmatch(r"NEW(\d*)\.csv", path.name, re.IGNORECASE)
    return "NEW.csv" if made is None else f"NEW{int(made[1] or 1) + 1}.csv"


def python_line(code: str) -> str:
    """A line for the shell that runs some Python, in the quotes that are easier to read.

    Example:
        >>> print(python_line("print('a')"), python_line("print('$a')"))
        python -c "print('a')" python -c 'print('"'"'$a'"'"')'
    """
    return "python -c " + (shlex.quote(code) if set(code) & set('"$`\\!') else f'"{code}"')


def _wanted(what: str, may_be_model: bool = False) -> str:
    """What is expected of a file, by what it is for."""
    if what == "metadata":
        return "a table with columns to group by: CSV, TSV, JSON lines, JSON, Parquet or Arrow"
    if what not in ("dense", "compressed"):
        return f"a file of {'true labels' if what == 'labels' else what} ({READABLE})"
    models = ", or a model (timm:, hf:, onnx:, FILE.py:function)"
    return f"a file of predictions ({READABLE}){models if may_be_model else ''}"


def named_files(text: str, what: str) -> list[Path]:
    """The files that a text names: one file, the readable files of a folder, or those of a glob; sorted by name.

    Args:
        text: a path or a pattern with ``*``, ``?`` or ``[``.
        what: for messages: ``dense``, ``labels`` ...

    Raises:
        InputError: nothing there, or nothing that can be read.
    """
    path = Path(text)
    if not text.strip():
        raise fault(what, what, "an empty name", "a file", "check the command: a variable may be empty")
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            files = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
            readable = [file for file in files if file.suffix.lower() in SUFFIXES]
            if readable:
                return readable
            found = "an empty folder" if not files else f"a folder with {len(files)} files, none of them readable"
            raise fault(path, what, found, _wanted(what), "name the file, or a pattern: 'runs/*.csv'")
        if glob.has_magic(text):
            matched = sorted(Path(name) for name in glob.glob(text) if Path(name).is_file())  # noqa: PTH207 - user's text
            if matched:
                return matched
            raise fault(text, what, "no file that matches", _wanted(what), "check the pattern")
        if path.exists():
            raise fault(path, what, "neither a file nor a folder", _wanted(what), "name a regular file")
    except OSError as error:
        expected = "a readable file"
        raise fault(path, what, error.strerror or str(error), expected, "check the path and its permissions") from None
    except ValueError:  # a NUL byte in the path
        pass
    raise fault(path, what, "no such file", _wanted(what, may_be_model=True), "check the path")


def named_file(text: str, what: str) -> Path:
    """The one file that a text names; InputError: nothing there, or several files."""
    paths = named_files(text, what)
    if len(paths) > 1:
        raise fault(text, what, f"{len(paths)} files", "one file", "name the file")
    return paths[0]


def check_regular(path: Path, what: str) -> None:
    """Refuses what would never end or never answer when it is read: pipes, devices, sockets.

    Raises:
        InputError: no regular file.
    """
    try:
        if path.is_file():
            return
        found = "a folder" if path.is_dir() else "neither a file nor a folder" if path.exists() else "no such file"
    except OSError as error:
        found = error.strerror or str(error)
    raise fault(path, what, found, "a regular file", "check the path")


def kind_of(path: Path) -> Kind:
    """The format of a file, by its first bytes, and by its name where those leave it open.

    Raises:
        InputError: empty, not readable, or of a kind that is not read; the message says how to convert it.
    """
    check_regular(path, "file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
            size = path.stat().st_size
    except OSError as error:
        raise fault(path, "file", error.strerror or str(error), "a readable file", "check its permissions") from None
    if not head:
        raise fault(path, "file", "0 bytes", READABLE, "write the file again")
    known = foreign(head)
    if known is not None:
        line = f": {known.command} {typed(shown(path))} > {_unpacked(path)}" if known.command else ""
        raise fault(path, "file", known.found, READABLE, known.cure + line)
    suffix = SUFFIXES.get(path.suffix.lower())
    kind = next((kind for magic, kind in MAGIC if head.startswith(magic)), None)
    if kind == "npz":
        return _archive(path)
    if kind is None and head.startswith(PICKLES):
        raise fault(path, "file", "a pickle", READABLE, NO_PICKLE)
    if kind is None and size >= 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
        kind = "safetensors"
    if suffix in ("npy", "npz", "safetensors", "parquet", "arrow") and kind != suffix:
        found = "bytes that are not of this format" if kind is None else f"a file of the kind {kind}"
        raise fault(path, "file", found, f"a {path.suffix} file", "write it again; it may be truncated or misnamed")
    if kind is not None:
        return kind
    if suffix is None:
        ending = path.suffix or "no ending"
        raise fault(path, "file", f"a file with {ending}", READABLE, "rename it by what it holds, predictions.csv say")
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise fault(path, "file", "binary data", f"text, as {path.suffix} says", "name the file by what it holds")
    return suffix


def _unpacked(path: Path) -> str:
    """A new name for what is in a packed file, with the last ending that is one of a file that is read."""
    return "NEW" + next((suffix for suffix in map(str.lower, path.suffixes[::-1]) if suffix in SUFFIXES), ".csv")


def _archive(path: Path) -> Kind:
    """A zip file is an .npz, or something of torch, Keras or Excel that is not opened."""
    import struct
    import zipfile

    try:
        with archives.opened(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, struct.error):
        raise fault(path, "file", "a damaged zip archive", "an .npz", "write it again; it may be truncated") from None
    for found, cure, holds in ARCHIVES:
        if holds(names):
            raise fault(path, "file", found, READABLE, cure)
    if "header.json" in names or any(name.startswith(("_journal/", "samples/")) for name in names):
        cure = f"inspect log dump {shown(path)} > LOG.json; given that, it is told how to go on"
        raise fault(path, "content", "a log of Inspect", ONE_ROW, f"turn it into JSON first: {cure}")
    if not names or not all(name.endswith(".npy") for name in names):
        found = "an empty archive" if not names else f"a zip archive that holds {names[0]!r}"
        are_tables = names and all(
            Path(name).suffix.lower() in SUFFIXES and not name.endswith(".npy") for name in names
        )
        cure = f"unzip {typed(shown(path))}" if are_tables else "write it with numpy.savez"
        raise fault(path, "file", found, "an .npz, an archive of .npy files", cure)
    return "npz"
