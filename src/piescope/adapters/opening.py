"""From what a user gives to a model: is it one, which one, does it fit the pictures? Loads no torch by itself.

A model is named so:

- ``timm:NAME``: pretrained weights from timm; ``timm:NAME@FILE``: that architecture with weights of one's own;
- ``hf:NAME_OR_FOLDER``, or a folder with a ``config.json``: transformers, safetensors only;
- ``WRN-16-2@FILE``, or FILE with `Settings.architecture`: a state_dict (.safetensors, .pt, .pth, .bin, .ckpt);
- a folder ``artefacts/train/KEY`` of a study, or the ``model.safetensors`` in it;
- ``onnx:FILE`` or ``FILE.onnx``: onnxruntime;
- ``FILE.py:function``: code, so only where it is trusted: the function returns a callable or an nn.Module.
"""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from piescope.adapters.protocol import TRIED, Model, ModelError, Settings, outputs_of_classes
from piescope.adapters.weight_files import tensor_names
from piescope.reading.files import kind_of

if TYPE_CHECKING:
    from piescope.data.pictures import Pictures

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar", ".th")
OTHER_MODEL_FILES = (".pt2", ".h5", ".hdf5", ".keras", ".tflite", ".torchscript", ".pkl", ".pickle", ".pb", ".gguf")
"""Refused with a word on how to convert them: they name models all the same."""

SURELY_PREDICTIONS = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".jsonl", ".npy", ".npz")
"""Of files in a folder: beside them settings of the run may lie, and a config.json is one of those."""


def is_model(given: Any, has_pictures: bool, settings: Settings | None = None) -> bool:
    """Whether a side of an audit is a model rather than predictions; the one place where that is decided.

    Args:
        given: a text or path, arrays, or a Python value.
        has_pictures: whether there is something that a model could look at. Without it a folder of tables or arrays
            is predictions, whatever lies beside them.
        settings: what the user says of a model's input.

    Example:
        >>> is_model("onnx:net.onnx", True), is_model("dense.csv", True), is_model(lambda pixels: pixels, True)
        (True, False, True)
    """
    if not isinstance(given, str | PathLike):
        return callable(given) or hasattr(given, "scores")
    path = Path(fspath(given))
    if _is_special(path) or (not has_pictures and _holds_predictions(path)):
        return False
    return names_a_model(fspath(given), settings)


def check_no_predictions(given: Any) -> None:
    """What is named like a model's file may be meant as predictions, where there are no pictures.

    Raises:
        InputError: what is wrong with it as a file of predictions.
    """
    path = Path(fspath(given)) if isinstance(given, str | PathLike) else None
    if path is not None and path.suffix.lower() in (*WEIGHT_FILES, *OTHER_MODEL_FILES) and path.is_file():
        kind_of(path)


def open_model(
    given: Any,
    *,
    name: str = "model",
    trust_code: bool = False,
    device: str = "cpu",
    pictures: Pictures | None = None,
    settings: Settings | None = None,
) -> Model:
    """The model that a text names, or that a Python value is: an nn.Module, any callable, or one behind the protocol.

    A callable takes pixels ``[examples, channels, height, width]``: uint8 as they are, or float32 if `Settings` say a
    scale, mean or std. It returns ``[examples, classes]`` scores or ``[examples]`` labels (arrays or tensors, alone, in
    a tuple, in a dict, or as ``.logits``). An nn.Module gets float32 tensors (0..1 unless settings say otherwise), in
    eval mode and without gradients; its mode is restored after each batch.

    Args:
        given: a text: see the head of this module; or a value.
        name: of a value, for people.
        trust_code: ``FILE.py:function`` may be executed. Nothing else here ever executes code.
        device: where a torch model that a text names runs: ``"cpu"``, ``"cuda"``, ``"mps"``; a module stays where it
            is. ONNX models run on the CPU.
        pictures: the model is tried on the first few: wrong sizes, class counts and random outputs come out now.
        settings: what the user says of the model's input.

    Raises:
        ModelError: no such model, damaged files, files that would execute code, a missing library, nothing that can be
            called, or a model that does not fit the pictures.

    Example:
        >>> brightness = open_model(lambda pixels: (pixels.mean((1, 2, 3)) > 127).astype(int), name="brightness")
        >>> brightness.scores([np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)]).labels.tolist()
        [0, 1]
        >>> open_model("net.py:build")
        Traceback (most recent call last):
        ...
        piescope.adapters.protocol.ModelError: net.py:build: net.py
          found     Python code
          expected  files without code, or your word that this one is safe
          cure      read it, then add --trust-code (Python: trust_code=True)
    """
    settings = settings or Settings()
    if isinstance(given, str | PathLike):
        model = _of_text(fspath(given), trust_code, device, settings)
    else:
        model = _of_value(given, name, None, settings)
    return model if pictures is None else tried(model, pictures)


