"""catalogue.json as a value: what a study has produced. `study` writes it and `report` reads it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from piescope.spec import Spec
from piescope.store.durable import as_json, sealed_json, unsealed
from piescope.store.run_records import SealedRecord

Sparsity = Annotated[float, Field(gt=0, lt=1)]
Sparsities = Annotated[tuple[Sparsity, ...], Field(min_length=1)]


class ArmName(Spec):
    """What names an arm.

    Attributes:
        objective: supervised, supcon or simclr.
        pruning: dense, or the name of a method or of a control.
        sparsity: fraction of weights that its models lack.
    """

    objective: str
    pruning: str
    sparsity: float


class ControlOf(Spec):
    """What a control arm is.

    Attributes:
        kind: of control.
        of: name of the pruning that it is a control of; None for fresh dense models.
    """

    kind: Literal["fresh_dense", "finetune_only", "random_masks"]
    of: str | None = None


class CompleteArm(ArmName):
    """An arm whose comparison is done.

    Attributes:
        compare: key of the comparison.
        project: key of its map, or of the maps that it is among; None: none is asked for, or it is not done.
        control: None for the arms that are studied.
        seeds: of its models.
        descended: model k was made from dense model k.
        place: of its map among those of its objective that were fitted together; None: no map, or one of its own.
        lost: seeds of models that it should have, too; they, or the dense ones of these seeds, failed for good.
    """

    compare: str
    project: str | None
    control: ControlOf | None
    seeds: tuple[int, ...]
    descended: bool
    place: int | None = None
    lost: tuple[int, ...] = ()


class Departure(Spec):
    """A value that is not the paper's.

    Attributes:
        id: of the fact in docs/recipes.md; empty for a method or an objective that the paper has not.
        key: of the study, dotted.
        paper: its value there; None: not set.
        origin: where the paper's value is from, ``"from"`` in the file: ``text``, ``code`` ...; None where it has none.
        here: the study's value; None: not set.
        why: it matters.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    id: str
    key: str
    paper: JsonValue
    origin: str | None = Field(alias="from")
    here: JsonValue
    why: str


class RecipeUsed(Spec):
    """The recipe that a study names, and where the study departs from the paper's text."""

    name: str
    title: str
    departures: tuple[Departure, ...]


