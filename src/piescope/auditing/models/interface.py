"""What an audit asks of a model, and from a text that names one to the model. Loads no torch by itself.

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64

from piescope.auditing.pictures import Pictures
from piescope.problems import InputError

Values = Literal["logits", "probabilities", "labels", "unknown"]
Scale = Literal["0-1", "0-255", "-1-1"]
ChannelOrder = Literal["rgb", "bgr", "grey"]

TRIED = 8
"""Pictures that a model is tried on when it is opened."""

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar", ".th")
OTHER_MODEL_FILES = (".pt2", ".h5", ".hdf5", ".keras", ".tflite", ".torchscript", ".pkl", ".pickle", ".pb", ".gguf")
"""Refused with a word on how to convert them: they name models all the same."""


class ModelError(InputError):
    """Faults of a model: missing, damaged, not to be trusted, or not what its name says."""


def model_error(source: str, where: str, found: str, expected: str, cure: str) -> ModelError:
    """A ModelError with one fault."""
    error = ModelError(source)
    error.add(where, found, expected, cure)
    return error


@dataclass(frozen=True)
class Settings:
    """What a user may say of a model's input; None: what the model's own files say, or else as the pictures are.

    Attributes:
        size: ``(height, width)`` that the model takes; other pictures are scaled by their shorter side and cut.
        mean: of each channel, subtracted after scaling.
        std: of each channel, divided by after scaling.
        scale: which range 0..255 becomes before mean and std: 0..1, 0..255 or -1..1.
        architecture: of a file of weights: ``WRN-16-2`` or ``timm:NAME``.
        channels: the order of channels that the model takes, or ``"grey"`` for one channel.

    Raises:
        InputError: sizes or stds that are not positive, another number of means than of stds.

    Example:
        >>> Settings(size=(224, 224), scale="0-1").size
        (224, 224)
    """

    size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    scale: Scale | None = None
    architecture: str | None = None
    channels: ChannelOrder | None = None

    def __post_init__(self) -> None:
        error = InputError("settings")
        if self.size is not None and not (len(self.size) == 2 and all(1 <= side <= 16384 for side in self.size)):
            error.add("--size", str(self.size), "height and width, 1 to 16384", "give 224, or 224x192")
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers is None:
                continue
            if len(numbers) not in (1, 3) or not all(np.isfinite(numbers)):
                error.add(f"--{name}", str(numbers), "1 number, or 3, one for each channel", "0.485,0.456,0.406")
            elif name == "std" and min(numbers) <= 0:
                error.add("--std", str(numbers), "numbers above 0", "leave it out where the model divides by nothing")
        for name, value, known in (
            ("scale", self.scale, ("0-1", "0-255", "-1-1")),
            ("channels", self.channels, ("rgb", "bgr", "grey")),
        ):
            if value is not None and value not in known:
                error.add_unknown(f"--{name}", name, str(value), known)
        error.raise_if_any()

    @property
    def says_pixels(self) -> bool:
        """Whether the scale of pixels is said."""
        return not (self.mean is None and self.std is None and self.scale is None)


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model says of a batch; exactly one of scores and labels is there.

    Attributes:
        scores: ``[examples, classes]``: logits, or probabilities.
        labels: ``[examples]``: class ids.
        representation: ``[examples, dims]``: what the model's classifier sees; None: it cannot be had.
    """

    scores: Float[np.ndarray, "examples classes"] | None
    labels: Int64[np.ndarray, " examples"] | None = None
    representation: Float[np.ndarray, "examples dims"] | None = None


@runtime_checkable
class Model(Protocol):
    """A model that can be audited.

    Attributes:
        name: for people; no private path.
        class_names: of its outputs, in their order; None: it does not say.
        values: what its outputs are; ``"unknown"``: scores that the caller must tell apart.
        notes: sentences on what was found and assumed.
    """

    name: str
    class_names: tuple[str, ...] | None
    values: Values
    notes: tuple[str, ...]

    def scores(self, batch: Sequence[np.ndarray]) -> Outputs:
        """What the model says of pictures: uint8, ``[height, width]`` or ``[height, width, channels]`` each.

        Raises:
            ModelError: pictures that it cannot take, or outputs that are no scores.
        """
        ...


