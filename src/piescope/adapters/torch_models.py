"""An nn.Module as a model: eval mode, no gradients, and what its classifier sees as the representation."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from piescope.adapters.outputs import as_rows, may_be_scores, read_outputs
from piescope.adapters.preparation import Preparation, Prepare
from piescope.adapters.protocol import OutputKind, Outputs, Settings, as_names, not_taken
from piescope.problems import InputError


@dataclass(eq=False)
class TorchModel:
    """A module behind the protocol of an audit. The module's own mode and weights are as they were after each batch.

    Attributes:
        module: takes float pixels ``[examples, channels, height, width]``.
        prepare: pictures to pixels.
        name: for people.
        class_names: of its outputs.
        values: of its outputs.
        notes: what was found and assumed.
        classifier: the submodule whose input is the representation, ``""``: none; None: looked for at the first batch.
    """

    module: nn.Module
    prepare: Prepare
    name: str
    class_names: tuple[str, ...] | None = None
    values: OutputKind = "unknown"
    notes: tuple[str, ...] = ()
    classifier: str | None = None

    def with_module(self, module: nn.Module, name: str, notes: tuple[str, ...] = ()) -> TorchModel:
        """The same input and names with another module: a compressed copy, whose classifier has the same name."""
        return replace(self, module=module, name=name, notes=notes)

    @property
    def dynamic_operations(self) -> tuple[str, ...]:
        """By which its answers depend on the batch: see `dynamic_operations_of_module`."""
        return dynamic_operations_of_module(self.module)

    @property
    def device(self) -> torch.device:
        """Where the module's weights are."""
        return _placed(self.module)[0]

    def pixels(self, batch: Sequence[np.ndarray]) -> Tensor:
        """What the module sees of pictures, on its device."""
        device, dtype = _placed(self.module)
        return torch.from_numpy(self.prepare(batch)).to(device=device, dtype=dtype)

    def scores(self, batch: Sequence[np.ndarray]) -> Outputs:
        """What the module says of pictures, and its representation of them.

        Raises:
            ModelError: it fails, or returns nothing of the right shape.
        """
        pixels = self.pixels(batch)
        with evaluating(self.module), torch.no_grad():
            try:
                if self.classifier is None:
                    self.classifier = self._classifier_of(pixels[:2].clone())  # it may work in place
                value, representation = self._run(pixels)
            except InputError:
                raise
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                half = len(batch) // 2  # in eval mode pictures do not see each other
                return _joined([self.scores(batch[:half]), self.scores(batch[half:])])
            except Exception as reason:
                kind = f"{str(pixels.dtype).removeprefix('torch.')} {list(pixels.shape)}"
                expected = "pictures of the size and channels that this model takes"
                cure = "give --size and --channels (Python: Settings)"
                raise not_taken(self.name, kind, reason, expected, cure) from reason
        outputs = read_outputs(value, self.name, len(batch))
        if outputs.representation is None and representation is not None:
            return Outputs(outputs.scores, outputs.labels, representation)
        return outputs

    def _run(self, pixels: Tensor) -> tuple[Any, np.ndarray | None]:
        """What the module returns, and what its classifier saw."""
        if not self.classifier:
            before = self._before_head(pixels.clone()) if _has_pre_logits(self.module) else None
            return self.module(pixels), None if before is None else as_rows(before, len(pixels))
        seen: list[Tensor] = []

        def keep(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            seen[:] = [inputs[0]]

        with self.module.get_submodule(self.classifier).register_forward_pre_hook(keep):
            value = self.module(pixels)
        return value, as_rows(seen[0], len(pixels)) if seen else None

    def _before_head(self, pixels: Tensor) -> Tensor:
        """What timm's heads take for the representation, where no layer by itself gives the scores."""
        features = self.module.forward_features(pixels)  # type: ignore[operator]
        before: Tensor = self.module.forward_head(features, pre_logits=True)  # type: ignore[operator]
        return before

    def _classifier_of(self, pixels: Tensor) -> str:
        """The layer whose output is what the module returns, or else the last one of that width; "" if none is.

        A softmax or a scaling behind the last linear layer makes what is returned another tensor.
        """
        made: dict[str, Tensor] = {}

        def keep(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                made.pop(name, None)
                made[name] = output

        layers = {
            name: module
            for name, module in self.module.named_modules()
            if name and isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d))
        }
        if not layers:
            return ""
        with ExitStack() as hooks:
            for name, module in layers.items():
                hooks.enter_context(module.register_forward_hook(partial(keep, name)))
            returned = _first_table(self.module(pixels), len(pixels))
        if returned is None:
            return ""
        wide = ""
        for name, output in made.items():
            if output.data_ptr() == returned.data_ptr() and output.numel() == returned.numel():
                return name
            if output.shape == returned.shape and isinstance(layers[name], nn.Linear):
                wide = name
        return wide


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode for a while; each submodule's own mode is restored. What was exported or frozen has but one."""
    modes = {layer: layer.training for layer in module.modules() if hasattr(layer, "training")}
    with suppress(NotImplementedError, AttributeError):
        module.eval()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode


