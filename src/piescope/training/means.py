"""How a training's steps are done: by the host as it goes, or queued on a device that works behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import torch
from torch import Generator, Tensor

from piescope.data.augment import two_views
from piescope.data.batches import to_unit
from piescope.data.draws import DrawnNumbers, batches_of
from piescope.training.captured import Captured, CudaGraphs, Step
from piescope.training.recipe import Augmentation, Training

Augment = Callable[[Tensor, Generator | Tensor], Tensor]


@dataclass(frozen=True)
class Means:
    """What steps are done with; a recipe says what they do.

    Attributes:
        queued: nothing in a step is read by the host or copied from it: draws are made on the device by counters,
            rates lie there, SGD is one operation. Else draws are torch's, made on the CPU.
        compiled: augmentation goes through torch.compile, where it is queued.
        captured: a step is a CUDA graph; only where it is queued.
    """

    queued: bool = False
    compiled: bool = False
    captured: bool = False

    def generator(self) -> Generator | None:
        """The augmentation's, for the whole training; None: draws need none."""
        return None if self.queued else Generator()

    def draws(
        self, generator: Generator | None, seed: int, recipe: Training, data: Tensor, views: int
    ) -> Iterator[Generator | Tensor]:
        """What the augmentation of each batch of an epoch draws from.

        Args:
            generator: of this training; None: numbers ``[batch, numbers]`` follow from the place in the epoch.
            seed: of the epoch.
            recipe: what is drawn for.
            data: all images ``[examples, channels, height, width]``, on the device.
            views: of each image.
        """
        if generator is not None:
            return repeat(generator)
        count = views * numbers_for(recipe.augmentation, data)
        return batches_of(seed, len(data), recipe.batch_size, count, data.device)

    def rates(self, values: Sequence[float], device: torch.device) -> Sequence[float | Tensor]:
        """Learning rates of an epoch's steps where the optimiser reads them."""
        if not self.queued:
            return values
        return torch.tensor(values, dtype=torch.float32).to(device, non_blocking=True).unbind()

    def augmentation(self, recipe: Training, views: int) -> Augment:
        """What makes a batch of uint8 images, and what it draws from, to floats in 0 to 1; see `augmented`."""
        done = partial(augmented, recipe.augmentation, views)
        return torch.compile(done, dynamic=False) if self.queued and self.compiled else done

    def done(self, step: Step) -> Step:
        """A step as it is to be done."""
        return Captured(step, CudaGraphs()) if self.captured else step


AS_IT_GOES = Means()


def numbers_for(augmentation: Augmentation, images: Tensor) -> int:
    """How many numbers an augmentation draws for one of these images.

    Example:
        >>> numbers_for(Augmentation(pad_and_crop=4, horizontal_flip=0.5), torch.zeros(9, 3, 8, 8))
        3
    """
    asked = DrawnNumbers(torch.zeros(1, 1).expand(1, 2**16))
    augmentation.apply(torch.zeros(1, *images.shape[1:]), asked)
    return asked.taken


def augmented(augmentation: Augmentation, views: int, images: Tensor, drawn: Generator | Tensor) -> Tensor:
    """A batch of uint8 images as floats in 0 to 1, each augmented; of two views ``[batch, 2, ...]``."""
    units = to_unit(images)
    if isinstance(drawn, Generator):
        return augmentation.apply(units, drawn) if views == 1 else two_views(units, augmentation.apply, drawn)
    units = units[:, None].expand(-1, views, -1, -1, -1).flatten(0, 1)  # all views at once
    made = augmentation.apply(units, DrawnNumbers(drawn.reshape(len(units), drawn.shape[1] // views)))
    return made if views == 1 else made.unflatten(0, (len(images), views))
