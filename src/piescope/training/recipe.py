"""What a training is, as data: augmentation, optimiser, schedule, batches, epochs, pruning. Loads no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from piescope.pruning.method import Counting, Method, Ranked
from piescope.pruning.schedules import Gradual
from piescope.spec import Spec
from piescope.training.schedule import Constant, LearningRateSchedule

if TYPE_CHECKING:
    from torch import Tensor

    from piescope.data.augment import Draws

Probability = Annotated[float, Field(ge=0, le=1)]
Strength = Annotated[float, Field(ge=0)]


class ColorJitter(Spec):
    """Strengths of the jitter, as torchvision's ColorJitter takes them, and how many images get it."""

    brightness: Strength = 0.0
    contrast: Strength = 0.0
    saturation: Strength = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    probability: Probability = 1.0


class Augmentation(Spec):
    """What happens to a training image, in this order; what is not named does not happen.

    Attributes:
        pad_and_crop: pixels of zero padding before a crop of the original size.
        resized_crop: smallest and largest share of the area that a random resized crop keeps.
        horizontal_flip: probability.
        vertical_flip: probability.
        color_jitter: strengths and probability.
        grayscale: probability.
    """

    pad_and_crop: int = Field(default=0, ge=0)
    resized_crop: tuple[Probability, Probability] | None = None
    horizontal_flip: Probability = 0.0
    vertical_flip: Probability = 0.0
    color_jitter: ColorJitter | None = None
    grayscale: Probability = 0.0

    @model_validator(mode="after")
    def _crop_shares_rise(self) -> Augmentation:
        if self.resized_crop is not None and not 0 < self.resized_crop[0] <= self.resized_crop[1]:
            raise ValueError(
                f"resized_crop {list(self.resized_crop)}; expected [smallest, largest] area shares above 0; "
                "write the smaller share first"
            )
        return self

    def apply(self, images: Tensor, generator: Draws) -> Tensor:
        """Augments ``[batch, channels, height, width]`` floats in 0..1; every draw comes from the generator."""
        from piescope.data import augment

        flips = (self.horizontal_flip, self.vertical_flip)
        if self.pad_and_crop and self.resized_crop is None:
            images = augment.pad_and_crop(images, self.pad_and_crop, generator, flips)
        else:
            images = augment.pad_and_crop(images, self.pad_and_crop, generator)
            if self.resized_crop is not None:
                images = augment.random_resized_crop(images, self.resized_crop, generator)
            for flip, probability in zip((augment.horizontal_flip, augment.vertical_flip), flips, strict=True):
                if probability:
                    images = flip(images, probability, generator)
        if self.color_jitter is not None:
            jitter = self.color_jitter
            images = augment.color_jitter(
                images, jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue, generator, jitter.probability
            )
        if self.grayscale:
            images = augment.grayscale(images, self.grayscale, generator)
        return images


class Normalisation(Spec):
    """Mean and std of each channel on the 0..1 scale; part of the data, the same for every model of a study.

    Attributes:
        mean: 0 to 1 each; of pixels from 0 to 255 divide by 255.
        std: above 0 and at most 1 (of values from 0 to 1 it is at most 0.5).
    """

    mean: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(min_length=1)
    std: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(min_length=1)

    def apply(self, images: Tensor) -> Tensor:
        """uint8 or 0..1 float images to what networks take."""
        import torch

        from piescope.data.batches import normalise, to_unit

        return normalise(to_unit(images) if images.dtype == torch.uint8 else images, self.mean, self.std)


class QScoreTerm(Spec):
    """Q-Score as a regulariser: of the loss of a batch, weight times the mean Q-Score of its representations is taken.

    So a higher Q-Score, a better formed representation, costs less (`piescope.losses.q_score`).

    Attributes:
        weight: above 0.
        form: ``"v1"``: Z-Score over L1 norm, the paper's; ``"aaai24"``: that of the AAAI-24 version.
    """

    weight: float = Field(gt=0)
    form: Literal["v1", "aaai24"] = "v1"


