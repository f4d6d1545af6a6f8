"""From a study to its steps: what depends on what, and what each is known by. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from pydantic import Field

from piescope.models.build import ModelSpec
from piescope.spec import Spec, content_key
from piescope.store.artefacts import FORMAT_VERSION
from piescope.study.spec import DENSE, Arm, DataSpec, DepthSpec, Objective, ProjectionSpec, Study
from piescope.training.recipe import Contrastive, GradualPruning, OneShotPruning, Training


class LoadData(Spec):
    """Load the data set, check it, keep the test images for the report."""

    data: DataSpec


class Train(Spec):
    """Train one model; dense, or pruned gradually on the way."""

    data: DataSpec
    model: ModelSpec
    objective: Objective
    training: Training | Contrastive
    pruning: GradualPruning | None
    sparsity: float
    study_seed: int
    replicate: int


class PruneAndFinetune(Spec):
    """Prune a trained dense model at once and fine-tune it."""

    data: DataSpec
    model: ModelSpec
    pruning: OneShotPruning
    sparsity: float
    study_seed: int
    replicate: int


class Predict(Spec):
    """Logits and representations of the test images."""

    data: DataSpec
    model: ModelSpec


class ProbeDepth(Spec):
    """kNN labels of the test images at every probe point."""

    data: DataSpec
    model: ModelSpec
    k: int
    points: tuple[str, ...]
    augmentation_of: Training | None = Field(description="whose augmentation the kNN bank is drawn under")
    study_seed: int
    replicate: int


class Project(Spec):
    """A UMAP of the mean of the parents' representations (usually one model's); earlier versions made such maps."""

    neighbours: int
    min_dist: float
    seed: int


class ProjectTogether(Project):
    """UMAPs of several arms in one fit: the parents of arm k have the role ``k``."""

    arms: int


class Compare(Spec):
    """An arm's population against the dense one: everything that tables and figures need.

    Attributes:
        num_classes: classes are ``range(num_classes)``.
        seeds: of the arm's models.
        descended: model k was made from dense model k (one-shot), so labels are exchangeable within a pair only.
    """

    num_classes: int
    seeds: tuple[int, ...]
    descended: bool


StepSpec = LoadData | Train | PruneAndFinetune | Predict | ProbeDepth | ProjectTogether | Project | Compare

KINDS: dict[type[Spec], str] = {
    LoadData: "data",
    Train: "train",
    PruneAndFinetune: "finetune",
    Predict: "predict",
    ProbeDepth: "depth",
    Project: "project",
    ProjectTogether: "project",
    Compare: "compare",
}
"""The kind of each step, also the folder of its artefacts."""


@dataclass(frozen=True)
class Ref:
    """Names a finished step's artefact."""

    kind: str
    key: str


@dataclass(frozen=True)
class Step:
    """One idempotent unit of work.

    Attributes:
        spec: everything that determines its outcome, but for its parents.
        label: for people: ``supervised gmp 0.9, seed 3``.
        parents: what it reads, by role.
        forward_backward: images it pushes forward and backward through the network (views counted).
        forward: images it only pushes forward.
        taken_over: images that it would push forward and backward, too, if no other training had done so before it.
        forks: numbers of its first steps after which a training of the same seed parts from it, or it from that one:
            whichever is there first leaves how it stands (`piescope.study.forks`). They are no part of its key.
    """

    spec: StepSpec
    label: str
    parents: Mapping[str, tuple[Ref, ...]] = field(default_factory=dict)
    forward_backward: int = 0
    forward: int = 0
    taken_over: int = 0
    forks: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """``data``, ``train``, ``finetune``, ``predict``, ``depth``, ``project`` or ``compare``."""
        return KINDS[type(self.spec)]

    @cached_property
    def key(self) -> str:
        """Hash of the format version, the spec and the parents' keys."""
        return content_key(
            {
                "format_version": FORMAT_VERSION,
                "kind": self.kind,
                "spec": self.spec.model_dump(mode="json"),
                "parents": {role: [ref.key for ref in refs] for role, refs in self.parents.items()},
            }
        )

    @cached_property
    def ref(self) -> Ref:
        """Names its artefact."""
        return Ref(self.kind, self.key)

    def parent_refs(self) -> tuple[Ref, ...]:
        """All parents, without their roles."""
        return tuple(ref for refs in self.parents.values() for ref in refs)


@dataclass(frozen=True)
class ArmMap:
    """Where an arm's map will lie.

    Attributes:
        together: the maps of all arms of its objective.
        place: of this arm among them.
        alone: the arm's own map, which earlier versions made; it is looked for and never made.
    """

    together: Step
    place: int
    alone: Step


@dataclass(frozen=True)
class ArmSteps:
    """Where an arm's outcome will lie.

    Attributes:
        arm: the arm.
        models: one training (or fine-tuning) per replicate.
        compare: the comparison with the dense population.
        maps: the UMAP, where the study asks for one.
    """

    arm: Arm
    models: tuple[Step, ...]
    compare: Step
    maps: ArmMap | None


