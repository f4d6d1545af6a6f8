"""Image classifiers of transformers: from the hub or a local folder, safetensors only, no remote code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from piescope.adapters.preparation import Fit, Preparation, with_channels
from piescope.adapters.protocol import ModelError, Settings, library, summary
from piescope.adapters.timm_models import only_weights, preparation_of
from piescope.adapters.torch_models import TorchModel, unscaled_note
from piescope.adapters.weight_files import kind_of_weights
from piescope.problems import InputError

PROCESSOR = "preprocessor_config.json"
SHOWN = 5


def open_hf(name: str, device: str, settings: Settings) -> TorchModel:
    """A classifier that ``save_pretrained`` wrote, by folder or by its name on the hub.

    Raises:
        ModelError: transformers is not there; no such model, no safetensors, weights that do not fill it (a head that
            would be random), code of its own, NaN.
    """
    transformers = library("transformers", f"hf:{name}", "models")
    folder = Path(name).expanduser()
    local = folder.is_dir()
    shown = f"hf:{folder.resolve().name if local else name}"
    if local:
        _check_folder(folder, shown)
    elif folder.exists():
        expected, cure = "a folder of model.save_pretrained, or a name on the hub", "name the folder that it lies in"
        raise ModelError.of(shown, folder.name, "a file", expected, cure)
    source = str(folder) if local else name
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
    try:
        with only_weights(), _quiet(transformers):
            config = transformers.AutoConfig.from_pretrained(source, **options)
            module, loaded = transformers.AutoModelForImageClassification.from_pretrained(
                source, config=config, use_safetensors=True, output_loading_info=True, dtype=torch.float32, **options
            )
            prepare, notes = _preparation(transformers, source, config, local, shown, settings)
    except InputError:
        raise
    except Exception as reason:  # the hub's errors, the library's, safetensors'
        raise _not_opened(shown, local, reason) from reason
    _check_loaded(module, loaded, shown)
    classes = getattr(config, "id2label", None) or {}
    names = tuple(str(classes[key]) for key in sorted(classes)) if isinstance(classes, dict) else ()
    unnamed = all(name == f"LABEL_{index}" for index, name in enumerate(names))
    return TorchModel(module.to(device), prepare, shown, None if unnamed else names, "logits", tuple(notes))


def _not_opened(shown: str, local: bool, reason: Exception) -> InputError:
    first = str(reason).strip().split("\n")[0]
    if "remote" in str(reason) and "code" in str(reason):
        found, cure = "a model with code of its own", "write FILE.py with a function that builds it: --trust-code"
    elif "safetensors" in str(reason):
        found, cure = first, "convert it where you trust it: model.save_pretrained(folder) writes safetensors"
    elif local:
        found, cure = summary(reason), "save it again with model.save_pretrained(folder)"
    else:
        found, cure = summary(reason), "check the name and the network, or give a local folder"
    return ModelError.of(shown, shown, found, "an image classifier in safetensors", cure)


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Nothing is printed while weights load; the library's own settings come back."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _check_folder(folder: Path, shown: str) -> None:
    """What can be known of a local folder before any library looks at it."""
    if not (folder / "config.json").is_file():
        raise ModelError.of(
            shown, "config.json", "no such file", "a folder of model.save_pretrained", "check the folder"
        )
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        found = ", ".join(file.name for file in sorted(folder.glob("*.bin"))[:SHOWN]) or "no weights"
        cure = "convert it where you trust it: model.save_pretrained(folder) writes safetensors"
        raise ModelError.of(shown, "weights", found, "model.safetensors: a .bin is a pickle and is not opened", cure)
    for file in weights:
        if kind_of_weights(file) != "safetensors":
            raise ModelError.of(shown, file.name, "a pickle", "safetensors", "save it again with save_pretrained")


def _check_loaded(module: nn.Module, loaded: Any, shown: str) -> None:
    """Weights that were not in the file are random: no audit of those."""
    for key, what in (("missing_keys", "missing"), ("mismatched_keys", "of another shape")):
        names = sorted(map(str, loaded.get(key) or []))
        if names:
            found = f"{len(names)} {what}: {', '.join(names[:SHOWN])}"
            cure = "give a model that was trained to classify (a backbone has no classifier)"
            raise ModelError.of(shown, "weights", found, "all weights of a trained image classifier", cure)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError.of(
                shown, name, "NaN or infinity", "finite weights", "take a checkpoint from before training diverged"
            )


@dataclass(frozen=True, eq=False)
class Processed:
    """The model's own image processor, on Pillow and NumPy.

    Attributes:
        processor: of transformers.
        channels: that the model takes.
        fit: a size that the user said; the processor then neither scales nor cuts.
        pixels: what the user said of pixels; the processor then leaves them as they are.
    """

    processor: Any
    channels: int
    fit: Fit | None
    pixels: Preparation | None

    def __call__(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        """uint8 pictures to float32 pixels ``[examples, channels, height, width]``."""
        pictures = []
        for picture in batch:
            coloured = with_channels(picture, self.channels)
            fitted = coloured if self.fit is None else self.fit.apply(coloured)
            plain = fitted[None] if fitted.ndim == 2 else fitted.transpose(2, 0, 1)
            pictures.append(np.ascontiguousarray(plain))
        asked: dict[str, Any] = {"return_tensors": "np", "input_data_format": "channels_first"}
        if self.fit is not None:
            asked |= {"do_resize": False, "do_center_crop": False}
        if self.pixels is not None:
            asked |= {"do_rescale": False, "do_normalize": False}
        made = np.asarray(self.processor(pictures, **asked)["pixel_values"])
        return made.astype(np.float32) if self.pixels is None else self.pixels.scaled(made)


def _preparation(
    transformers: Any, source: str, config: Any, local: bool, shown: str, settings: Settings
) -> tuple[Any, list[str]]:
    """The model's own processor where it has one; else what its configuration says of sizes."""
    channels = getattr(config, "num_channels", None)
    channels = channels if channels in (1, 3) else 3
    own = getattr(config, "pretrained_cfg", None)
    if isinstance(own, dict):  # a timm model in transformers' clothes
        return preparation_of(own, channels).with_settings(settings), []
    if not local or (Path(source) / PROCESSOR).is_file() or (Path(source) / "processor_config.json").is_file():
        try:
            processor = _processor(transformers, source, local)
        except Exception as reason:
            if local or settings.size is None:
                expected, cure = "an image processor of transformers", "remove it and give --size, --mean and --std"
                raise ModelError.of(shown, PROCESSOR, summary(reason), expected, cure) from None
        else:
            fit = Fit.to(settings.size) if settings.size else None
            pixels = Preparation(channels=channels).with_settings(settings) if settings.says_pixels else None
            return Processed(processor, channels, fit, pixels), []
    side = getattr(config, "image_size", None)
    size = (side, side) if isinstance(side, int) else tuple(side) if isinstance(side, list | tuple) else None
    fit = Fit.to((int(size[0]), int(size[1]))) if size is not None and len(size) == 2 else None
    notes = [f"{shown}: no {PROCESSOR}" + (f", pictures are brought to {side}" if fit else "")]
    if not settings.says_pixels:
        notes.append(unscaled_note(shown))
    return Preparation(channels=channels, fit=fit).with_settings(settings), notes


def _processor(transformers: Any, source: str, local: bool) -> Any:
    """On Pillow where the library has several; older versions have the slow one for that."""
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
    major = int(str(transformers.__version__).split(".")[0])
    chosen: dict[str, Any] = {"backend": "pil"} if major >= 5 else {"use_fast": False}
    return transformers.AutoImageProcessor.from_pretrained(source, **options, **chosen)