def open_model(
    text: str | Path,
    *,
    trust_code: bool = False,
    device: str = "cpu",
    pictures: Pictures | None = None,
    settings: Settings | None = None,
) -> Model:
    """The model that a text names.

    Args:
        text: see the head of this module.
        trust_code: ``FILE.py:function`` may be executed. Nothing else here ever executes code.
        device: where torch models run: ``"cpu"``, ``"cuda"``, ``"mps"``. ONNX and quantised models run on the CPU.
        pictures: the model is tried on the first few: wrong sizes, class counts and random outputs come out now.
        settings: what the user says of the model's input.

    Raises:
        ModelError: no such model, damaged files, files that would execute code, a missing library, or a model that
            does not fit the pictures.

    Example:
        >>> open_model("net.py:build")
        Traceback (most recent call last):
        ...
        piescope.auditing.models.interface.ModelError: net.py:build: net.py
          found     Python code
          expected  files without code, or your word that this one is safe
          cure      read it, then add --trust-code (Python: trust_code=True)
    """
    settings = settings or Settings()
    named = str(text)
    model = _opened(named, trust_code, device, settings)
    return model if pictures is None else tried(model, pictures)


def as_model(
    value: Any,
    *,
    name: str = "model",
    device: str | None = None,
    pictures: Pictures | None = None,
    settings: Settings | None = None,
) -> Model:
    """A model from Python: an nn.Module, any callable, or a model already behind the protocol.

    A callable takes pixels ``[examples, channels, height, width]``: uint8 as they are, or float32 if `Settings` say a
    scale, mean or std. It returns ``[examples, classes]`` scores or ``[examples]`` labels (arrays or tensors, alone, in
    a tuple, in a dict, or as ``.logits``). An nn.Module gets float32 tensors (0..1 unless settings say otherwise), in
    eval mode and without gradients; its mode is restored after each batch.

    Args:
        value: the model.
        name: for people.
        device: where a module runs; None: where its parameters are.
        pictures: the model is tried on the first few.
        settings: what the user says of the model's input.

    Raises:
        ModelError: nothing that can be called, or it does not fit the pictures.

    Example:
        >>> brightness = as_model(lambda pixels: (pixels.mean((1, 2, 3)) > 127).astype(int), name="brightness")
        >>> brightness.scores([np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)]).labels.tolist()
        [0, 1]
    """
    from piescope.auditing.models.callables import CallableModel, is_module

    settings = settings or Settings()
    model: Model
    if isinstance(value, Model):
        model = value
    elif is_module(value):
        from piescope.auditing.models.torch_models import model_of_module

        model = model_of_module(value, name, device, settings)
    elif callable(value):
        model = CallableModel.of(value, name, settings)
    else:
        raise model_error(
            name, name, f"a {type(value).__name__}", "an nn.Module or a function of pictures", "give one of those"
        )
    return model if pictures is None else tried(model, pictures)


def names_a_model(text: str, settings: Settings | None = None) -> bool:
    """Whether a text names a model rather than a file of predictions; looks at names, and into safetensors headers.

    Example:
        >>> names_a_model("timm:resnet18"), names_a_model("dense.csv"), names_a_model("net.onnx")
        (True, False, True)
    """
    scheme, _, rest = text.partition(":")
    if scheme in ("timm", "hf", "onnx") and rest:
        return True
    if _code(text) is not None or _at(text) is not None:
        return True
    path = Path(text)
    suffix = path.suffix.lower()
    if path.is_dir():
        return (path / "config.json").is_file() or _is_artefact(path)
    if suffix == ".safetensors":
        from piescope.auditing.models.magic import tensor_names

        if settings is not None and settings.architecture is not None:
            return True
        names = tensor_names(path)
        return any(name.endswith((".weight", ".weight_orig", ".running_mean")) for name in names)
    return suffix == ".onnx" or suffix in (*WEIGHT_FILES, *OTHER_MODEL_FILES)


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
        if classes <= highest and class_columns(model.class_names, pictures.class_names) is None:
            raise model_error(
                model.name,
                "classes",
                f"{classes} outputs, and labels up to {highest} in {pictures.name}",
                f"at least {highest + 1} outputs",
                "give the pictures that this model was made for",
            )
    if not _same(first.scores, second.scores) or not _same(first.labels, second.labels):
        notes.append(
            f"{model.name} gives other outputs when asked again (dropout that is active in eval mode, or noise): "
            "its figures cannot be repeated, and some of its flips are chance"
        )
    if first.representation is None:
        notes.append(f"{model.name} shows no layer that its classifier reads from: there are no embeddings of it")
    model.notes = tuple(dict.fromkeys(notes))
    return model


