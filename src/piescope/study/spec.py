"""A study as data: parsed strictly, checked whole, before any work. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from piescope.data.sources import SOURCES, Source
from piescope.models.build import ModelSpec
from piescope.spec import Spec
from piescope.study.problems import StudyError
from piescope.training.recipe import Contrastive, GradualPruning, Normalisation, PruningMethod, Training
from piescope.training.schedule import MultiStep

Objective = Literal["supervised", "supcon", "simclr"]
DENSE = "dense"
MOST_MODELS = 100_000

Sparsity = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class DataSpec(Spec):
    """Which images, and how they are scaled.

    Attributes:
        source: a name from ``piescope.data.sources.SOURCES``.
        normalisation: mean and std per channel.
    """

    source: str
    normalisation: Normalisation

    @property
    def facts(self) -> Source:
        """What is known of the source before it is loaded."""
        return SOURCES[self.source]


class Trainings(Spec):
    """How dense models are trained, for each objective that the study has."""

    supervised: Training | None = None
    supcon: Contrastive | None = None
    simclr: Contrastive | None = None


class DepthSpec(Spec):
    """Prediction depth.

    Attributes:
        models: replicates it is averaged over: the first so many.
        points: ``"corti2022"``, the paper's probes, or an ordered list of names.
        k: neighbours.
        augment_bank: the kNN bank is the training images under one draw of the training's augmentation (the
            paper's code) instead of the clean images.
    """

    models: int = Field(ge=1)
    points: Literal["corti2022"] | tuple[str, ...] = "corti2022"
    k: int = Field(default=30, ge=1)
    augment_bank: bool = False


class ProjectionSpec(Spec):
    """UMAP of the first replicate's representations, dense and at these sparsities.

    Attributes:
        sparsities: which of the study's sparsities get a map.
        neighbours: UMAP's n_neighbors.
        min_dist: UMAP's min_dist.
        seed: UMAP's random_state.
    """

    sparsities: tuple[Sparsity, ...]
    neighbours: int = Field(default=15, ge=2)
    min_dist: float = Field(default=0.1, ge=0, le=1)
    seed: int = Field(default=0, ge=0, lt=2**32)


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
        return f"{self.objective} {self.pruning}" + (f" {self.sparsity:g}" if self.pruning != DENSE else "")


class Study(Spec):
    """A whole experiment.

    Attributes:
        format_version: of this file format.
        name: short; lower case, digits, ``-`` and ``_``.
        title: one line for the report.
        seed: the root of all randomness.
        replicates: how many models an arm has (seeds 0, 1, 2 ...), or their seeds.
        sparsities: fractions of weights that pruned arms lack.
        data: images.
        model: network.
        arms: for each objective, its prunings; ``"dense"`` among them, the others named in ``pruning``.
        training: for each objective.
        pruning: methods by name.
        measures: what is measured.
    """

    format_version: Literal[1] = 1
    name: Name
    title: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    seed: int = 0
    replicates: Annotated[int, Field(ge=1)] | Annotated[tuple[int, ...], Field(min_length=1)]
    sparsities: tuple[Sparsity, ...] = Field(min_length=1)
    data: DataSpec
    model: ModelSpec
    arms: dict[Objective, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(min_length=1)
    training: Trainings
    pruning: dict[Name, PruningMethod]
    measures: Measures = Measures()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The replicates' seeds."""
        return tuple(range(self.replicates)) if isinstance(self.replicates, int) else self.replicates

    def arm_list(self) -> tuple[Arm, ...]:
        """All arms: by objective, dense first, then each pruning with rising sparsity."""
        listed: list[Arm] = []
        for objective, prunings in self.arms.items():
            listed.append(Arm(objective=objective, pruning=DENSE, sparsity=0.0))
            for pruning in prunings:
                if pruning != DENSE:
                    listed += [
                        Arm(objective=objective, pruning=pruning, sparsity=sparsity)
                        for sparsity in sorted(self.sparsities)
                    ]
        return tuple(listed)

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
        if self.data.source not in SOURCES:
            problems.add_unknown("data.source", "data set", self.data.source, SOURCES)
        else:
            channels = self.data.facts.image_shape[0]
            for key in ("mean", "std"):
                given = getattr(self.data.normalisation, key)
                if len(given) != channels:
                    problems.add(
                        f"data.normalisation.{key}",
                        f"{len(given)} values",
                        f"{channels}, one per channel of {self.data.source}",
                        "give one number per channel",
                    )
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
        models = len(self.arm_list()) * (self.replicates if isinstance(self.replicates, int) else len(self.replicates))
        if models > MOST_MODELS:
            problems.add(
                "replicates",
                f"{models:,} models in all arms",
                f"at most {MOST_MODELS:,}",
                "split the study, or take fewer replicates or sparsities",
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
                if isinstance(training.schedule, MultiStep) and training.schedule.milestones[-1] >= training.epochs:
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
            for pruning in prunings:
                if pruning == DENSE:
                    continue
                method = self.pruning.get(pruning)
                if method is None:
                    problems.add_unknown(f"arms.{objective}", "pruning", pruning, [DENSE, *self.pruning])
                elif isinstance(method, GradualPruning):
                    self._check_schedules(problems, pruning, method, objective, stages)

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
                        "take sparsities that the study has",
                    )

    def probe_points(self) -> tuple[str, ...]:
        """The probes of prediction depth, shallow to deep."""
        depth = self.measures.prediction_depth
        if depth is None:
            return ()
        return self.model.corti2022_points() if isinstance(depth.points, str) else depth.points