def names_a_model(text: str, settings: Settings | None = None) -> bool:
    """Whether a text names a model rather than a file of predictions; looks at names, and into safetensors headers.

    Example:
        >>> names_a_model("timm:resnet18"), names_a_model("dense.csv"), names_a_model("net.onnx")
        (True, False, True)
    """
    scheme, _, rest = text.partition(":")
    if (scheme in ("timm", "hf", "onnx") and rest) or _code(text) is not None or _at(text) is not None:
        return True
    path = Path(text)
    suffix = path.suffix.lower()
    if path.is_dir():
        return (path / "config.json").is_file() or _is_artefact(path)
    if suffix == ".safetensors":
        if settings is not None and settings.architecture is not None:
            return True
        names = tensor_names(path)
        return any(name.endswith((".weight", ".weight_orig", ".running_mean")) for name in names)
    return suffix == ".onnx" or suffix in (*WEIGHT_FILES, *OTHER_MODEL_FILES)


def files_of_model(text: str) -> list[Path]:
    """The files that a text which names a model names; none where a hub keeps them.

    Example:
        >>> files_of_model("timm:resnet18")
        []
    """
    code, at = _code(text), _at(text)
    scheme, _, rest = text.partition(":")
    path = code[0] if code else at[1] if at else Path(rest if scheme in ("hf", "onnx") else text)
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in (".json", ".safetensors") and file.is_file())
    return [path] if path.is_file() else []


def tried(model: Model, pictures: Pictures) -> Model:
    """The model, after a look at what it says of the first pictures.

    Two runs over the same pictures that differ (dropout that stays active, noise) are noted: the audit of such a model
    cannot be repeated, and some of its flips are its own.

    Raises:
        ModelError: the model cannot take the pictures, gives no scores, or has fewer classes than they do.
    """
    if len(pictures) == 0:
        return model
    batch = pictures.batch(0, min(TRIED, len(pictures)))
    first, second = model.scores(batch), model.scores(batch)
    notes = list(model.notes)
    if first.scores is not None and pictures.labels is not None and len(pictures.labels):
        classes, highest = first.scores.shape[1], int(pictures.labels.max())
        if classes <= highest and outputs_of_classes(model.class_names, pictures.class_names) is None:
            found = f"{classes} outputs, and labels up to {highest} in {pictures.name}"
            cure = "give the pictures that this model was made for"
            raise ModelError.of(model.name, "classes", found, f"at least {highest + 1} outputs", cure)
    if not _same(first.scores, second.scores) or not _same(first.labels, second.labels):
        notes.append(
            f"{model.name} gives other outputs when asked again (dropout that is active in eval mode, or noise): "
            "its figures cannot be repeated, and some of its flips are chance"
        )
    if first.representation is None:
        notes.append(f"{model.name} shows no layer that its classifier reads from: there are no embeddings of it")
    model.notes = tuple(dict.fromkeys(notes))
    return model


def check_same_classes(dense: Model, compressed: Model, pictures: Pictures) -> None:
    """Tries both models of an audit on the first pictures together, before either runs over all of them.

    Raises:
        ModelError: they have other classes, as far as their scores and names tell.
    """
    some = pictures.batch(0, min(1, len(pictures)))
    one, two = (model.scores(some).scores for model in (dense, compressed)) if some else (None, None)
    if one is None or two is None:
        return
    if one.shape[1] == two.shape[1]:
        _name_alike(dense, compressed, one.shape[1])
        return
    if dense.class_names is not None and compressed.class_names is not None:
        return  # told apart by name
    found, expected = f"{two.shape[1]} outputs, where {dense.name} has {one.shape[1]}", "two models of the same classes"
    raise ModelError.of(compressed.name, "classes", found, expected, "name the model that was compressed, or its copy")