def check_alike(dense: Model, compressed: Model, pictures: Pictures) -> None:
    """Tries both models of an audit on the first pictures together, before either runs over all of them.

    Raises:
        ModelError: they have other classes, as far as their scores and names tell.
    """
    some = pictures.batch(0, min(1, len(pictures)))
    one, two = (model.scores(some).scores for model in (dense, compressed)) if some else (None, None)
    if one is None or two is None or one.shape[1] == two.shape[1]:
        return
    if dense.class_names is not None and compressed.class_names is not None:
        return  # told apart by name
    raise model_error(
        compressed.name,
        "classes",
        f"{two.shape[1]} outputs, where {dense.name} has {one.shape[1]}",
        "two models of the same classes",
        "name the model that was compressed, or its copy",
    )


def class_columns(
    model_names: Sequence[str] | None, picture_names: Sequence[str] | None
) -> Int64[np.ndarray, " classes"] | None:
    """Which output of a model belongs to each class of the pictures, by name; None if the names do not tell.

    Names are compared without case, and a comma ends one (``"tench, Tinca tinca"`` is ``"tench"``).

    Returns:
        ``[classes]``: for each class of the pictures, the model's output of that name.

    Example:
        >>> class_columns(["dog", "cat", "owl"], ["Cat", "Dog"]).tolist()
        [1, 0]
    """
    if model_names is None or picture_names is None:
        return None
    keys = [_key(name) for name in model_names]
    wanted = [_key(name) for name in picture_names]
    if len(set(keys)) < len(keys) or len(set(wanted)) < len(wanted):  # "crane" the bird, "crane" the machine
        keys, wanted = list(model_names), list(picture_names)
    place = {key: column for column, key in enumerate(keys)}
    if len(place) < len(keys) or any(key not in place for key in wanted):
        return None
    return np.array([place[key] for key in wanted], np.int64)


def _key(name: str) -> str:
    return name.split(",")[0].strip().casefold().replace("_", " ")


def _same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.allclose(first, second, rtol=1e-3, atol=1e-5)


def _opened(named: str, trust_code: bool, device: str, settings: Settings) -> Model:
    scheme, _, rest = named.partition(":")
    code = _code(named)
    at = _at(named)
    if scheme == "timm" and rest:
        from piescope.auditing.models.timm_models import open_timm

        name, _, weights = rest.partition("@")
        return open_timm(name, Path(weights) if weights else None, device, settings)
    if scheme == "hf" and rest:
        from piescope.auditing.models.hf_models import open_hf

        return open_hf(rest, device, settings)
    if (scheme == "onnx" and rest) or Path(named).suffix.lower() == ".onnx":
        from piescope.auditing.models.onnx_models import open_onnx

        return open_onnx(Path(rest if scheme == "onnx" else named), settings)
    if code is not None:
        path, function = code
        if not trust_code:
            raise model_error(
                named,
                path.name,
                "Python code",
                "files without code, or your word that this one is safe",
                "read it, then add --trust-code (Python: trust_code=True)",
            )
        from piescope.auditing.models.trusted_code import call_function

        made = call_function(path, function)
        return as_model(made, name=f"{path.name}:{function}", device=device, settings=settings)
    if at is not None:
        from piescope.auditing.models.architectures import open_weights

        return open_weights(at[1], at[0], device, settings)
    return _opened_path(named, device, settings)


def _opened_path(named: str, device: str, settings: Settings) -> Model:
    path = Path(named).expanduser()
    if not path.exists():
        raise model_error(
            named,
            named,
            "no such file or folder",
            "timm:NAME, hf:NAME_OR_FOLDER, onnx:FILE, WRN-16-2@FILE, a weights file, or FILE.py:function",
            "check the path",
        )
    folder = path if path.is_dir() else path.parent
    if _is_artefact(folder) and (path.is_dir() or path.name == "model.safetensors"):
        from piescope.auditing.models.architectures import open_artefact

        return open_artefact(folder, device, settings)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise model_error(
                named,
                path.name,
                "a folder without config.json or manifest.json",
                "a folder of transformers' save_pretrained, or a model of a study (artefacts/train/KEY)",
                "name the file with the weights: ARCHITECTURE@FILE",
            )
        from piescope.auditing.models.hf_models import open_hf

        return open_hf(named, device, settings)
    from piescope.auditing.models.architectures import open_weights

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
    found = re.fullmatch(r"([A-Za-z][\w.:-]*)@(.+)", text)
    return (found[1], Path(found[2])) if found else None