def model_of_module(module: nn.Module, name: str, device: str | None, settings: Settings) -> TorchModel:
    """A module from Python or from trusted code. Where the device is not its own, a copy of it goes there."""
    if device is not None and torch.device(device).type != _placed(module)[0].type:
        module = copy.deepcopy(module).to(device)
    channels = input_channels(module)
    prepare = Preparation(channels=channels if channels in (1, 3) else None).with_settings(settings)
    notes = () if settings.says_pixels else (unscaled_note(name),)
    return TorchModel(module, prepare, name, as_names(getattr(module, "class_names", None)), "unknown", notes)


def dynamic_operations_of_module(module: nn.Module) -> tuple[str, ...]:
    """Kinds of layers that take a scale of their activations from the whole batch.

    Example:
        >>> dynamic_operations_of_module(nn.Sequential(nn.Linear(2, 2)))
        ()
    """
    operations = {_dynamic(layer) for layer in module.modules()} - {""}
    graph = getattr(module, "inlined_graph", None) or getattr(module, "graph", None)  # scripted; traced by FX
    if graph is not None:
        text = str(graph)
        operations |= {name for name in ("linear_dynamic", "choose_qparams", "lstm_dynamic") if name in text}
    return tuple(sorted(operations))


def _dynamic(module: nn.Module) -> str:
    kind = type(module)
    if ".quantized.dynamic" in kind.__module__ or ".quantized.reference.dynamic" in kind.__module__:
        return f"{kind.__name__} of torch.ao's dynamic quantisation"
    weight = getattr(module, "weight", None)
    # torchao puts the quantisation of activations into the weight's class
    return type(weight).__name__ if "ActivationQuantized" in type(weight).__name__ else ""


def unscaled_note(name: str) -> str:
    """What is assumed of pixels where nobody says anything."""
    return (
        f"{name} gets pixels of 0 to 1: if it was trained on normalised pixels, give --mean and --std "
        "(Python: Settings(mean=..., std=...))"
    )


def input_channels(module: nn.Module) -> int | None:
    """Channels that the first convolution takes; None where the module has none.

    Example:
        >>> input_channels(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)))
        3
    """
    return next((layer.in_channels for layer in module.modules() if isinstance(layer, nn.Conv2d)), None)


def _placed(module: nn.Module) -> tuple[torch.device, torch.dtype]:
    tensors = (*module.parameters(), *module.buffers())
    floats = ((tensor.device, tensor.dtype) for tensor in tensors if tensor.is_floating_point())
    return next(floats, (torch.device("cpu"), torch.float32))


def _has_pre_logits(module: nn.Module) -> bool:
    head = getattr(module, "forward_head", None)
    if head is None or not hasattr(module, "forward_features"):
        return False
    try:
        return "pre_logits" in inspect.signature(head).parameters
    except (TypeError, ValueError):
        return False


def _first_table(value: Any, count: int) -> Tensor | None:
    """The tensor that `read_outputs` will take for scores."""
    if isinstance(value, Mapping):
        values = may_be_scores({str(key): output for key, output in value.items()})
    elif hasattr(value, "logits"):
        values = [value.logits]
    else:
        values = list(value) if isinstance(value, tuple | list) else [value]
    for table in values:
        if isinstance(table, Tensor) and table.is_floating_point() and table.ndim >= 2 and table.shape[0] == count:
            return table
    return None


def _joined(parts: Sequence[Outputs]) -> Outputs:
    def of(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if any(array is None for array in arrays) else np.concatenate(arrays)

    return Outputs(of("scores"), of("labels"), of("representation"))
