"""ONNX models through onnxruntime, on the CPU. Loads no torch."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from piescope.adapters.batches import dynamic_operations_of_onnx
from piescope.adapters.outputs import REPRESENTATIONS, SCORES, read_outputs
from piescope.adapters.preparation import Fit, Preparation
from piescope.adapters.protocol import ModelError, OutputKind, Outputs, Settings, library, not_taken
from piescope.adapters.weight_files import what_is_no_model
from piescope.reading.signatures import PICKLES

KINDS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}
CHANNELS = (1, 3)
AXES = {"nhwc": "channels last", "nd": "flattened pixels"}
"""Layouts of an input that are to be said."""

EXPECTED = "an ONNX model"


class OnnxModel:
    """A session of onnxruntime behind the protocol of an audit.

    Args:
        content: the model: its bytes, or the path of a file (one with data beside it must be a path).
        name: for people.
        settings: what the user says of its input.
        notes: what was found and assumed.

    Attributes:
        batch_size: that the model insists on; None: any.
        dynamic_operations: by which its answers depend on the batch.
        layout: of the input: ``"nchw"``, ``"nhwc"``, ``"nhw"`` (grey) or ``"nd"`` (flat).
    """

    def __init__(self, content: bytes | Path, name: str, settings: Settings, notes: Sequence[str] = ()) -> None:
        self.content = content
        self.name = name
        self.settings = settings
        self.class_names: tuple[str, ...] | None = None
        self.values: OutputKind = "unknown"
        self._session = _session(content, name)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            found = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in inputs[:4]) or "none"
            raise ModelError.of(name, "inputs", found, "one input, the pictures", "export the classifier alone")
        (self._input,) = inputs
        if self._input.type not in KINDS:
            raise ModelError.of(name, "input", self._input.type, "pixels: float or uint8", "export it with float input")
        shape = [side if isinstance(side, int) and side > 0 else None for side in self._input.shape]
        if KINDS[self._input.type] is np.uint8 and settings.says_pixels:
            found, cure = "a model that takes uint8", "leave --scale, --mean and --std away"
            raise ModelError.of(name, "input", found, "pixels as they are", cure)
        self.batch_size = shape[0] if shape else None
        self.layout, channels, size = _layout(shape, name, settings)
        self.prepare = _preparation(self._input.type, channels, size, settings)
        self._flat = shape[1] if self.layout == "nd" else None
        self.notes = tuple(notes)
        if KINDS[self._input.type] is not np.uint8 and not settings.says_pixels:
            note = f"{name} gets pixels of 0 to 1: if it was trained on normalised pixels, give --mean and --std"
            self.notes = (*self.notes, note)
        if self.layout in AXES:
            self.notes = (*self.notes, f"{name} takes {AXES[self.layout]}, by the shape of its input")
        self.dynamic_operations = dynamic_operations_of_onnx(content)
        self.class_names = _class_names(self._session)

    def scores(self, batch: Sequence[np.ndarray]) -> Outputs:
        """What the model says of pictures; a fixed batch size is filled up and the rest thrown away.

        Raises:
            ModelError: it fails, or returns nothing of the right shape.
        """
        pixels = self.pixels(batch)
        step = self.batch_size or len(pixels)
        parts = []
        for start in range(0, len(pixels), step):
            part = pixels[start : start + step]
            parts.append([self._rows(value, step, len(part)) for value in self._run(filled(part, self.batch_size))])
        named = {
            output.name: np.concatenate(values)
            for output, *values in zip(self._session.get_outputs(), *parts, strict=True)
            if all(value is not None for value in values)
        }
        return read_outputs(_in_order(named, len(batch)), self.name, len(batch))

    def pixels(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        """What the model's input gets for pictures."""
        pixels = self.prepare(batch)
        if self.layout == "nhwc":
            pixels = pixels.transpose(0, 2, 3, 1)
        elif self.layout == "nhw":
            pixels = pixels[:, 0]
        elif self.layout == "nd":
            pixels = pixels.reshape(len(pixels), -1)
            if self._flat is not None and pixels.shape[1] != self._flat:
                found, expected = f"{pixels.shape[1]} pixels a picture", f"{self._flat} as the model's input has"
                raise ModelError.of(self.name, "input", found, expected, "give --size or --channels")
        return np.ascontiguousarray(pixels, KINDS[self._input.type])

    @property
    def input_name(self) -> str:
        """As the model names it."""
        return str(self._input.name)

    def _run(self, pixels: np.ndarray) -> list[Any]:
        try:
            return list(self._session.run(None, {self._input.name: pixels}))
        except Exception as reason:  # onnxruntime's errors share no public base
            kind = f"{pixels.dtype} {list(pixels.shape)}"
            expected = f"input {self._input.shape}"
            raise not_taken(self.name, kind, reason, expected, "give --size and --channels") from None

    @staticmethod
    def _rows(value: Any, step: int, kept: int) -> Any:
        return value[:kept] if isinstance(value, np.ndarray) and value.shape[:1] == (step,) else None