def _name_alike(dense: Model, compressed: Model, classes: int) -> None:
    """Where one of two models with as many outputs names them, they are the other's, in the same order."""
    for named, other in ((dense, compressed), (compressed, dense)):
        if named.class_names is not None and other.class_names is None and len(named.class_names) == classes:
            other.class_names = named.class_names
            note = f"{other.name} has no names of classes: those of {named.name} are taken, in their order"
            other.notes = (*other.notes, note)
            return


def _holds_predictions(path: Path) -> bool:
    return path.is_dir() and any(entry.suffix.lower() in SURELY_PREDICTIONS for entry in path.iterdir())


def _is_special(path: Path) -> bool:
    """Whether a path is a pipe, a device or a loop of links, or no path at all: nothing to look into."""
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except OSError:
        return True


def _same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.allclose(first, second, rtol=1e-3, atol=1e-5)


def _of_value(value: Any, name: str, device: str | None, settings: Settings) -> Model:
    """A value as a model; a module on a device, or where it is."""
    from piescope.adapters.callables import CallableModel, is_module

    if isinstance(value, Model):
        return value
    if is_module(value):
        from piescope.adapters.torch_models import model_of_module

        return model_of_module(value, name, device, settings)
    if callable(value):
        return CallableModel.of(value, name, settings)
    expected = "an nn.Module or a function of pictures"
    raise ModelError.of(name, name, f"a {type(value).__name__}", expected, "give one of those")


def _of_text(named: str, trust_code: bool, device: str, settings: Settings) -> Model:
    scheme, _, rest = named.partition(":")
    code = _code(named)
    at = _at(named)
    if scheme == "timm" and rest:
        from piescope.adapters.timm_models import open_timm

        name, _, weights = rest.partition("@")
        return open_timm(name, Path(weights) if weights else None, device, settings)
    if scheme == "hf" and rest:
        from piescope.adapters.hf_models import open_hf

        return open_hf(rest, device, settings)
    if (scheme == "onnx" and rest) or Path(named).suffix.lower() == ".onnx":
        from piescope.adapters.onnx_models import open_onnx

        return open_onnx(Path(rest if scheme == "onnx" else named), settings)
    if code is not None:
        path, function = code
        if not trust_code:
            found, cure = "Python code", "read it, then add --trust-code (Python: trust_code=True)"
            raise ModelError.of(named, path.name, found, "files without code, or your word that this one is safe", cure)
        from piescope.adapters.trusted_code import call_function

        return _of_value(call_function(path, function), f"{path.name}:{function}", device, settings)
    if at is not None:
        from piescope.adapters.architectures import open_weights

        return open_weights(at[1], at[0], device, settings)
    return _of_path(named, device, settings)


def _of_path(named: str, device: str, settings: Settings) -> Model:
    path = Path(named).expanduser()
    if not path.exists():
        expected = "timm:NAME, hf:NAME_OR_FOLDER, onnx:FILE, WRN-16-2@FILE, a weights file, or FILE.py:function"
        raise ModelError.of(named, named, "no such file or folder", expected, "check the path")
    folder = path if path.is_dir() else path.parent
    if _is_artefact(folder) and (path.is_dir() or path.name == "model.safetensors"):
        from piescope.adapters.architectures import open_artefact

        return open_artefact(folder, device, settings)
    if path.is_dir():
        if not (path / "config.json").is_file():
            found = "a folder without config.json or manifest.json"
            expected = "a folder of transformers' save_pretrained, or a model of a study (artefacts/train/KEY)"
            raise ModelError.of(named, path.name, found, expected, "name the file with the weights: ARCHITECTURE@FILE")
        from piescope.adapters.hf_models import open_hf

        return open_hf(named, device, settings)
    from piescope.adapters.architectures import open_weights

    return open_weights(path, settings.architecture, device, settings)


def _is_artefact(folder: Path) -> bool:
    return (folder / "manifest.json").is_file() and (folder / "model.safetensors").is_file()


def _code(text: str) -> tuple[Path, str] | None:
    """``FILE.py:function`` in its parts."""
    path, _, function = text.rpartition(":")
    return (Path(path), function) if path.lower().endswith(".py") and function.isidentifier() else None


def _at(text: str) -> tuple[str, Path] | None:
    """``ARCHITECTURE@FILE`` in its parts; a file that has an @ in its own name is that file."""
    if Path(text).exists():
        return None
    parts = re.fullmatch(r"([A-Za-z][\w.:-]*)@(.+)", text)
    return (parts[1], Path(parts[2])) if parts else None
