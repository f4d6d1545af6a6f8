"""A compressed copy of a model: asks the file that knows its kind. Loads torch only to make one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from piescope.adapters.compression import Compression, CopyFacts
from piescope.adapters.protocol import Model, ModelError


def compressed_copy(
    model: Model, compression: Compression, seed: int = 0, calibration: Sequence[np.ndarray] | None = None
) -> tuple[Model, CopyFacts]:
    """A compressed copy; the model itself stays as it is.

    Pruning sets weights of convolutions and linear layers to 0, the classifier's too, never biases or norms; all
    weights compete (``masks_from_scores``, scope global): exactly ``round(amount * weights)`` go, ties by index.
    n:m groups run along the input channels, as sparse tensor cores take them; layers whose input channels are no
    multiple of m are left as they are, and it is said.

    Args:
        model: an nn.Module behind the protocol, or an ONNX model.
        compression: what to do.
        seed: of the random choice.
        calibration: pictures that int8 takes its ranges of activations from (a few hundred, none of the audited ones
            if there are others). Without them a module's weights alone are quantised; onnxruntime takes activations
            as they come.

    Raises:
        ModelError: a model whose weights cannot be reached, or with nothing to compress.

    Source: Paganini and Forde 2020 (global magnitude); Mishra et al. 2021, arXiv 2104.08378 (2:4).
    """
    from piescope.adapters.onnx_models import OnnxModel

    if isinstance(model, OnnxModel):
        from piescope.adapters.onnx_compress import compressed_onnx

        return compressed_onnx(model, compression, seed, calibration)
    if hasattr(model, "module"):
        from piescope.adapters.torch_compress import compressed_module
        from piescope.adapters.torch_models import TorchModel

        if isinstance(model, TorchModel):
            return compressed_module(model, compression, seed, calibration)
    found, expected = "a function whose weights cannot be reached", "a torch module, a file of weights or an ONNX model"
    cure = "give the model itself, or compress it yourself and audit both"
    raise ModelError.of(model.name, f"--compress {compression.name}", found, expected, cure)
