"""Any function of pixels as a model. Loads no torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from piescope.adapters.outputs import read_outputs
from piescope.adapters.preparation import Preparation, Prepare
from piescope.adapters.protocol import OutputKind, Outputs, Settings, as_names, not_taken
from piescope.problems import InputError


def is_module(value: Any) -> bool:
    """Whether a value is an nn.Module; where torch was never imported, nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


@dataclass(eq=False)
class CallableModel:
    """A function of pixels ``[examples, channels, height, width]`` to scores or labels.

    Attributes:
        function: uint8 pixels as they are, or float32 where `prepare` scales them.
        prepare: pictures to pixels.
        name: for people.
        class_names: of its outputs.
        values: of its outputs.
        notes: what was found and assumed.
    """

    function: Callable[[np.ndarray], Any]
    prepare: Prepare
    name: str
    class_names: tuple[str, ...] | None = None
    values: OutputKind = "unknown"
    notes: tuple[str, ...] = ()

    @staticmethod
    def of(function: Callable[[np.ndarray], Any], name: str, settings: Settings) -> CallableModel:
        """A callable with what the user says of its input."""
        prepare = Preparation(scale=None).with_settings(settings)
        return CallableModel(function, prepare, name, as_names(getattr(function, "class_names", None)))

    def scores(self, batch: Sequence[np.ndarray]) -> Outputs:
        """What the function says of pictures.

        Raises:
            ModelError: it fails, or returns nothing of the right shape.
        """
        pixels = self.prepare(batch)
        try:
            value = self.function(pixels)
        except InputError:
            raise
        except Exception as reason:
            expected = "scores [examples, classes] or labels [examples]"
            cure = "the function takes [examples, channels, height, width]"
            raise not_taken(self.name, f"{pixels.dtype} {list(pixels.shape)}", reason, expected, cure) from reason
        return read_outputs(value, self.name, len(batch))
