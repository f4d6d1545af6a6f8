"""A study as data: parsed strictly, checked whole, before any work. Loads no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from piescope.data.dataset import Splits
from piescope.data.locate import OnBytes
from piescope.data.sources import SOURCES, Facts, load_source
from piescope.models.build import ModelSpec
from piescope.problems import DataError, StudyError
from piescope.spec import Spec
from piescope.study import controls
from piescope.study.controls import Control, FinetuneOnly, FreshDense, RandomMasks
from piescope.study.inherit import shipped
from piescope.training.recipe import (
    Contrastive,
    GradualPruning,
    Normalisation,
    OneShotPruning,
    PruningMethod,
    Training,
)
from piescope.training.schedule import MultiStep, MultiStepCosine

Objective = Literal["supervised", "supcon", "simclr"]
DENSE = "dense"
MOST_MODELS = 100_000

Sparsity = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Holds(Spec):
    """What a user's own data set holds, so that a study can be checked without it (`piescope data` prints it).

    Attributes:
        train_examples: images to learn from.
        test_examples: images to find the lost ones in.
        image_shape: channels, height, width.
        num_classes: classes, the same in both halves.
    """

    train_examples: int = Field(ge=1)
    test_examples: int = Field(ge=1)
    image_shape: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    num_classes: int = Field(ge=2)


class DataSpec(Spec):
    """Which images, how many of them, how large, and how they are scaled. Where they lie is no part of a study.

    Attributes:
        source: a name from ``piescope.data.sources.SOURCES``.
        normalisation: mean and std per channel.
        train_examples: keep so many training images, the same share of each class.
        test_examples: likewise for the test images.
        image_size: shrink images to this height and width.
        holds: for a source of the user's own: what it holds.
    """

    source: str
    normalisation: Normalisation
    train_examples: int | None = Field(default=None, ge=1)
    test_examples: int | None = Field(default=None, ge=1)
    image_size: int | None = Field(default=None, ge=4)
    holds: Holds | None = None

    @property
    def whole(self) -> Facts:
        """What the source holds before anything is left out or shrunk."""
        known = SOURCES[self.source].facts
        if known is not None:
            return known
        assert self.holds is not None, "checked when the study was parsed"
        holds = self.holds
        return Facts(holds.train_examples, holds.test_examples, holds.image_shape, holds.num_classes)

    @property
    def facts(self) -> Facts:
        """What the study works on."""
        whole = self.whole
        channels, height, width = whole.image_shape
        return Facts(
            whole.train_examples if self.train_examples is None else self.train_examples,
            whole.test_examples if self.test_examples is None else self.test_examples,
            (channels, self.image_size or height, self.image_size or width),
            whole.num_classes,
        )

    def load(self, where: Path | None = None, on_bytes: OnBytes | None = None) -> Splits:
        """The data, checked against what the study says of them.

        Raises:
            DataError: missing, damaged, or other data than described.
        """
        splits = load_source(
            self.source, where, self.whole, self.train_examples, self.test_examples, self.image_size, on_bytes
        )
        error = DataError(self.source)
        found = Facts.of(splits)
        for name, expected in asdict(self.facts).items():
            held = getattr(found, name)
            if held != expected:
                error.add(
                    name,
                    str(held),
                    f"{expected}, as the study says",
                    "correct data.holds, or give the right --data-dir",
                )
        error.raise_if_any()
        return splits


class Trainings(Spec):
    """How dense models are trained, for each objective that the study has."""

    supervised: Training | None = None
    supcon: Contrastive | None = None
    simclr: Contrastive | None = None


class DepthSpec(Spec):
    """Prediction depth.

    Attributes:
        models: replicates it is averaged over: the first so many.
        points: ``"corti2022"``, the paper's probes; ``"blocks"``, those of Baldock et al. 2021 (input, first
            convolution, the end of each block, last ReLU, softmax); or an ordered list of names.
        k: neighbours.
        augment_bank: the kNN bank is the training images under one draw of the training's augmentation (the
            paper's code) instead of the clean images.
    """

    models: int = Field(ge=1)
    points: Literal["corti2022", "blocks"] | tuple[str, ...] = "corti2022"
    k: int = Field(default=30, ge=1)
    augment_bank: bool = False


class ProjectionSpec(Spec):
    """UMAP of representations, dense and at these sparsities.

    Attributes:
        sparsities: which of the study's sparsities get a map.
        neighbours: UMAP's n_neighbors.
        min_dist: UMAP's min_dist.
        seed: UMAP's random_state.
        of: ``"first"``: the first replicate's representations; ``"mean"``: their mean over all replicates, whose
            axes have nothing to do with each other (the paper's code).
    """

    sparsities: tuple[Sparsity, ...]
    neighbours: int = Field(default=15, ge=2)
    min_dist: float = Field(default=0.1, ge=0, le=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    of: Literal["first", "mean"] = "first"


class Measures(Spec):
    """What is measured beyond PIEs, accuracy and Q-Score, which always are."""

    prediction_depth: DepthSpec | None = None
    projection: ProjectionSpec | None = None


class Arm(Spec):
    """One objective with one pruning at one sparsity; its replicates are a population."""

    objective: Objective
    pruning: str
    sparsity: float

    def __str__(self) -> str:
        return f"{self.objective} {self.pruning}" + (f" {self.sparsity:g}" if self.sparsity else "")


class Study(Spec):
    """A whole experiment.

    Attributes:
        format_version: of this file format.
        name: short; lower case, digits, ``-`` and ``_``.
        title: one line for the report.
        recipe: whose way of training, pruning and measuring it follows, for the report; changes nothing by itself.
        seed: the root of all randomness.
        replicates: how many models an arm has (seeds 0, 1, 2 ...), or their seeds.
        sparsities: fractions of weights that pruned arms lack; none where no arm is pruned.
        data: images.
        model: network.
        arms: for each objective, its prunings; ``"dense"`` among them, the others named in ``pruning``, in
            ``controls`` or among the standard controls.
        training: for each objective.
        pruning: methods by name.
        controls: control arms by name, beside the standard ones (`piescope.study.controls.STANDARD`).
        measures: what is measured.
    """

    format_version: Literal[1] = 1
    name: Name
    title: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    recipe: str | None = None
    seed: int = 0
    replicates: Annotated[int, Field(ge=1)] | Annotated[tuple[int, ...], Field(min_length=1)]
    sparsities: tuple[Sparsity, ...] = ()
    data: DataSpec
    model: ModelSpec
    arms: dict[Objective, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(min_length=1)
    training: Trainings
    pruning: dict[Name, PruningMethod] = Field(default_factory=dict)
    controls: dict[Name, Control] = Field(default_factory=dict)
    measures: Measures = Measures()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The replicates' seeds."""
        return tuple(range(self.replicates)) if isinstance(self.replicates, int) else self.replicates

    @property
    def fresh_seeds(self) -> tuple[int, ...]:
        """Seeds of fresh dense models: as many again, above all others."""
        first = max(self.seeds) + 1
        return tuple(range(first, first + len(self.seeds)))

    def control(self, pruning: str) -> Control | None:
        """The control of that name; None for a pruning (a method of the study goes before a standard control)."""
        if pruning in self.pruning or pruning == DENSE:
            return None
        return self.controls.get(pruning) or controls.STANDARD.get(pruning)

    def method(self, pruning: str) -> GradualPruning | OneShotPruning | None:
        """How the models of a pruning, or a control, are pruned; None: not at all."""
        control = self.control(pruning)
        if control is None:
            return self.pruning.get(pruning)
        return controls.method_of(control, self.pruning.get(getattr(control, "of", "")))

    def descends(self, pruning: str) -> bool:
        """Whether each model of the arm is made from the dense model of its seed."""
        return isinstance(self.method(pruning), OneShotPruning)

    def seeds_of(self, pruning: str) -> tuple[int, ...]:
        """The seeds of an arm's models."""
        return self.fresh_seeds if isinstance(self.control(pruning), FreshDense) else self.seeds

    def arm_list(self) -> tuple[Arm, ...]:
        """All arms: by objective, dense ones first, then each pruning with rising sparsity; unpruned controls at 0."""
        listed: list[Arm] = []
        for objective, prunings in self.arms.items():
            listed.append(Arm(objective=objective, pruning=DENSE, sparsity=0.0))
            # pruned arms are compared with all dense ones, fresh seeds too
            for pruning in sorted(prunings, key=lambda name: not isinstance(self.control(name), FreshDense)):
                if pruning != DENSE:
                    unpruned = isinstance(self.control(pruning), FreshDense | FinetuneOnly)
                    listed += [
                        Arm(objective=objective, pruning=pruning, sparsity=sparsity)
                        for sparsity in ([0.0] if unpruned else sorted(self.sparsities))
                    ]
        return tuple(listed)

    def _pruned_arm(self) -> str | None:
        """An arm whose models lack weights; None: the study has dense models alone."""
        return next(
            (
                f"{objective} {pruning}"
                for objective, prunings in self.arms.items()
                for pruning in prunings
                if pruning != DENSE and not isinstance(self.control(pruning), FreshDense | FinetuneOnly)
            ),
            None,
        )

    def training_of(self, objective: Objective) -> Training | Contrastive:
        """How this objective's models are trained."""
        training: Training | Contrastive | None = getattr(self.training, objective)
        assert training is not None, "checked when the study was parsed"
        return training

    @model_validator(mode="after")
    def _is_consistent(self) -> Study:
        problems = StudyError()
        self._check_values(problems)
        if not problems:
            self._check_arms(problems)
            self._check_measures(problems)
        problems.raise_if_any()
        return self

    def _check_values(self, problems: StudyError) -> None:
        self._check_data(problems)
        if self.recipe is not None and self.recipe not in shipped("recipes"):
            problems.add_unknown("recipe", "recipe", self.recipe, shipped("recipes"))
        repeated = (
            sorted({seed for seed in self.seeds if self.seeds.count(seed) > 1})
            if isinstance(self.replicates, tuple)
            else []
        )
        if repeated:
            problems.add(
                "replicates",
                f"seeds {repeated} more than once",
                "different seeds",
                "two models of one seed are the same model; name each seed once",
            )
        if len(set(self.sparsities)) != len(self.sparsities):
            problems.add("sparsities", f"{list(self.sparsities)}", "different values", "name each sparsity once")
        pruned = self._pruned_arm()
        if pruned is not None and not self.sparsities:
            cure = "add sparsities = [0.5, 0.9], or leave the arm out"
            problems.add("sparsities", "none", f"fractions between 0 and 1: {pruned} is an arm", cure)
        models = len(self.arm_list()) * (self.replicates if isinstance(self.replicates, int) else len(self.replicates))
        if models > MOST_MODELS:
            problems.add(
                "replicates",
                f"{models:,} models in all arms",
                f"at most {MOST_MODELS:,}",
                "split the study, or take fewer replicates or sparsities",
            )

    def _check_data(self, problems: StudyError) -> None:
        data = self.data
        if data.source not in SOURCES:
            problems.add_unknown("data.source", "data set", data.source, SOURCES)
            return
        if (data.holds is None) == (SOURCES[data.source].facts is None):
            if data.holds is None:
                problems.add(
                    "data.holds",
                    "nothing",
                    f"what {data.source} holds",
                    f"`piescope data {data.source} --data-dir DIR` prints the table to put here",
                )
            else:
                problems.add("data.holds", "a table", f"nothing: what {data.source} holds is known", "leave it out")
            return
        whole = data.whole
        channels, height, width = whole.image_shape
        for key in ("mean", "std"):
            given = getattr(data.normalisation, key)
            if len(given) != channels:
                problems.add(
                    f"data.normalisation.{key}",
                    f"{len(given)} values",
                    f"{channels}, one per channel of {data.source}",
                    "give one number per channel",
                )
        for key in ("train_examples", "test_examples"):
            wanted, held = getattr(data, key), getattr(whole, key)
            if wanted is not None and not whole.num_classes <= wanted <= held:
                problems.add(
                    f"data.{key}",
                    str(wanted),
                    f"{whole.num_classes} (one per class) to {held:,}, what {data.source} holds",
                    "take a number in that range, or leave the key out to take all",
                )
        if data.image_size is not None and data.image_size > min(height, width):
            problems.add(
                "data.image_size",
                str(data.image_size),
                f"at most {min(height, width)}: images of {data.source} are {height}x{width}",
                "images are only ever shrunk: take a smaller size, or other data",
            )

    def _check_arms(self, problems: StudyError) -> None:
        examples = self.data.facts.train_examples
        if DENSE in self.pruning:
            problems.add(
                f"pruning.{DENSE}",
                "a method of that name",
                "another name",
                "rename it: the arm 'dense' is never pruned",
            )
        for name in self.controls:
            if name == DENSE or name in self.pruning:
                problems.add(
                    f"controls.{name}",
                    f"the name of {'the dense arm' if name == DENSE else 'a pruning'}",
                    "another name",
                    "rename it",
                )
        for name, described in self.pruning.items():
            if described.regrowth and not isinstance(described, GradualPruning):
                problems.add(
                    f"pruning.{name}.regrowth",
                    "true",
                    "false for one_shot",
                    "weights can only come back in gradual pruning",
                )
        for objective, prunings in self.arms.items():
            if DENSE not in prunings:
                problems.add(
                    f"arms.{objective}",
                    f"{list(prunings)}",
                    f"'{DENSE}' among them",
                    f"add '{DENSE}': pruned models are compared with it",
                )
            if len(set(prunings)) != len(prunings):
                problems.add(f"arms.{objective}", f"{list(prunings)}", "different prunings", "name each once")
            if getattr(self.training, objective) is None:
                problems.add(f"training.{objective}", "nothing", "a training", f"add a table [training.{objective}]")
                continue
            stages = self._stages(objective)
            for training in stages.values():
                if (
                    isinstance(training.schedule, MultiStep | MultiStepCosine)
                    and training.schedule.milestones[-1] >= training.epochs
                ):
                    problems.add(
                        f"training.{objective}",
                        f"a milestone at epoch {training.schedule.milestones[-1]}",
                        f"below {training.epochs}, the epochs",
                        "it would never be reached: leave it out or train longer",
                    )
                if training.steps(examples) == 0:
                    problems.add(
                        f"training.{objective}",
                        f"batch_size {training.batch_size} with drop_last",
                        f"at most {examples}, the training images",
                        "take a smaller batch",
                    )
            for where, training in self._normalised(objective):
                self._check_last_batch(problems, where, training)
            for pruning in prunings:
                if pruning == DENSE:
                    continue
                control = self.control(pruning)
                if control is not None and not self._can_control(problems, objective, pruning, control):
                    continue
                method = self.method(pruning)
                if method is None and control is None:
                    known = [DENSE, *self.pruning, *self.controls, *controls.STANDARD]
                    problems.add_unknown(f"arms.{objective}", "pruning", pruning, known)
                elif isinstance(method, GradualPruning):
                    of = getattr(control, "of", pruning)
                    self._check_schedules(problems, of, method, objective, stages)

    def _normalised(self, objective: Objective) -> Iterator[tuple[str, Training]]:
        """Trainings of an objective in which batch normalisation sees each image once.

        Contrastive encoders see two views of each, so never one value alone; heads are trained on a frozen encoder.
        """
        training = self.training_of(objective)
        if isinstance(training, Training):
            yield f"training.{objective}", training
        for pruning in self.arms[objective]:
            of = getattr(self.control(pruning), "of", pruning)
            method = self.pruning.get(of)  # a control that cannot be one is told by _can_control
            if isinstance(method, OneShotPruning):
                yield f"pruning.{of}.finetune", method.finetune

    def _check_last_batch(self, problems: StudyError, where: str, training: Training) -> None:
        examples = self.data.facts.train_examples
        noted = any(problem.where == f"{where}.batch_size" for problem in problems.problems)
        if noted or self.model.last_map(self.data.facts.image_shape) != (1, 1) or training.last_batch(examples) != 1:
            return
        problems.add(
            f"{where}.batch_size",
            f"{training.batch_size}: of {examples:,} training images a last batch of one is left",
            "2 images or more in each batch: maps of 1 x 1 of one image are nothing to normalise",
            f"write batch_size = {_without_a_last_one(training, examples)}, or drop_last = true",
        )

    def _can_control(self, problems: StudyError, objective: Objective, name: str, control: Control) -> bool:
        """Whether there is what the control is a control of."""
        if isinstance(control, FreshDense):
            return True
        method = self.pruning.get(control.of)
        if method is None:
            problems.add(
                f"arms.{objective}",
                f"{name!r}, a control of {control.of!r}, which the study has not",
                f"a control of {' or '.join(map(repr, self.pruning)) or 'a pruning'}",
                f'say what it is a control of: [controls.{name}] with kind = "{control.kind}" and of = "..."',
            )
        elif isinstance(control, FinetuneOnly) and not isinstance(method, OneShotPruning):
            problems.add(
                f"arms.{objective}",
                f"{name!r}, the fine-tuning of {control.of!r}, which has none",
                "a control of a one-shot pruning",
                "leave it out: gradual pruning is the training itself",
            )
        elif isinstance(control, RandomMasks) and method.criterion == "random":
            problems.add(
                f"arms.{objective}",
                f"{name!r}, random masks for {control.of!r}, whose masks are random",
                "a control of a pruning by magnitude",
                "leave it out",
            )
        else:
            return True
        return False

    def _stages(self, objective: Objective) -> dict[str, Training]:
        training = self.training_of(objective)
        if isinstance(training, Training):
            return {"supervised": training}
        return {"encoder": training.encoder, "head": training.head}

    def _check_schedules(
        self, problems: StudyError, name: str, method: GradualPruning, objective: Objective, stages: dict[str, Training]
    ) -> None:
        for stage, training in stages.items():
            if stage == "head" and not method.prune_head:
                continue
            where = f"pruning.{name}.{stage}"
            schedule = getattr(method, stage)
            steps = training.steps(self.data.facts.train_examples)
            if schedule is None:
                problems.add(
                    where,
                    "nothing",
                    f"a schedule, for arm {objective} {name}",
                    "add { begin = ..., end = ..., frequency = ... }",
                )
            elif schedule.begin > steps:
                problems.add(
                    f"{where}.begin",
                    str(schedule.begin),
                    f"at most {steps}, the training's last step",
                    "begin earlier or train longer",
                )
            elif schedule.end > steps:
                problems.add(
                    f"{where}.end",
                    str(schedule.end),
                    f"at most {steps}, the training's last step",
                    "the target sparsity would never be reached: end earlier or train longer",
                )

    def _check_measures(self, problems: StudyError) -> None:
        depth, projection = self.measures.prediction_depth, self.measures.projection
        if depth is not None:
            if depth.models > len(self.seeds):
                problems.add(
                    "measures.prediction_depth.models",
                    str(depth.models),
                    f"at most {len(self.seeds)}, the replicates",
                    "take fewer models or more replicates",
                )
            if depth.k > self.data.facts.train_examples:
                problems.add(
                    "measures.prediction_depth.k",
                    str(depth.k),
                    f"at most {self.data.facts.train_examples}, the training images",
                    "take fewer neighbours",
                )
            if not isinstance(depth.points, str):
                for point in depth.points:
                    if point not in self.model.points():
                        problems.add_unknown(
                            "measures.prediction_depth.points", "probe point", point, self.model.points()
                        )
                known = [point for point in depth.points if point in self.model.points()]
                if known != sorted(known, key=self.model.points().index):
                    problems.add(
                        "measures.prediction_depth.points",
                        f"{list(depth.points)}",
                        "points from shallow to deep",
                        "order them: " + ", ".join(sorted(known, key=self.model.points().index)),
                    )
                if len(set(depth.points)) != len(depth.points) or not depth.points:
                    problems.add(
                        "measures.prediction_depth.points",
                        f"{list(depth.points)}",
                        "different points",
                        "name each point once",
                    )
        if projection is not None:
            if projection.neighbours >= self.data.facts.test_examples:
                problems.add(
                    "measures.projection.neighbours",
                    str(projection.neighbours),
                    f"below {self.data.facts.test_examples}, the test images",
                    "take fewer neighbours",
                )
            for sparsity in projection.sparsities:
                if sparsity not in self.sparsities:
                    problems.add(
                        "measures.projection.sparsities",
                        str(sparsity),
                        f"some of {list(self.sparsities)}",
                        "take sparsities that the study has" if self.sparsities else "write sparsities = [] there",
                    )

    def probe_dims(self) -> list[int]:
        """The length of what is held at each probe."""
        return [self._dims_at(point) for point in self.probe_points()]

    def _dims_at(self, point: str) -> int:
        if point == "input":
            return math.prod(self.data.facts.image_shape)
        if point == "softmax":
            return self.data.facts.num_classes
        stages = {"conv1": 16, "relu": self.model.dims}
        stages.update({f"stage{n}": 16 * 2 ** (n - 1) * self.model.width for n in (1, 2, 3)})
        return stages[point.split(".")[0]]

    def probe_points(self) -> tuple[str, ...]:
        """The probes of prediction depth, shallow to deep."""
        depth = self.measures.prediction_depth
        if depth is None:
            return ()
        if depth.points == "corti2022":
            return self.model.corti2022_points()
        return self.model.block_points() if depth.points == "blocks" else tuple(depth.points)


def _without_a_last_one(training: Training, examples: int) -> int:
    """The nearest batch size that leaves no batch of one; the largest that changes no schedule, if there is one."""
    steps = training.steps_per_epoch(examples)
    smaller = [size for size in range(training.batch_size - 1, 1, -1) if examples % size != 1]
    alike = [size for size in smaller if -(-examples // size) == steps]
    larger = next(size for size in range(training.batch_size + 1, examples + 2) if examples % size != 1)
    return next(iter([*alike, larger]))