@dataclass(frozen=True)
class Plan:
    """All steps of a study, parents before children, and which of them make an arm."""

    study: Study
    data: Step
    steps: tuple[Step, ...]
    arms: tuple[ArmSteps, ...]

    @property
    def models(self) -> int:
        """Networks that will exist."""
        return sum(len(arm.models) for arm in self.arms)


def make_plan(study: Study) -> Plan:
    """Lays out a study.

    Example:
        >>> from piescope.study.parse import load_study
        >>> plan = make_plan(load_study("digits"))
        >>> plan.models == plan.study.models == len(plan.arms) * len(plan.study.seeds)
        True
    """
    data = Step(LoadData(data=study.data), f"{study.data.source}: load and check")
    steps, arms = [data], list[ArmSteps]()
    for _, listed in groupby(study.arm_list(), lambda arm: arm.objective):
        populations: dict[Arm, _Population] = {}
        for arm in listed:
            populations[arm] = _population(study, arm, data, populations)
        maps = _maps(study, populations)
        for arm, own in populations.items():
            compare = _compare_step(study, arm, data, populations)
            steps += [*(step for replicate in own for step in replicate.steps()), compare]
            arms.append(ArmSteps(arm, tuple(replicate.model for replicate in own), compare, maps.get(arm)))
        steps += [own.together for own in maps.values()][:1]
    once = {step.ref: step for step in reversed(steps)}  # two names for one method are one method
    return Plan(study, data, tuple(step for step in steps if once[step.ref] is step), tuple(arms))


@dataclass(frozen=True)
class _Replicate:
    """The steps of one model of an arm."""

    model: Step
    predict: Step
    depth: Step | None

    def steps(self) -> tuple[Step, ...]:
        """In the order of their work."""
        return (self.model, self.predict) if self.depth is None else (self.model, self.predict, self.depth)


_Population = tuple[_Replicate, ...]


def _dense(arm: Arm) -> Arm:
    """The arm that this one is compared with."""
    return Arm(objective=arm.objective, pruning=DENSE, sparsity=0.0)


def _population(study: Study, arm: Arm, data: Step, others: Mapping[Arm, _Population]) -> _Population:
    """An arm's models; the other arms are those of its objective that are laid out already, the dense ones first."""
    dense = others.get(_dense(arm), ())
    seeds = enumerate(study.seeds_of(arm))
    return tuple(_replicate(study, arm, position, seed, data, dense) for position, seed in seeds)


def _replicate(study: Study, arm: Arm, position: int, seed: int, data: Step, dense: _Population) -> _Replicate:
    """The steps of the model of one seed; pruned at once, it descends from the dense model in the same position."""
    model = _model_step(study, arm, seed, data, dense[position].model if study.descends(arm.pruning) else None)
    predict = Step(
        Predict(data=study.data, model=study.model),
        f"{model.label}: predict",
        {"data": (data.ref,), "model": (model.ref,)},
        forward=study.data.facts.test_examples,
    )
    depth = study.measures.prediction_depth
    is_probed = depth is not None and position < depth.models and study.control(arm.pruning) is None
    probe = _depth_step(study, depth, arm, seed, data, model) if depth is not None and is_probed else None
    return _Replicate(model, predict, probe)


def _maps(study: Study, populations: Mapping[Arm, _Population]) -> dict[Arm, ArmMap]:
    """The maps of those arms of an objective that the study wants any of, the dense one first."""
    wanted = study.measures.projection
    mapped = [] if wanted is None else [arm for arm in populations if _is_mapped(study, arm, wanted)]
    if wanted is None or not mapped:
        return {}
    settings = Project(neighbours=wanted.neighbours, min_dist=wanted.min_dist, seed=wanted.seed)
    shown = {arm: _predictions(populations[arm] if wanted.of == "mean" else populations[arm][:1]) for arm in mapped}
    each = list(dict.fromkeys(shown.values()))
    together = Step(
        ProjectTogether(arms=len(each), **settings.model_dump()),
        f"{mapped[0].objective}: UMAP",
        {str(place): refs for place, refs in enumerate(each)},
        forward=len(each) * study.data.facts.test_examples,
    )
    return {
        arm: ArmMap(together, each.index(refs), Step(settings, f"{arm}: UMAP", {"predictions": refs}))
        for arm, refs in shown.items()
    }


def _is_mapped(study: Study, arm: Arm, wanted: ProjectionSpec) -> bool:
    return study.control(arm.pruning) is None and arm.sparsity in (0.0, *wanted.sparsities)


def _compare_step(study: Study, arm: Arm, data: Step, populations: Mapping[Arm, _Population]) -> Step:
    """An arm's population against the dense one, both laid out already."""
    own, dense, facts = populations[arm], populations[_dense(arm)], study.data.facts
    roles = {
        "data": (data.ref,),
        "models": tuple(replicate.model.ref for replicate in own),
        "dense": _predictions(dense),
        "pruned": _predictions(own),
        "fresh": _fresh_predictions(study, arm, populations),
        "dense_depths": _depths(dense),
        "pruned_depths": _depths(own),
    }
    seeds, descended = study.seeds_of(arm), study.descends(arm.pruning)
    return Step(
        Compare(num_classes=facts.num_classes, seeds=seeds, descended=descended),
        f"{arm}: compare with dense",
        roles,
        forward=facts.test_examples,
    )


