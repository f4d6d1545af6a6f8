"""Models of timm, with its weights or one's own, and the preparation that its configurations name."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from piescope.adapters.preparation import INTERPOLATIONS, Fit, Preparation
from piescope.adapters.protocol import ModelError, Settings, as_names, library, summary
from piescope.adapters.torch_models import TorchModel
from piescope.adapters.weights import State, fill, read_state, without_prefixes

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CROP = 0.875
MODES: dict[str, Literal["center", "squash", "border"]] = {"center": "center", "squash": "squash", "border": "border"}


def open_timm(name: str, weights: Path | None, device: str, settings: Settings) -> TorchModel:
    """A model of timm by name, with timm's weights (downloaded once) or those of a file.

    Raises:
        ModelError: timm or torchvision is not there, no such model or weights, no network, a file that does not fit.
    """
    if weights is not None:
        return open_timm_state(name, read_state(weights), f"timm:{name}@{weights.name}", device, settings)
    timm = _timm(name)
    try:
        with only_weights():
            module = timm.create_model(name, pretrained=True)
    except Exception as reason:  # its own errors, huggingface_hub's, requests', safetensors'
        expected = "pretrained weights, from timm's cache or the network"
        cure = f"download them where there is a network, or give timm:{name}@FILE"
        raise ModelError.of(f"timm:{name}", "weights", summary(reason), expected, cure) from reason
    return _opened(module, f"timm:{name}", (), device, settings)


def open_timm_state(name: str, state: State, shown: str, device: str, settings: Settings) -> TorchModel:
    """An architecture of timm with weights of one's own; classes and channels are read off their shapes.

    Raises:
        ModelError: as `open_timm`.
    """
    timm = _timm(name)
    with only_weights():
        module = timm.create_model(name, pretrained=False)
        described = dict(module.pretrained_cfg)
        tensors = without_prefixes(state, module.state_dict()).tensors
        sizes: dict[str, Any] = {}
        classifier, first = described.get("classifier"), described.get("first_conv")
        if isinstance(classifier, list | tuple) and classifier:  # distilled: two heads of one width
            classifier = classifier[0]
        head = tensors.get(f"{classifier}.weight") if isinstance(classifier, str) else None
        stem = tensors.get(f"{first}.weight") if isinstance(first, str) else None
        if head is not None and head.ndim >= 2 and head.shape[0] != described.get("num_classes"):
            sizes["num_classes"] = int(head.shape[0])
        if stem is not None and stem.ndim == 4 and stem.shape[1] != 3:
            sizes["in_chans"] = int(stem.shape[1])
        if sizes:
            module = timm.create_model(name, pretrained=False, **sizes)
    notes = fill(module, state, f"timm:{name}")
    return _opened(module, shown, notes, device, settings)


def preparation_of(described: Mapping[str, Any], channels: int = 3) -> Preparation:
    """What a ``pretrained_cfg`` of timm says of its input, as timm's own evaluation does it.

    Raises:
        ModelError: an interpolation or a way of cropping that is not known here.

    Example:
        >>> preparation_of({"input_size": (3, 224, 224), "crop_pct": 0.875, "interpolation": "bicubic"}).fit.scaled
        (256, 256)
    """
    _, height, width = described.get("input_size") or (3, 224, 224)
    share = float(described.get("crop_pct") or CROP)
    mode = described.get("crop_mode") or "center"
    interpolation = described.get("interpolation") or "bicubic"
    if mode not in MODES or interpolation not in INTERPOLATIONS:
        found = f"crop_mode {mode}, interpolation {interpolation}"
        raise ModelError.of("timm", "pretrained_cfg", found, "known ones", "give --size")
    mean, std = tuple(described.get("mean") or IMAGENET_MEAN), tuple(described.get("std") or IMAGENET_STD)
    if channels == 1:  # one channel of what its three were on average
        mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
    scaled = math.floor(height / share), math.floor(width / share)
    fill_colour = tuple(round(255 * value) for value in mean) if mode == "border" else (0,) * channels
    fit = Fit((height, width), scaled, MODES[mode], interpolation, fill_colour)
    return Preparation(channels=channels, fit=fit, scale="0-1", mean=mean, std=std)


@contextmanager
def only_weights() -> Iterator[None]:
    """Whatever a library asks for, torch.load opens tensors alone meanwhile."""
    key = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(key)
    os.environ[key] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[key]
        else:
            os.environ[key] = before


def _timm(name: str) -> Any:
    """The library, once it is known that it has the model.

    Raises:
        ModelError: it, or the torchvision that it imports, is not installed; no model of that name.
    """
    shown = f"timm:{name}"
    timm = library("timm", shown, "models")  # which imports torchvision
    bare = name.split(".")[0]
    if not timm.is_model(bare):
        close = get_close_matches(bare, timm.list_models(), n=3, cutoff=0.65)
        cure = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists them"
        raise ModelError.of(shown, "model", name, "a model that timm has by this name", cure)
    return timm


def _opened(module: nn.Module, shown: str, notes: tuple[str, ...], device: str, settings: Settings) -> TorchModel:
    described: Mapping[str, Any] = dict(getattr(module, "pretrained_cfg", {}) or {})
    first = described.get("first_conv")
    parameters: dict[str, Tensor] = dict(module.named_parameters())
    stem = parameters.get(f"{first}.weight") if isinstance(first, str) else None
    channels = int(stem.shape[1]) if stem is not None and stem.ndim == 4 else 3
    prepare = preparation_of(described, channels if channels in (1, 3) else 3).with_settings(settings)
    names = as_names(described.get("label_names"))
    if not settings.says_pixels:
        size = "x".join(map(str, prepare.fit.size)) if prepare.fit else "any size"
        notes = (*notes, f"{shown}: pictures are brought to {size}, as timm's configuration says")
    classifier = described.get("classifier")
    named = classifier if isinstance(classifier, str) and classifier in dict(module.named_modules()) else None
    return TorchModel(module.to(device), prepare, shown, names, "logits", notes, named)