def filled(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """A batch of a fixed size: the last picture again and again; None: any size will do.

    Example:
        >>> filled(np.array([1, 2]), 4).tolist(), filled(np.array([1, 2]), None).tolist()
        ([1, 2, 2, 2], [1, 2])
    """
    short = 0 if size is None else size - len(pixels)
    return np.concatenate([pixels, np.repeat(pixels[-1:], short, axis=0)]) if short else pixels


def open_onnx(path: Path, settings: Settings) -> OnnxModel:
    """An ONNX file, looked at before it is parsed.

    Raises:
        ModelError: onnxruntime is not there; no such file, damaged, or of another kind.
    """
    path = path.expanduser()
    other: tuple[str, str] | None
    try:
        if not path.is_file():
            other = "no such file", "check the path"
        else:
            with path.open("rb") as file:
                other = _what_it_is_instead(file.read(512))
    except OSError as reason:
        other = f"a file that cannot be read ({reason.strerror})", "check its permissions"
    if other is not None:
        raise ModelError.of(path.name, path.name, other[0], EXPECTED, other[1])
    for place in _data_beside(path):
        if not _is_beside(path, place):
            found, cure = (
                f"weights in {place}",
                "put them beside the model: onnx.save(model, path, save_as_external_data=True)",
            )
            raise ModelError.of(path.name, path.name, found, "files in the model's own folder", cure)
    return OnnxModel(path, f"onnx:{path.name}", settings)


def _is_beside(path: Path, place: str) -> bool:
    """Whether a place is a plain file in the folder of a model, or nothing."""
    try:
        beside = (path.parent / place).resolve()
        return beside.is_relative_to(path.parent.resolve()) and (beside.is_file() or not beside.exists())
    except (OSError, ValueError, RuntimeError):  # no path at all, or links in a circle
        return False


LOCATION = b"\x0a\x08location"
"""A key of a tensor's external_data as protobuf writes it, before its value: field 2, a length, a text."""


def _data_beside(path: Path) -> Iterator[str]:
    """Where a model says that weights lie outside of it; what is written in another order leads nowhere: ``/``."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(LOCATION)
        while place >= 0:
            place += len(LOCATION)
            size = content[place + 1] if content[place : place + 1] == b"\x12" and place + 1 < len(content) else 0
            yield content[place + 2 : place + 2 + size].decode("utf-8", "replace") if 0 < size < 128 else "/"
            place = content.find(LOCATION, place)


def _what_it_is_instead(head: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and the cure; None: it may be ONNX."""
    if not head:
        return "an empty file", "export or download it again"
    if head.startswith((b"PK\x03\x04", *PICKLES)):
        return "a zip or pickle of torch", "torch.onnx.export(model, images, 'model.onnx')"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "a safetensors file", "name it ARCHITECTURE@FILE"
    return what_is_no_model(head)


def _session(content: bytes | Path, name: str) -> Any:
    onnxruntime = library("onnxruntime", name, "onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong comes as an exception
    try:
        return onnxruntime.InferenceSession(
            content if isinstance(content, bytes) else str(content), options, providers=["CPUExecutionProvider"]
        )
    except Exception as reason:  # its errors share no public base
        first = str(reason).split("\n")[0].replace(str(content) if isinstance(content, Path) else "", "the file")
        found = f"no model that onnxruntime loads ({first})"
        raise ModelError.of(name, name, found, EXPECTED, "export or download it again") from None


def _layout(
    shape: Sequence[int | None], name: str, settings: Settings
) -> tuple[str, int | None, tuple[int, int] | None]:
    """The order of axes, the channels and the size that an input's shape tells; None: left open.

    Raises:
        ModelError: another number of axes, or channels that are neither 1 nor 3.
    """
    if len(shape) == 2:
        return "nd", None, None
    if len(shape) == 3:
        return "nhw", 1, _sides(shape[1], shape[2])
    if len(shape) == 4:
        if shape[1] in CHANNELS:
            return "nchw", shape[1], _sides(shape[2], shape[3])
        if shape[3] in CHANNELS:
            return "nhwc", shape[3], _sides(shape[1], shape[2])
        if shape[1] is None:
            said = None if settings.channels is None else 1 if settings.channels == "grey" else 3
            return "nchw", said, _sides(shape[2], shape[3])
    expected = "[batch, channels, height, width] or channels last, of 1 or 3 channels; or [batch, pixels]"
    raise ModelError.of(name, "input", f"shape {list(shape)}", expected, "export a classifier of pictures")


def _sides(height: int | None, width: int | None) -> tuple[int, int] | None:
    return None if height is None or width is None else (height, width)


def _preparation(kind: str, channels: int | None, size: tuple[int, int] | None, settings: Settings) -> Preparation:
    whole = KINDS[kind] is np.uint8
    prepare = Preparation(channels=channels, fit=Fit.to(size) if size else None, scale=None if whole else "0-1")
    prepare = prepare.with_settings(settings)
    if channels is None or settings.channels is None:
        return prepare
    return Preparation(channels, prepare.bgr, prepare.fit, prepare.scale, prepare.mean, prepare.std)


def _class_names(session: Any) -> tuple[str, ...] | None:
    """From the model's own metadata: a JSON list, or an object from class id to name."""
    metadata = session.get_modelmeta().custom_metadata_map
    for key in ("class_names", "classes", "names", "id2label", "labels"):
        try:
            value = json.loads(metadata[key])
        except (KeyError, ValueError, RecursionError):
            continue
        if isinstance(value, dict) and all(str(index) in value for index in range(len(value))):
            value = [value[str(index)] for index in range(len(value))]
        if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
            return tuple(value)
    return None


def _in_order(named: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Scores first, by name or as the first 2-d output of floats that is no representation."""
    ordered = {key: value for key, value in named.items() if key not in REPRESENTATIONS}
    if not any(key in SCORES for key in ordered):
        for key, value in ordered.items():
            if value.dtype.kind == "f" and value.ndim >= 2 and value.shape[0] == count:
                ordered = {"logits": value} | {name: output for name, output in ordered.items() if name != key}
                break
    return ordered | {key: value for key, value in named.items() if key in REPRESENTATIONS}
