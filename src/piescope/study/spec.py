"""A study as data, and what follows from it; `checks.py` says what holds together. Loads no torch."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from piescope.data.dataset import Splits
from piescope.data.locate import OnBytes
from piescope.data.sources import SOURCES, Facts, load_source
from piescope.models.build import ModelSpec
from piescope.problems import DataError
from piescope.spec import Spec
from piescope.store.catalogue import FiguresShown, Sparsity
from piescope.study import controls
from piescope.study.controls import Control, FinetuneOnly, FreshDense
from piescope.training.recipe import Contrastive, GradualPruning, Normalisation, OneShotPruning, PruningMethod, Training

Loss = Literal["supervised", "supcon", "simclr"]
Objective = Literal[Loss, "supervised_q", "supcon_q"]
DENSE = "dense"

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
        facts = asdict(Facts.of(splits))
        for name, described in asdict(self.facts).items():
            if facts[name] != described:
                expected = f"{described}, as the study says"
                error.add(name, str(facts[name]), expected, "correct data.holds, or give the right --data-dir")
        error.raise_if_any()
        return splits


def loss_of(objective: Objective) -> Loss:
    """The loss of an objective, without its regulariser.

    Example:
        >>> loss_of("supcon_q"), loss_of("simclr")
        ('supcon', 'simclr')
    """
    return "supervised" if objective == "supervised_q" else "supcon" if objective == "supcon_q" else objective


class Trainings(Spec):
    """How dense models are trained, for each objective that the study has; ``_q``: beside it, with a regulariser."""

    supervised: Training | None = None
    supcon: Contrastive | None = None
    simclr: Contrastive | None = None
    supervised_q: Training | None = None
    supcon_q: Contrastive | None = None


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
    """A whole experiment. Each value is sound by itself; parsing has `checks.py` say whether they fit together.

    Attributes:
        format_version: of this file format.
        name: short; lower case, digits, ``-`` and ``_``.
        title: one line for the report.
        continues: the name of a study, in whose folder this one may go on, as it has all models of that.
        recipe: whose way of training, pruning and measuring it follows, for the report; changes nothing by itself.
        seed: the root of all randomness.
        replicates: how many models an arm has (seeds 0, 1, 2 ...), or their seeds.
        replicates_of: how many the arms have that are named here, as ``plan`` calls them: the first so many seeds.
        sparsities: fractions of weights that pruned arms lack; none where no arm is pruned.
        data: images.
        model: network.
        arms: for each objective, its prunings; ``"dense"`` among them, the others named in ``pruning``, in
            ``controls`` or among the standard controls.
        training: for each objective.
        pruning: methods by name.
        controls: control arms by name, beside the standard ones (`piescope.study.controls.STANDARD`).
        measures: what is measured.
        figures: which sparsities the report's figures show; part of no step.
    """

    format_version: Literal[1] = 1
    name: Name
    title: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    continues: Name | None = None
    recipe: str | None = None
    seed: int = 0
    replicates: Annotated[int, Field(ge=1)] | Annotated[tuple[int, ...], Field(min_length=1)]
    replicates_of: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    sparsities: tuple[Sparsity, ...] = ()
    data: DataSpec
    model: ModelSpec
    arms: dict[Objective, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(min_length=1)
    training: Trainings
    pruning: dict[Name, PruningMethod] = Field(default_factory=dict)
    controls: dict[Name, Control] = Field(default_factory=dict)
    measures: Measures = Measures()
    figures: FiguresShown | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The replicates' seeds."""
        return tuple(range(self.replicates)) if isinstance(self.replicates, int) else self.replicates

    @property
    def models(self) -> int:
        """Networks of all arms."""
        usual = len(self.seeds)
        return sum(self.replicates_of.get(str(arm), usual) for arm in self.arm_list())

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

    def is_fresh(self, pruning: str) -> bool:
        """Whether an arm's models are dense ones with seeds of their own."""
        return isinstance(self.control(pruning), FreshDense)

    def seeds_of(self, arm: Arm) -> tuple[int, ...]:
        """The seeds of an arm's models: the first so many of all, or, of fresh dense models, those above all others."""
        models, control = self.replicates_of.get(str(arm), len(self.seeds)), self.control(arm.pruning)
        if not isinstance(control, FreshDense):
            return self._first_seeds(models)
        first = 1 + self._highest_seed() if control.first_seed is None else control.first_seed
        return tuple(range(first, first + models))

    def _highest_seed(self) -> int:
        """Of all arms but those of fresh dense models."""
        others = (most for name, most in self.replicates_of.items() if not any(map(self.is_fresh, name.split(" "))))
        return max(max(self._first_seeds(most)) for most in (len(self.seeds), *others))

    def _first_seeds(self, models: int) -> tuple[int, ...]:
        return tuple(range(models)) if isinstance(self.replicates, int) else self.replicates[:models]

    def arm_list(self) -> tuple[Arm, ...]:
        """All arms: by objective, dense ones first, then each pruning with rising sparsity; unpruned controls at 0."""
        listed: list[Arm] = []
        for objective, prunings in self.arms.items():
            listed.append(Arm(objective=objective, pruning=DENSE, sparsity=0.0))
            # pruned arms are compared with all dense ones, fresh seeds too
            for pruning in sorted(prunings, key=lambda name: not self.is_fresh(name)):
                if pruning != DENSE:
                    unpruned = isinstance(self.control(pruning), FreshDense | FinetuneOnly)
                    listed += [
                        Arm(objective=objective, pruning=pruning, sparsity=sparsity)
                        for sparsity in ([0.0] if unpruned else sorted(self.sparsities))
                    ]
        return tuple(listed)

    def training_of(self, objective: Objective) -> Training | Contrastive:
        """How this objective's models are trained."""
        training: Training | Contrastive | None = getattr(self.training, objective)
        assert training is not None, "checked when the study was parsed"
        return training

    def probe_dims(self) -> list[int]:
        """The length of what is held at each probe."""
        facts = self.data.facts
        return [self.model.dims_at(point, facts.image_shape, facts.num_classes) for point in self.probe_points()]

    def probe_points(self) -> tuple[str, ...]:
        """The probes of prediction depth, shallow to deep."""
        depth = self.measures.prediction_depth
        if depth is None:
            return ()
        if depth.points == "corti2022":
            return self.model.corti2022_points()
        return self.model.block_points() if depth.points == "blocks" else tuple(depth.points)
