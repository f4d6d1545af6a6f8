"""What would run code or reach other places, on every surface but weights: the mark is never made, nothing else is touched.

Weights are in `test_attack_files.py`, tables and arrays in `unit/reading/test_fuzz.py`.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import at_most, run_piescope, run_program
from made_attacks import Calls


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder to work in; beside it the mark that must never be there, and nothing else that was not."""
    (work := tmp_path / "work").mkdir()
    (work / "c.csv").write_text("id,prediction\na,1\nb,0\n")
    yield work
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert not (work / "mark").exists()


def touching(place: Path) -> Calls:
    return Calls(os.system, f"touch '{place.parent / 'mark'}' '{place / 'mark'}'")


def refused(place: Path, *arguments: str | Path) -> str:
    with at_most(20):
        done = run_piescope(*arguments, cwd=place)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def objects(place: Path) -> np.ndarray:
    return np.array([touching(place)], object)


@pytest.mark.parametrize("name", ["train.npz", "train_images.npy"])
def test_images_of_objects(place: Path, name: str) -> None:
    (place / "data").mkdir()
    for half in ("train", "test"):
        path = place / "data" / name.replace("train", half)
        if name.endswith("npz"):
            np.savez(path, images=objects(place), labels=objects(place))
        else:
            np.save(path, objects(place))
    refused(place, "data", "arrays", "--data-dir", "data")
    refused(place, "audit", "c.csv", "c.csv", "--data", f"data/{name}")


def test_data_sets_that_are_pickles(place: Path) -> None:
    """The loose files of CIFAR's python version, and its archive, with entries that lead elsewhere."""
    (folder := place / "data" / "cifar-10-batches-py").mkdir(parents=True)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"):
        (folder / name).write_bytes(pickle.dumps({"data": touching(place)}, 2))
    refused(place, "data", "cifar10", "--data-dir", "data")
    (other := place / "other").mkdir()
    for kind in ("python", "binary"):
        with tarfile.open(other / f"cifar-10-{kind}.tar.gz", "w:gz") as archive:
            for name in ("../../mark", str(place.parent / "mark"), "cifar-10-batches-py/data_batch_1"):
                entry = tarfile.TarInfo(name)
                entry.size = 4
                archive.addfile(entry, io.BytesIO(b"mark"))
            link = tarfile.TarInfo("cifar-10-batches-py/test_batch")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
        refused(place, "data", "cifar10", "--data-dir", "other")


def test_archives_whose_names_lead_elsewhere(place: Path) -> None:
    content = io.BytesIO()
    np.save(content, np.array([1, 0]))
    for names in (("../mark.npy",), (f"{place.parent}/mark.npy",), ("..\\mark.npy",), ("a/../../mark.npy", "x.npy")):
        with zipfile.ZipFile(place / "a.npz", "w") as archive:
            for name in names:
                archive.writestr(name, content.getvalue())
            link = zipfile.ZipInfo("link.npy")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        assert "root:" not in refused(place, "audit", "a.npz", "c.csv")


@pytest.mark.sampled(3)
def test_a_folder_of_transformers_with_code_and_pickles(place: Path) -> None:
    pytest.importorskip("transformers")
    (folder := place / "model").mkdir()
    (folder / "code.py").write_text(f"import os\nos.system(\"touch '{place.parent / 'mark'}'\")\nclass Net: pass\n")
    mapped = {"AutoConfig": "code.Net", "AutoModelForImageClassification": "code.Net", "AutoImageProcessor": "code.Net"}
    (folder / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": mapped}))
    (folder / "preprocessor_config.json").write_text(json.dumps({"auto_map": mapped}))
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(touching(place)))
    refused(place, "audit", "hf:model", "c.csv", "--data", "digits")
    header = b'{"a.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    refused(place, "audit", "hf:model", "c.csv", "--data", "digits")


def test_code_that_nobody_trusts(place: Path) -> None:
    (place / "net.py").write_text(f"import os\nos.system(\"touch '{place.parent / 'mark'}'\")\ndef build(): pass\n")
    assert "--trust-code" in refused(place, "audit", "net.py:build", "c.csv", "--data", "digits")
    refused(place, "audit", "net.py", "c.csv", "--data", "digits")
    refused(place, "plan", "net.py")