def _predictions(population: _Population) -> tuple[Ref, ...]:
    return tuple(replicate.predict.ref for replicate in population)


def _depths(population: _Population) -> tuple[Ref, ...]:
    return tuple(replicate.depth.ref for replicate in population if replicate.depth is not None)


def _fresh_predictions(study: Study, arm: Arm, populations: Mapping[Arm, _Population]) -> tuple[Ref, ...]:
    """Of dense models with other seeds, where the study has them and this arm is not one of them."""
    if arm.pruning == DENSE or study.is_fresh(arm.pruning):
        return ()
    return tuple(
        ref
        for other, population in populations.items()
        if other.objective == arm.objective and study.is_fresh(other.pruning)
        for ref in _predictions(population)
    )


def _model_step(study: Study, arm: Arm, seed: int, data: Step, dense: Step | None) -> Step:
    method = study.method(arm.pruning)
    if isinstance(method, OneShotPruning):
        assert dense is not None, "dense arms are laid out first"
        return _finetune_step(study, arm, seed, method, data, dense)
    return _train_step(study, arm, seed, method, data)


def _finetune_step(study: Study, arm: Arm, seed: int, method: OneShotPruning, data: Step, dense: Step) -> Step:
    return Step(
        PruneAndFinetune(
            data=study.data,
            model=study.model,
            pruning=method,
            sparsity=arm.sparsity,
            study_seed=study.seed,
            replicate=seed,
        ),
        f"{arm}, seed {seed}",
        {"data": (data.ref,), "model": (dense.ref,)},
        forward_backward=method.finetune.epochs * study.data.facts.train_examples,
    )


def _train_step(study: Study, arm: Arm, seed: int, method: GradualPruning | None, data: Step) -> Step:
    examples = study.data.facts.train_examples
    training = study.training_of(arm.objective)
    forks = _forks(study, arm, method)
    if method is not None:  # a schedule of another objective's stages is no part of what this step is
        others = ("encoder", "head") if isinstance(training, Training) else ("supervised",)
        method = method.model_copy(update=dict.fromkeys(others))
    spec = Train(
        data=study.data,
        model=study.model,
        objective=arm.objective,
        training=training,
        pruning=method,
        sparsity=arm.sparsity,
        study_seed=study.seed,
        replicate=seed,
    )
    first, views = (training, 1) if isinstance(training, Training) else (training.encoder, 2)
    whole = views * first.images(examples, first.steps(examples))
    taken_over = 0 if method is None or not forks else views * first.images(examples, forks[-1])
    head = 0 if isinstance(training, Training) else training.head.images(examples, training.head.steps(examples))
    label, parents = f"{arm}, seed {seed}", {"data": (data.ref,)}
    return Step(spec, label, parents, whole - taken_over, head, taken_over, forks)


def _forks(study: Study, arm: Arm, method: GradualPruning | None) -> tuple[int, ...]:
    """After how many steps trainings part from this one, or this one from the dense one; none part from fresh seeds."""
    if study.is_fresh(arm.pruning):
        return ()
    others = (study.method(pruning) for pruning in study.arms[arm.objective])
    parting = {_unpruned_steps(study, arm, other) for other in others if isinstance(other, GradualPruning)}
    own = _unpruned_steps(study, arm, method)
    return tuple(sorted(steps for steps in parting if 0 < steps <= own))


def _unpruned_steps(study: Study, arm: Arm, method: GradualPruning | None) -> int:
    """Steps of the first stage before a weight goes; until then a training is the dense one of its seed to the bit."""
    training = study.training_of(arm.objective)
    first = training if isinstance(training, Training) else training.encoder
    steps = first.steps(study.data.facts.train_examples)
    if method is None:
        return steps
    schedule = method.supervised if isinstance(training, Training) else method.encoder
    assert schedule is not None, "checked when the study was parsed"
    return method.shared_steps(schedule, steps)


def _depth_step(study: Study, depth: DepthSpec, arm: Arm, seed: int, data: Step, model: Step) -> Step:
    training = study.training_of(arm.objective)
    # the head's loader feeds the bank of contrastive models, as it feeds their classifier
    labelled = training if isinstance(training, Training) else training.head
    return Step(
        ProbeDepth(
            data=study.data,
            model=study.model,
            k=depth.k,
            points=study.probe_points(),
            augmentation_of=labelled if depth.augment_bank else None,
            study_seed=study.seed,
            replicate=seed,
        ),
        f"{model.label}: prediction depth",
        {"data": (data.ref,), "model": (model.ref,)},
        forward=study.data.facts.train_examples + study.data.facts.test_examples,
    )