class Training(Spec):
    """One pass through the training loop: SGD over so many epochs.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step (each of them twice in contrastive training).
        learning_rate: the schedule multiplies it.
        momentum: of SGD.
        nesterov: Nesterov's momentum.
        weight_decay: L2, on every parameter that is trained (norms and biases too).
        schedule: constant, multi_step or cosine.
        augmentation: of the training images.
        drop_last: leave out the last, smaller batch.
        precision: of the network's products; ``"bfloat16"`` rounds what goes into them, in training alone. Weights,
            momentum, batch statistics and losses are float32, and what a network says afterwards, too.
        q_score: a regulariser, beside the loss; none unless it is named.
    """

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: LearningRateSchedule = Constant()
    augmentation: Augmentation = Augmentation()
    drop_last: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    q_score: QScoreTerm | None = None

    @model_serializer(mode="wrap")
    def _as_before_there_was_a_choice(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without float32 and no regulariser, so that the key of a step that was done before is its key still."""
        fields: dict[str, Any] = plain(self)
        usual = {"precision": "float32", "q_score": None}
        return {name: value for name, value in fields.items() if name not in usual or value != usual[name]}

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Training:
        if self.nesterov and self.momentum == 0:
            raise ValueError(
                "nesterov true and momentum 0; expected momentum above 0; set a momentum, or nesterov to false"
            )
        return self

    @property
    def against_divergence(self) -> str:
        """What to lower where it diverges.

        Example:
            >>> Training(epochs=1, batch_size=50, learning_rate=1.0, q_score=QScoreTerm(weight=9.0)).against_divergence
            'lower the weight of q_score (9) or the learning rate'
        """
        term = "" if self.q_score is None else f"the weight of q_score ({self.q_score.weight:g}) or "
        return f"lower {term}the learning rate"

    def steps_per_epoch(self, examples: int) -> int:
        """Batches in one epoch over this many training images."""
        return examples // self.batch_size if self.drop_last else -(-examples // self.batch_size)

    def last_batch(self, examples: int) -> int:
        """Images in the last batch of an epoch over this many training images.

        Example:
            >>> Training(epochs=1, batch_size=50, learning_rate=1.0).last_batch(101)
            1
        """
        left = examples % self.batch_size
        return self.batch_size if not left or (self.drop_last and examples > self.batch_size) else left

    def images(self, examples: int, steps: int) -> int:
        """Images in the first so many steps over this many training images.

        Example:
            >>> Training(epochs=2, batch_size=50, learning_rate=1.0).images(101, 4)
            151
        """
        epochs, more = divmod(steps, self.steps_per_epoch(examples))
        left_out = examples % self.batch_size if self.drop_last else 0
        return epochs * (examples - left_out) + more * self.batch_size

    def rate(self, step: int, examples: int) -> float:
        """The learning rate of a step, 0-based, over this many training images."""
        return self.learning_rate * self.schedule.factor(step / self.steps_per_epoch(examples), self.epochs)

    def steps(self, examples: int) -> int:
        """Optimiser steps of the whole training.

        Example:
            >>> Training(epochs=205, batch_size=128, learning_rate=1.0).steps(50_000)
            80155
        """
        return self.epochs * self.steps_per_epoch(examples)


class Contrastive(Spec):
    """Two stages: encoder and projection head by a contrastive loss, then a linear head on the frozen encoder.

    Attributes:
        encoder: the first stage.
        head: the second.
        temperature: of the loss.
        base_temperature: rescales the loss by temperature / base_temperature when given.
        projection: hidden width and length of a projection; both the encoder's dims when not given.
    """

    encoder: Training
    head: Training
    temperature: float = Field(gt=0)
    base_temperature: Annotated[float, Field(gt=0)] | None = None
    projection: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None

    @model_validator(mode="after")
    def _a_frozen_encoder_is_not_regularised(self) -> Contrastive:
        if self.head.q_score is not None:
            raise ValueError(
                "q_score in the head's training; expected it in the encoder's; "
                "move it to encoder: representations do not change while the head is trained"
            )
        return self


class GradualPruning(Method):
    """Prunes during training, in each stage on its own schedule (GMP; delayed GMP is a later begin).

    Attributes:
        supervised: schedule in cross-entropy training.
        encoder: schedule in the contrastive first stage; prunes the encoder, never the projection head.
        head: schedule in the contrastive second stage; prunes the linear head to the same sparsity.
        counting: ``"total"``: a pruning drops round(sparsity * n) weights in all; ``"remaining"``: a rounded share of
            those that remain, as torch's iterated pruning does, so that small tensors lag.
        ranked: ``"current"``: the weights that there are; ``"last_forward"``: those of the last forward pass, one
            optimiser step old, as torch's iterated pruning has them.
    """

    kind: Literal["gradual"]
    supervised: Gradual | None = None
    encoder: Gradual | None = None
    head: Gradual | None = None
    counting: Counting = "total"
    ranked: Ranked = "current"

    @model_serializer(mode="wrap")
    def _as_before_there_was_a_choice(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without current, so that the key of a step that was done before is its key still."""
        fields: dict[str, Any] = plain(self)
        return {name: value for name, value in fields.items() if (name, value) != ("ranked", "current")}

    def shared_steps(self, schedule: Gradual, steps: int) -> int:
        """How many of so many steps a training has in common with the dense one, so that it can begin after them.

        Example:
            >>> schedule = Gradual(begin=10, end=35, frequency=10)
            >>> GradualPruning(kind="gradual").shared_steps(schedule, 50)
            19
            >>> GradualPruning(kind="gradual", ranked="last_forward").shared_steps(schedule, 50)  # the 19th is ranked
            18
        """
        unpruned = schedule.unpruned_steps(steps)
        return unpruned - 1 if self.ranked == "last_forward" and unpruned < steps else unpruned

    @model_validator(mode="after")
    def _what_was_ranked_does_not_regrow(self) -> GradualPruning:
        if self.regrowth and self.ranked == "last_forward":
            raise ValueError(
                "regrowth true and ranked 'last_forward'; expected one of them; weights that come back need "
                "ranked = 'current'"
            )
        return self

    @model_validator(mode="after")
    def _draws_rank_no_weights(self) -> GradualPruning:
        if self.criterion == "random" and self.ranked == "last_forward":
            raise ValueError(
                "criterion 'random' and ranked 'last_forward'; expected one of them; random masks look at no weights: "
                "write ranked = 'current'"
            )
        return self

    @model_validator(mode="after")
    def _what_remains_does_not_regrow(self) -> GradualPruning:
        if self.regrowth and self.counting == "remaining":
            raise ValueError(
                "regrowth true and counting 'remaining'; expected one of them; weights that come back need "
                "counting = 'total'"
            )
        return self


class OneShotPruning(Method):
    """Prunes a trained dense model at once, then fine-tunes the whole network with cross-entropy.

    Attributes:
        finetune: the fine-tuning; each sparsity starts again from the dense model.
    """

    kind: Literal["one_shot"]
    finetune: Training


PruningMethod = Annotated[GradualPruning | OneShotPruning, Field(discriminator="kind")]