def test_modules_where_the_command_is_typed(place: Path) -> None:
    """A folder that was unpacked may hold files called as libraries are."""
    for name in ("numpy", "torch", "pickle", "json", "piescope", "sitecustomize", "pyarrow", "typer", "conftest"):
        (place / f"{name}.py").write_text(f"open({str(place.parent / 'mark')!r}, 'w')\n")
    command = [Path(sys.executable).with_name("piescope"), "audit", "c.csv", "c.csv", "--out", "out"]
    done = run_program(command, cwd=place)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        '_target_ = "os.system"\nargs = ["touch ../mark"]',
        '!!python/object/apply:os.system ["touch ../mark"]',
        'name = "${oc.env:HOME}"\n__import__ = "os"',
        'extends = "../other.toml"',
        'extends = "/etc/passwd"',
        'extends = "link.toml"',
        'extends = "a.toml"\nname = "$(touch ../mark)"',
        "format_version = 2",
        "a." * 5_000 + "b = 1",
        "a = " + "[" * 50_000,
        "a = " + "9" * 100_000,
        'recipe = "../../../etc/passwd"\nextends = "digits"',
        'extends = "digits"\n[data]\nsource = "../../etc"\n',
    ],
    ids=range(13),
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_studies(place: Path, text: str, command: str) -> None:
    (place / "a.toml").write_text(text)
    (place / "link.toml").symlink_to("/etc/passwd")
    assert "root:" not in refused(place, command, "a.toml")
    assert sorted(path.name for path in place.iterdir()) == ["a.toml", "c.csv", "link.toml"]


def test_pictures_that_are_documents(place: Path) -> None:
    (folder := place / "pictures" / "a").mkdir(parents=True)
    entity = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    for name, content in {
        "a.svg": f"{entity}<svg xmlns='http://www.w3.org/2000/svg'><text>&x;</text></svg>",
        "b.png": f"{entity}<svg xmlns='http://www.w3.org/2000/svg'><text>&x;</text></svg>",
        "c.png": f"%!PS\n({place.parent / 'mark'}) (w) file closefile",
        "d.jpg": "push graphic-context\nimage over 0,0 0,0 'ephemeral:/tmp/x'\npop graphic-context",
    }.items():
        (folder / name).write_text(content)
    assert "root:" not in refused(place, "audit", "c.csv", "c.csv", "--data", "pictures")


@pytest.mark.sampled(8, heavy=True)
def test_onnx_with_data_elsewhere(place: Path) -> None:
    """Weights beside the model are read; those of other folders, of devices and through links are not."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    (place / "link").symlink_to("/etc/passwd")
    (place / "loop").symlink_to(place / "loop")
    os.mkfifo(place / "pipe")
    (place / "short").write_bytes(bytes(10))

    def save(location: str) -> None:
        tensor = onnx.TensorProto(name="w", data_type=float32, dims=[64, 10], data_location=onnx.TensorProto.EXTERNAL)
        for key, value in {"location": location, "offset": "0", "length": "2560"}.items():
            tensor.external_data.add(key=key, value=value)
        nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])]
        sides = [
            helper.make_tensor_value_info(name, float32, ["n", *dims]) for name, dims in (("x", [1, 8, 8]), ("y", [10]))
        ]
        graph = helper.make_graph(nodes, "g", sides[:1], sides[1:], [tensor])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        (place / "model.onnx").write_bytes(model.SerializeToString())

    elsewhere = (
        "/etc/passwd",
        "../../../../../../etc/passwd",
        "/dev/zero",
        "link",
        "pipe",
        "a" * 200,
        "/",
        "a\x00b",
        "loop",
    )
    for location in (*elsewhere, "short", "none", ""):
        save(location)
        told = refused(place, "audit", "onnx:model.onnx", "c.csv", "--data", "digits")
        assert ("weights in" in told) == (location in elsewhere or not location), told  # before the library sees it
    (place / "weights").write_bytes(np.zeros((64, 10), np.float32).tobytes())
    save("weights")
    table: Any = "id,prediction\n" + "".join(f"{number},0\n" for number in range(450))
    (place / "c.csv").write_text(table)
    done = run_piescope("audit", "onnx:model.onnx", "c.csv", "--data", "digits", cwd=place)
    assert "model.onnx: model.onnx" not in done.stderr