class Environment(Spec):
    """What a result was made on (`piescope.study.steps.environment`); what later versions add is kept.

    Attributes:
        device: ``cpu`` or ``cuda``.
        cpu: which of the processor's abilities torch uses.
        torch: its version.
        threads: of a worker.
        pack_size: models trained together.
        processor: its model; None in results of before it was recorded.
        libraries: versions of the others that shape results; likewise.
        memory_format: of networks, where that was chosen by measuring; else it was the usual one.
        compiled: whether trainings went through torch.compile; likewise.
        captured: whether their steps were CUDA graphs; likewise.
        draws: the generator of augmentations, where they were drawn on a GPU; else it was torch's on the CPU.
    """

    model_config = ConfigDict(extra="allow")

    device: str
    cpu: str
    torch: str
    threads: int
    pack_size: int
    processor: str | None = None
    libraries: dict[str, str] | None = None
    memory_format: str | None = None
    compiled: bool | None = None
    captured: bool | None = None
    draws: str | None = None

    @model_serializer(mode="wrap")
    def _as_before_there_was_a_choice(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was not chosen."""
        fields: dict[str, Any] = plain(self)
        usual = ("memory_format", "compiled", "captured", "draws")
        return {name: value for name, value in fields.items() if name not in usual or value is not None}


class TrainingRun(Spec):
    """One training of an objective's models.

    Attributes:
        stage: ``supervised``; of contrastive objectives ``encoder``, then ``head``.
        epochs: passes over the training images.
        text: all of it, in a line.
    """

    stage: Literal["supervised", "encoder", "head"]
    epochs: int
    text: str


class ObjectiveRun(Spec):
    """One objective, its arms' prunings (dense among them, controls too) and how its models are trained."""

    objective: str
    prunings: tuple[str, ...]
    trainings: tuple[TrainingRun, ...]


class MethodRun(Spec):
    """A pruning that an arm has.

    Attributes:
        name: as arms call it.
        kind: ``gradual``, during training, or ``one_shot``, after it.
        criterion: which weights go.
        text: all of it, in a line.
    """

    name: str
    kind: Literal["gradual", "one_shot"]
    criterion: str
    text: str


class DepthRun(Spec):
    """Prediction depth: over how many models, with how many neighbours, and which images they are (in words)."""

    models: int
    k: int
    bank: str


class MapsRun(Spec):
    """UMAP: of the ``first`` model's representations or of their ``mean``, and UMAP's settings (in words)."""

    of: Literal["first", "mean"]
    settings: str


class FiguresShown(Spec):
    """Which sparsities the paper's figures show; of a figure that is left out, the report chooses.

    Attributes:
        figure_1: the map of each arm.
        figure_2: Q-Scores, dense against pruned.
        figure_3: prediction depths, likewise.
        figure_4: PIEs by class, of one pruning.
        figure_5: the maps, a line for each sparsity.
        figure_6: examples that pruned models alone get right, the first sparsity's ahead.
        figure_7: PIEs by class, a line for each sparsity.
    """

    figure_1: Sparsity | None = None
    figure_2: Sparsity | None = None
    figure_3: Sparsity | None = None
    figure_4: Sparsities | None = None
    figure_5: Sparsities | None = None
    figure_6: Sparsities | None = None
    figure_7: Sparsities | None = None


class Described(Spec):
    """What was run, as a report tells it.

    Attributes:
        name: of the study.
        title: one line.
        seed: the root of all randomness.
        replicates: models an arm, or their seeds.
        model: the network, as the field writes it.
        sparsities: of pruned arms.
        objectives: in the study's order.
        methods: prunings that arms have, in the study's order; no controls.
        depth: None where prediction depth is not measured.
        maps: None where there are none.
        figures: which sparsities they show, where the study says it.
    """

    name: str
    title: str
    seed: int
    replicates: int | tuple[int, ...]
    model: str
    sparsities: tuple[float, ...]
    objectives: tuple[ObjectiveRun, ...]
    methods: tuple[MethodRun, ...]
    depth: DepthRun | None
    maps: MapsRun | None
    figures: FiguresShown = FiguresShown()

    @property
    def models_per_arm(self) -> int:
        """How many replicates an arm has."""
        return self.replicates if isinstance(self.replicates, int) else len(self.replicates)

    @property
    def maps_of_mean(self) -> bool:
        """Whether maps are of the mean of all models' representations."""
        return self.maps is not None and self.maps.of == "mean"

    def trainings_of(self, objective: str) -> tuple[TrainingRun, ...]:
        """How an objective's models are trained, stage by stage; nothing for one that the study has not."""
        return next((run.trainings for run in self.objectives if run.objective == objective), ())

    def method(self, name: str) -> MethodRun | None:
        """A pruning by its name; None for controls, dense, and what the study has not."""
        return next((method for method in self.methods if method.name == name), None)


class Catalogue(SealedRecord):
    """What a study has produced so far: all that a report needs to find it.

    Attributes:
        study: its name.
        recipe: None if the study names none.
        data: key of the data step; None while it is not done.
        probe_points: of prediction depth, shallow to deep; empty if it is not measured.
        arms: complete ones, in the study's order; dense first for each objective.
        missing: arms that are not complete yet.
        environments: each that a result was made on.
        described: what was run; None in catalogues of before it stood there.
        contents: what each artefact that a report reads holds (its manifest's `content`), by its key, so that of other
            results the catalogue is another; None in catalogues of before it stood there.

    Example:
        >>> empty = Catalogue(
        ...     study="mine", recipe=None, data=None, probe_points=(), arms=(), missing=(), environments=(), contents={}
        ... )
        >>> Catalogue.of(empty.as_bytes()) == empty
        True
    """

    CURE: ClassVar[str] = "`piescope report` writes it anew"

    study: str
    recipe: RecipeUsed | None
    data: str | None
    probe_points: tuple[str, ...]
    arms: tuple[CompleteArm, ...]
    missing: tuple[ArmName, ...]
    environments: tuple[Environment, ...]
    described: Described | None = None
    contents: dict[str, str] | None = None

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Reads what `as_bytes` wrote, in this or an earlier version.

        Raises:
            ValueError: it is no catalogue.
        """
        return cls.model_validate_json(unsealed(content))

    def as_bytes(self) -> bytes:
        """The file's content, sealed.

        What was not said when it was made is left out, so that an old file stays as it is: those had no seal.
        """
        said = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return as_json(said) if self.contents is None else sealed_json(said)
