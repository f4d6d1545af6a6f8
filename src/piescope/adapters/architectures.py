"""Weights without code: a built-in architecture and a state_dict, or a model that a study trained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from piescope.adapters.preparation import Preparation
from piescope.adapters.protocol import ModelError, Settings
from piescope.adapters.torch_models import TorchModel, unscaled_note
from piescope.adapters.weights import State, fill, read_state, without_prefixes
from piescope.models.build import ModelSpec
from piescope.models.wide_resnet import WideResNet
from piescope.store import layout
from piescope.store.artefacts import Artefact, CorruptArtefactError
from piescope.store.manifests import Manifest

KNOWN = "WRN-16-2 (any WRN-DEPTH-WIDTH) or timm:NAME"
LARGEST_DEPTH = 1000
LARGEST_WIDTH = 64


def open_weights(path: Path, architecture: str | None, device: str, settings: Settings) -> TorchModel:
    """A state_dict of a known architecture; channels and classes are read off its shapes.

    Args:
        path: the file.
        architecture: ``WRN-16-2`` or ``timm:NAME``; None: told from the names and shapes if they are a WideResNet's.
        device: where it runs.
        settings: what the user says of its input.

    Raises:
        ModelError: see `read_state` and `fill`; an unknown architecture.
    """
    state = read_state(path)
    name = f"{architecture}@{path.name}" if architecture else path.name
    if architecture is not None and architecture.startswith("timm:"):
        from piescope.adapters.timm_models import open_timm_state

        return open_timm_state(architecture.removeprefix("timm:"), state, name, device, settings)
    spec = _named(architecture, path.name) if architecture is not None else _spec_of(state)
    module, notes = _wide_resnet(spec, state)
    if architecture is None:
        notes = (*notes, f"{path.name}: {spec.name}, by the names and shapes of its tensors")
    if not settings.says_pixels:
        notes = (*notes, unscaled_note(name))
    prepare = Preparation(channels=_colours(module)).with_settings(settings)
    return TorchModel(module.to(device), prepare, name, None, "logits", notes, "head")


def open_artefact(folder: Path, device: str, settings: Settings) -> TorchModel:
    """A model that a study trained: its manifest says what it is and how its pixels are scaled.

    Args:
        folder: ``STUDY/artefacts/train/KEY`` or ``STUDY/artefacts/finetune/KEY``.
        device: where it runs.
        settings: what the user says of its input.

    Raises:
        ModelError: no such artefact, or one whose bytes are not what its manifest says.
    """
    name = f"{folder.parent.name}/{folder.name[:12]}"
    try:
        manifest = Manifest.of((folder / layout.MANIFEST).read_bytes())
        made_of: dict[str, Any] = manifest.spec
        spec = ModelSpec.model_validate(made_of["model"])
        scaled = made_of["data"]["normalisation"]
        mean, std = tuple(map(float, scaled["mean"])), tuple(map(float, scaled["std"]))
        size = made_of["data"].get("image_size")
        label = manifest.label
        Artefact(folder, manifest).read(layout.MODEL)  # its hash
    except CorruptArtefactError as reason:
        found = str(reason).split(";")[0].removeprefix(f"{folder}: ")
        raise ModelError.of(name, layout.MODEL, found, "the bytes that were written", "run the study again") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError, RecursionError) as reason:
        found = f"no manifest of a trained model ({type(reason).__name__})"
        expected = "a folder artefacts/train/KEY or artefacts/finetune/KEY of a study"
        raise ModelError.of(name, layout.MANIFEST, found, expected, "name the right folder") from None
    state = read_state(folder / layout.MODEL)
    module, notes = _wide_resnet(spec, state)
    prepare = Preparation(channels=_colours(module), mean=mean, std=std)
    if isinstance(size, int):
        prepare = prepare.with_settings(Settings(size=(size, size)))
        notes = (*notes, f"{label}: pictures are brought to {size} x {size}, as in its study")
    prepare = prepare.with_settings(settings)
    return TorchModel(
        module.to(device), prepare, label, _class_names(folder, manifest.parents), "logits", notes, "head"
    )


def _class_names(folder: Path, parents: tuple[str, ...]) -> tuple[str, ...] | None:
    """From the study's data, if they lie where the study has them."""
    for key in parents:
        path = folder.parent.parent / "data" / key / layout.DATA_FACTS
        try:
            names = json.loads(path.read_bytes())["class_names"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
    return None


def _named(architecture: str, source: str) -> ModelSpec:
    """``WRN-16-2`` as a spec.

    Raises:
        ModelError: another name, or a depth that no WideResNet has.
    """
    parts = re.fullmatch(r"(?:WRN|wrn|Wrn)-?(\d{1,4})-(\d{1,3})", architecture)
    try:
        if parts is None or int(parts[1]) > LARGEST_DEPTH or int(parts[2]) > LARGEST_WIDTH:
            raise ValueError
        return ModelSpec(depth=int(parts[1]), width=int(parts[2]))
    except (ValueError, ValidationError):
        cure = "depth is 6 n + 4: 10, 16, 22, 28, 40; other networks: export to ONNX, or FILE.py:function"
        raise ModelError.of(source, "architecture", architecture, KNOWN, cure) from None


def _spec_of(state: State) -> ModelSpec:
    """The WideResNet whose names and shapes a state has.

    Raises:
        ModelError: it is none.
    """
    tensors = without_prefixes(state, ("conv1.weight", "head.weight", "head.bias")).tensors
    blocks = {name.split(".")[1] for name in tensors if re.fullmatch(r"stage1\.\d+\.conv1\.weight", name)}
    first = tensors.get("stage1.0.conv1.weight")
    head = tensors.get("head.weight")
    if not blocks or first is None or head is None or first.ndim != 4 or first.shape[0] % 16:
        cure = "name it: WRN-16-2@FILE, timm:NAME@FILE or --architecture"
        raise ModelError.of(state.source, "architecture", "none was given", KNOWN, cure)
    return _named(f"WRN-{6 * len(blocks) + 4}-{first.shape[0] // 16}", state.source)


def _wide_resnet(spec: ModelSpec, state: State) -> tuple[WideResNet, tuple[str, ...]]:
    tensors = without_prefixes(state, ("conv1.weight", "head.weight", "head.bias")).tensors
    first, head = tensors.get("conv1.weight"), tensors.get("head.weight")
    channels = int(first.shape[1]) if first is not None and first.ndim == 4 else 3
    classes = int(head.shape[0]) if head is not None and head.ndim == 2 else 10
    with torch.device("meta"):  # an architecture that is not that of the file takes no memory
        module = spec.build((max(1, channels), 1, 1), max(1, classes), None)
    return module, fill(module, state, spec.name)


def _colours(module: WideResNet) -> int | None:
    channels = module.conv1.in_channels
    return channels if channels in (1, 3) else None
