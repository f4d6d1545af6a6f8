"""Files that are something else, or not there: what is refused, and what looks wrong and works."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from made_predictions import as_arrow, as_parquet, made, table_of_scores
from made_refusals import GOOD, Cases, Refusal, refused, write

CASES = Cases()


CASES.text("an empty file", "", "file", "0 bytes", "write the file again")


@CASES.add
def an_empty_folder(root: Path) -> Refusal:
    (root / "runs").mkdir()
    return {"dense": root / "runs", "compressed": np.array([1])}, ("runs: dense", "an empty folder", "'runs/*.csv'")


@CASES.add
def a_folder_of_other_files(root: Path) -> Refusal:
    write(root, "runs/readme.md", "hello")
    return {"dense": root / "runs", "compressed": np.array([1])}, (
        "runs: dense",
        "a folder with 1 files, none of them readable",
    )


@CASES.add
def a_pattern_that_matches_nothing(root: Path) -> Refusal:
    return {"dense": f"{root}/run*.npy", "compressed": np.array([1])}, (
        "run*.npy: dense",
        "no file that matches",
        "check the pattern",
    )


@pytest.mark.parametrize("given", ["nowhere.csv", "runs", "run*.csv"])
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("labels", "a file of true labels (CSV"),
        ("metadata", "a table with columns to group by: CSV"),
        ("dense_embeddings", "a file of dense embeddings (CSV"),
        ("compressed_layers", "a file of compressed layers (CSV"),
    ],
)
def test_what_is_expected_is_what_the_file_is_for(option: str, expected: str, given: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    np.save(tmp_path / "points.npy", np.zeros((2, 3), np.float32))
    kind = option.split("_")[-1]
    beside = {f"{side}_{kind}": str(tmp_path / "points.npy") for side in ("dense", "compressed") if "_" in option}
    told = refused(
        tmp_path, dense=np.array([0, 1]), compressed=np.array([0, 1]), **beside | {option: str(tmp_path / given)}
    )
    assert f"expected  {expected}" in told and "model" not in told and "predictions" not in told


@CASES.add
def a_missing_file(root: Path) -> Refusal:
    return {"dense": np.array([1]), "compressed": root / "nowhere.csv"}, (
        "nowhere.csv: compressed",
        "no such file",
        "timm:",
        "check the path",
    )


@CASES.add
def an_empty_name(root: Path) -> Refusal:
    return {"dense": "", "compressed": np.array([1])}, ("dense\n", "an empty name", "a variable may be empty")


@CASES.add
def an_npz_without_arrays(root: Path) -> Refusal:
    np.savez(root / "d.npz")
    return {"dense": root / "d.npz", "compressed": np.array([1])}, ("d.npz: file", "an empty archive", "numpy.savez")


@CASES.add
def a_missing_file_of_classes(root: Path) -> Refusal:
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "classes": root / "names.txt"}, (
        "names.txt: --classes",
        "no such file",
    )


@CASES.add
def several_files_of_labels(root: Path) -> Refusal:
    write(root, "labels/a.csv", "label\n1\n"), write(root, "labels/b.csv", "label\n1\n")
    return {"dense": np.array([0]), "compressed": np.array([0]), "labels": root / "labels"}, (
        "labels\n",
        "2 files",
        "name the file",
    )


CASES.text(
    "a git lfs pointer",
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
    "file",
    "a git-LFS pointer",
    "git lfs pull",
    suffix="npy",
)
CASES.text(
    "an HTML page", "\n<!DOCTYPE html><html><body>404</body></html>", "file", "an HTML page", "download the file itself"
)
CASES.text(
    "an XML page",
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "file",
    "an XML page",
    "access is denied",
    suffix="parquet",
)
CASES.text("a pickle", pickle.dumps({"predictions": [1, 2]}), "file", "a pickle", "never opened", suffix="npy")
CASES.text("a pickle by name", pickle.dumps({"predictions": [1, 2]}), "file", "a pickle", "never opened", suffix="pkl")
CASES.text(
    "gzip", gzip.compress(GOOD.encode()), "file", "a gzip file", "gunzip -c wrong.csv.gz > NEW.csv", suffix="csv.gz"
)
CASES.text("gzip by another name", gzip.compress(GOOD.encode()), "file", "a gzip file")
CASES.text("bzip2", bz2.compress(GOOD.encode()), "file", "a bzip2 file")
CASES.text("xz", lzma.compress(GOOD.encode()), "file", "an xz file")
CASES.text("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100), "file", "an HDF5 file", "numpy.savez", suffix="h5")
CASES.text("GGUF", b"GGUF\3\0\0\0" + bytes(100), "file", "a GGUF file", suffix="csv")
CASES.text("a PNG image", b"\x89PNG\r\n\x1a\n" + bytes(100), "file", "a PNG image", "--data", suffix="png")
CASES.text(
    "old Excel",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
    "file",
    "an old Excel",
    "save the table as CSV",
    suffix="xls",
)
CASES.text("binary data", b"a,b\n\x00\x01\x02\x03", "file", "binary data", "text, as .csv says")
CASES.text("text called npy", GOOD, "file", "bytes that are not of this format", "a .npy file", suffix="npy")
CASES.text(
    "text called parquet", GOOD, "file", "bytes that are not of this format", "a .parquet file", suffix="parquet"
)
CASES.text("an unknown ending", "hello", "file", "a file with .dat", "predictions.csv", suffix="dat")
CASES.archive(
    "TorchScript",
    {"net/code/net.py": b"", "net/constants.pkl": b"", "net/data.pkl": b""},
    "a TorchScript archive",
    "onnx:FILE",
)
CASES.archive(
    "a checkpoint of torch",
    {"net/data.pkl": b"", "net/data/0": b""},
    "a checkpoint of torch",
    "WRN-16-2@FILE",
    suffix="pt",
)
CASES.archive(
    "Excel",
    {"[Content_Types].xml": b"", "xl/workbook.xml": b""},
    "an Excel workbook",
    "save the sheet as CSV",
    suffix="xlsx",
)
CASES.archive("a zipped table", {"a.csv": b"1"}, "a zip archive that holds 'a.csv'", "unzip", suffix="zip")
CASES.archive("another zip", {"a.log": b"1"}, "a zip archive that holds 'a.log'", "numpy.savez", suffix="zip")


@CASES.add
def several_files_of_metadata(root: Path) -> Refusal:
    write(root, "meta/a.csv", "x\n1\n2\n"), write(root, "meta/b.csv", "x\n1\n2\n")
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "metadata": root / "meta"}, (
        "meta: metadata",
        "2 files",
        "name the file",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


@pytest.mark.parametrize("ending", ["npy", "npz", "small.npz", "parquet", "arrow", "safetensors"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_files(ending: str, share: float, tmp_path: Path) -> None:
    data = made(examples=400)
    path = tmp_path / f"d.{ending}"
    match ending:
        case "npy":
            np.save(path, data.dense[0])
        case "npz":
            np.savez(path, logits=data.dense[0])
        case "small.npz":
            np.savez_compressed(path, logits=data.dense[0])
        case "parquet":
            as_parquet(table_of_scores(data, "dense"), path)
        case "arrow":
            as_arrow(table_of_scores(data, "dense"), path)
        case "safetensors":
            save_file({"logits": data.dense[0]}, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    message = refused(tmp_path, dense=path, compressed=data.labels("compressed")[0])
    assert message.startswith(f"{path.name}: ")
    assert "truncated" in message


@pytest.mark.parametrize("what", ["dense", "labels", "metadata", "classes", "dense_embeddings"])
@pytest.mark.parametrize("kind", ["fifo", "fifo.safetensors", "device", "loop", "folder"])
def test_what_is_no_file_does_not_hang(what: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("x.safetensors" if kind == "fifo.safetensors" else "x.csv")
    match kind:
        case "fifo" | "fifo.safetensors":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
        case "folder":
            path.mkdir()
    asked: dict[str, Any] = {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), what: path}
    if what == "dense_embeddings":
        asked["compressed_embeddings"] = path
    message = refused(tmp_path, **asked)
    assert message.startswith(path.name)
    result = {"loop": ("no such file", "symbolic links"), "folder": ("a folder", "an empty folder")}
    assert any(text in message for text in result.get(kind, ("neither a file nor a folder",)))


@pytest.mark.parametrize("text", ["x" * 5000, "a\x00b.csv", "no\nsuch\x1b[2Jfile.csv", "~nobody/x.csv", "-", "[", "**"])
def test_odd_names(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for asked in (
        {"dense": text, "compressed": np.array([0, 1])},
        {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "labels": text},
        {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "classes": text},
    ):
        message = refused(tmp_path, **asked)
        assert "\x1b" not in message
        assert message.count("\n") == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", GOOD)
    path.chmod(0)
    assert "Permission denied" in refused(tmp_path, dense=path, compressed=np.array([1, 0, 1]))


def test_nothing_of_a_pickle_or_of_torch_is_loaded_to_refuse_it(tmp_path: Path) -> None:
    write(tmp_path, "evil.pkl", b"cos\nsystem\n(S'touch touched'\ntR.")
    write(tmp_path, "evil.npy", pickle.dumps([1]))
    code = (
        "import sys\nfrom piescope.audits import audit\nfrom piescope.problems import InputError\n"
        "for name in ('evil.pkl', 'evil.npy'):\n"
        "    try: audit(name, name)\n    except InputError as error: print(error.problems[0].found)\n"
        "print(sorted(name for name in ('torch', 'pandas') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[1:] == ["a pickle", "[]"]
    assert not (tmp_path / "touched").exists()
