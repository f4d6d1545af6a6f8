"""What an audit asks of a model, whatever it is made with. Knows no kind of model and loads no torch."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64

from piescope.problems import InputError
from piescope.version import install_command

OutputKind = Literal["logits", "probabilities", "labels", "unknown"]
PixelScale = Literal["0-1", "0-255", "-1-1"]
ChannelOrder = Literal["rgb", "bgr", "grey"]

TRIED = 8
"""Pictures that a model is tried on when it is opened."""


class ModelError(InputError):
    """Faults of a model: missing, damaged, not to be trusted, or not what its name says."""


def library(name: str, source: str, extra: str) -> Any:
    """A library that only some models need.

    Args:
        name: as it is imported.
        source: for messages.
        extra: of piescope, that brings it.

    Raises:
        ModelError: it, or one that it imports, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as reason:
        missing = (reason.name or name).split(".")[0]
        expected = name if missing == name else f"{name} and {missing}"
        raise ModelError.of(source, name, f"{missing} is not installed", expected, install_command(extra)) from None


def summary(reason: BaseException) -> str:
    r"""What went wrong in a line.

    Example:
        >>> summary(ValueError("no such size\nsee the manual"))
        'ValueError: no such size'
    """
    return f"{type(reason).__name__}: {str(reason).strip().split(chr(10))[0]}"


def not_taken(model: str, pixels: str, reason: BaseException, expected: str, cure: str) -> ModelError:
    """What is raised where a model fails on pixels of a kind and shape, ``float32 [8, 3, 32, 32]``."""
    return ModelError.of(model, f"called with {pixels}", summary(reason), expected, cure)


def as_names(value: Any) -> tuple[str, ...] | None:
    """Names of classes that a model brings along; None: it has none."""
    return tuple(map(str, value)) if isinstance(value, list | tuple) else None


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
    scale: PixelScale | None = None
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
    values: OutputKind
    notes: tuple[str, ...]

    def scores(self, batch: Sequence[np.ndarray]) -> Outputs:
        """What the model says of pictures: uint8, ``[height, width]`` or ``[height, width, channels]`` each.

        Raises:
            ModelError: pictures that it cannot take, or outputs that are no scores.
        """
        ...


def outputs_of_classes(
    model_names: Sequence[str] | None, picture_names: Sequence[str] | None
) -> Int64[np.ndarray, " classes"] | None:
    """Which output of a model belongs to each class of the pictures, by name; None if the names do not tell.

    Names are compared without case, and a comma ends one (``"tench, Tinca tinca"`` is ``"tench"``).

    Returns:
        ``[classes]``: for each class of the pictures, the model's output of that name.

    Example:
        >>> outputs_of_classes(["dog", "cat", "owl"], ["Cat", "Dog"]).tolist()
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
