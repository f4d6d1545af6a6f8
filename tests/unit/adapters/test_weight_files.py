"""Files that are no weights are known by their first bytes."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from made_models import fault
from piescope.models.wide_resnet import WideResNet


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.pt", b"", "empty"),
        ("a.safetensors", b"", "empty"),
        ("a.safetensors", b"<!DOCTYPE html><html>404</html>", "HTML"),
        ("a.pt", b"\n <html>", "HTML"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "tf2onnx"),
        ("a.keras", zipped(metadata_dot_json=b"{}", config_dot_json=b"{}"), "Keras"),
        ("a.pt2", zipped(net__archive_format=b"pt2", net__models__model_dot_json=b"{}"), "onnx"),
        ("a.pt", zipped(net__data_dot_pkl=b"", net__constants_dot_pkl=b""), "TorchScript"),
        ("a.pt", zipped(readme_dot_txt=b"hello"), "zip of readme.txt"),
        ("a.npz", zipped(a_dot_npy=b""), "NumPy"),
        ("a.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 50, "TensorFlow Lite"),
        ("a.pt", b"\x1f\x8b" + b"\0" * 50, "gzip"),
        ("a.safetensors", struct.pack("<Q", 1 << 60) + b"{", "header"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{}", "state_dict"),
        ("a.safetensors", struct.pack("<Q", 2) + b"[]", "no safetensors"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{[", "malformed"),
        ("a.pt", b"PK\x03\x04 and then nothing", "zip"),
        ("a.pt", b"\x80\x02}q\x00.", "a pickle that torch.save did not write"),
        ("a.pt", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a PNG image"),
        ("a.pt", b"GGUF\3\0\0\0" + b"\0" * 50, "give the model it was made from"),
        ("a.pt", b"#!/bin/sh\n", "a script"),
        ("a.pt", b"PAR1" + b"\0" * 50, "a Parquet file"),
        ("a.pt", b"GARBAGE" * 9, "no kind"),
    ],
)
def test_other_files_are_refused_by_their_first_bytes(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = fault(f"WRN-10-1@{path}")
    assert word in message and str(tmp_path) not in message


def test_torchscript_and_exported_programs_made_by_torch(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()
    with pytest.warns(DeprecationWarning):
        torch.jit.script(module).save(tmp_path / "script.pt")  # type: ignore[no-untyped-call]
    assert "TorchScript" in fault(tmp_path / "script.pt") and "onnx" in fault(tmp_path / "script.pt")
    torch.export.save(torch.export.export(module, (torch.zeros(1, 1, 8, 8),)), tmp_path / "program.pt2")
    assert "exported program" in fault(tmp_path / "program.pt2")


def test_a_zip_bomb_is_not_opened(tmp_path: Path, net: WideResNet) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("net/data/0", b"\0" * 50_000_000)
    assert "grows from" in fault(path)
