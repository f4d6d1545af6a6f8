"""What a study's steps are made of, as questions to a machine: how long does one of these take? Loads no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from piescope.models.build import ModelSpec
from piescope.spec import Spec
from piescope.study.forks import forks_of
from piescope.study.plan import ProbeDepth, PruneAndFinetune, Step, Train
from piescope.study.spec import Study, loss_of
from piescope.training.recipe import Training
from piescope.training.schedule import Constant

UMAP_LOADED, UMAP_EXAMPLE = 3.0, 0.001
"""Rough seconds of a core of an AMD EPYC: UMAP and what is kept compiled of it, once a worker; an example of a map."""

Stage = Literal["supervised", "supcon", "simclr", "head"]


class Network(Spec):
    """What is asked of a network: which one, on which images (channels, height, width), for how many classes."""

    model: ModelSpec
    image_shape: tuple[int, int, int]
    num_classes: int


class TrainedImage(Network):
    """An image forward and backward, with its share of all that a training step does; views are images.

    Attributes:
        stage: whose loss it is; ``head`` trains the linear head on a frozen encoder.
        training: what a step's time hangs on: batch, augmentation, optimiser, precision; not how many, at which rate.
        projection: of a contrastive stage.
    """

    what: Literal["training"] = "training"
    stage: Stage
    training: Training
    projection: tuple[int, int] | None = None

    @property
    def views(self) -> int:
        """Of each image in a batch."""
        return 2 if self.stage in ("supcon", "simclr") else 1


class PredictedImage(Network):
    """An image of which logits and representation are kept."""

    what: Literal["predict"] = "predict"


class ProbedModel(Network):
    """The kNN labels of all test images at all probes of a model: so many neighbours among so many images."""

    what: Literal["depth"] = "depth"
    points: tuple[str, ...]
    k: int
    bank: int
    asked: int


class MappedExample(Spec):
    """An example of one of the UMAPs, of so many examples each, that are fitted together."""

    what: Literal["project"] = "project"
    examples: int
    dims: int
    neighbours: int


class StartUp(Spec):
    """A worker, until it can be handed a step."""

    what: Literal["start"] = "start"


Question = Annotated[TrainedImage | PredictedImage | ProbedModel | MappedExample | StartUp, Field(discriminator="what")]


def work_of(study: Study, step: Step) -> dict[Question, float]:
    """What a step is made of, and how much of each; a training from its first step on. Of the rest nothing is measured.

    Example:
        >>> from piescope.study.parse import load_study
        >>> from piescope.study.plan import make_plan
        >>> study = load_study("digits")
        >>> named = {step.label: step for step in make_plan(study).steps}
        >>> [(question.stage, images) for question, images in work_of(study, named["supcon gmp 0.9, seed 0"]).items()]
        [('supcon', 28000), ('head', 10000)]
    """
    network = _network(study)
    match step.kind:
        case "train" | "finetune":
            first, *later = stages_of(study, step)
            return {first: step.forward_backward + step.taken_over, **dict.fromkeys(later, step.forward)}
        case "predict":
            return {PredictedImage(**network): step.forward}
        case "depth":
            assert isinstance(step.spec, ProbeDepth)
            points, k, facts = step.spec.points, step.spec.k, study.data.facts
            return {ProbedModel(**network, points=points, k=k, bank=facts.train_examples, asked=facts.test_examples): 1}
        case "project":
            examples, wanted = study.data.facts.test_examples, study.measures.projection
            assert wanted is not None, "a map is asked for"
            mapped = MappedExample(examples=examples, dims=study.model.dims, neighbours=wanted.neighbours)
            return {mapped: step.forward}
    return {}


def forks_in_images(study: Study, step: Step) -> dict[str, int]:
    """After how many images of its first stage a training comes to each of its forks, by the fork's key."""
    forks = forks_of(step)
    if not forks:
        return {}
    first, examples = stages_of(study, step)[0], study.data.facts.train_examples
    return {fork.key: first.views * first.training.images(examples, fork.steps) for fork in forks}


def stages_of(study: Study, step: Step) -> tuple[TrainedImage, ...]:
    """The stages of a training, in their order."""
    spec = step.spec
    if isinstance(spec, PruneAndFinetune):
        return (_stage(study, "supervised", spec.pruning.finetune),)
    assert isinstance(spec, Train), "it trains"
    training = spec.training
    if isinstance(training, Training):
        return (_stage(study, "supervised", training),)
    dims = study.model.dims
    encoder = _stage(study, loss_of(spec.objective), training.encoder, training.projection or (dims, dims))
    return encoder, _stage(study, "head", training.head)


def _stage(study: Study, stage: Stage, training: Training, projection: tuple[int, int] | None = None) -> TrainedImage:
    batch = min(training.batch_size, study.data.facts.train_examples)
    step = {"epochs": 1, "learning_rate": 1.0, "schedule": Constant(), "batch_size": batch}
    alike = training.model_copy(update=step)
    return TrainedImage(**_network(study), stage=stage, training=alike, projection=projection)


def _network(study: Study) -> dict[str, Any]:
    facts = study.data.facts
    return {"model": study.model, "image_shape": facts.image_shape, "num_classes": facts.num_classes}
