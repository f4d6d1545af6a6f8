"""What a trained network says of images: logits, representations, and what it holds at its probe points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from piescope.models.probes import probe
from piescope.models.wide_resnet import WideResNet
from piescope.training.history import DivergedError
from piescope.training.recipe import Normalisation

BATCH = 512
"""Images that are augmented together, and at most a forward pass."""

PIXELS = 2**16
"""Of images in a forward pass on a CPU: what a layer makes of them stays near the processor. In eval mode the number of
images changes speed and memory only."""


def _passes(images: Tensor) -> Sequence[Tensor]:
    on_cpu = max(1, PIXELS // max(1, images.shape[2] * images.shape[3]))
    return images.split(min(BATCH, on_cpu) if images.device.type == "cpu" else BATCH)


@torch.no_grad()
def predict(
    model: WideResNet, images: Tensor, normalisation: Normalisation
) -> tuple[Float[np.ndarray, "examples classes"], Float[np.ndarray, "examples dims"]]:
    """Logits and representations of uint8 images ``[examples, channels, height, width]``, in eval mode.

    Raises:
        DivergedError: some are NaN or infinite, of weights that are finite, but beyond all measure.
    """
    model.eval()
    parts = [model.features(normalisation.apply(batch)) for batch in _passes(images)]
    representations = torch.cat(parts)
    logits = model.logits(representations)
    lost = ~(logits.isfinite().all(dim=1) & representations.isfinite().all(dim=1))
    if lost.any():
        raise DivergedError(
            f"what the model says of {int(lost.sum()):,} of {len(images):,} images is NaN or infinite; "
            "lower the learning rate, or the weight of q_score where there is one, or leave this seed out"
        )
    return logits.cpu().numpy(), representations.cpu().numpy()


@torch.no_grad()
def probe_all(
    model: WideResNet,
    images: Tensor,
    normalisation: Normalisation,
    points: Sequence[str],
    augment: Callable[[Tensor], Tensor] | None = None,
) -> list[Float[np.ndarray, "examples _"]]:
    """What the network holds at each point for uint8 images, in eval mode; each batch is augmented first, if asked."""
    model.eval()
    by_point: list[list[np.ndarray]] = [[] for _ in points]
    for batch in images.split(BATCH):
        for shown in _passes(batch if augment is None else augment(batch)):
            for parts, values in zip(by_point, probe(model, normalisation.apply(shown), points), strict=True):
                parts.append(values.cpu().numpy())
    return [np.concatenate(parts) for parts in by_point]
