"""Whether a study holds together: what each part asks of the others, checked whole, before any work. Loads no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from piescope.data.sources import SOURCES, Facts
from piescope.models.build import weight_count
from piescope.problems import StudyError
from piescope.pruning.schedules import Gradual
from piescope.store.catalogue import FiguresShown
from piescope.study import controls
from piescope.study.controls import Control, FinetuneOnly, FreshDense, RandomMasks
from piescope.study.inherit import shipped
from piescope.study.limits import check_sizes
from piescope.study.paired import check_pairs
from piescope.study.spec import DENSE, DepthSpec, Objective, ProjectionSpec, Study
from piescope.training.recipe import GradualPruning, OneShotPruning, Training
from piescope.training.schedule import MultiStep, MultiStepCosine

MOST_MODELS = 100_000


def check(study: Study, source: str = "study") -> None:
    """Refuses a study whose parts, each well formed, do not fit together.

    Args:
        study: what to check.
        source: names it in errors.

    Raises:
        StudyError: with every fault found; sizes beyond all measure come first, arms and measures are looked at once
            data and replicates are sound.

    Example:
        >>> from piescope.study.parse import load_study
        >>> check(load_study("digits").model_copy(update={"replicates": (3, 3)}))
        Traceback (most recent call last):
        piescope.problems.StudyError: ...
    """
    problems = StudyError(source)
    check_sizes(problems, study)
    problems.raise_if_any()  # what follows lists and counts
    _check_data(problems, study)
    _check_values(problems, study)
    if not problems:
        _check_names(problems, study)
        _check_sparsities(problems, study)
        for objective in study.arms:
            _check_objective(problems, study, objective)
        check_pairs(problems, study)
        if study.measures.prediction_depth is not None:
            _check_depth(problems, study, study.measures.prediction_depth)
        if study.measures.projection is not None:
            _check_projection(problems, study, study.measures.projection)
        if study.figures is not None:
            _check_figures(problems, study, study.figures)
        _check_replicates(problems, study)
    problems.raise_if_any()


def _check_values(problems: StudyError, study: Study) -> None:
    """The recipe, what it continues, the seeds and the sparsities."""
    if study.recipe is not None and study.recipe not in shipped("recipes"):
        problems.add_unknown("recipe", "recipe", study.recipe, shipped("recipes"))
    if study.continues == study.name:
        cure = "leave it out, or unset it where it is extended: a study goes on in its own folder without it"
        problems.add("continues", f"{study.name!r}, its own name", "the name of another study", cure)
    named = study.replicates if isinstance(study.replicates, tuple) else ()
    repeated = sorted(seed for seed, times in Counter(named).items() if times > 1)
    if repeated:
        fault, expected = f"seeds {repeated} more than once", "different seeds"
        problems.add("replicates", fault, expected, "two models of one seed are the same model; name each seed once")
    if len(set(study.sparsities)) != len(study.sparsities):
        problems.add("sparsities", f"{list(study.sparsities)}", "different values", "name each sparsity once")
    pruned = _pruned_arm(study)
    if pruned is not None and not study.sparsities:
        cure = "add sparsities = [0.5, 0.9], or leave the arm out"
        problems.add("sparsities", "none", f"fractions between 0 and 1: {pruned} is an arm", cure)
    if study.models > MOST_MODELS:
        fault, expected = f"{study.models:,} models in all arms", f"at most {MOST_MODELS:,}"
        problems.add("replicates", fault, expected, "split the study, or take fewer replicates or sparsities")


def _check_sparsities(problems: StudyError, study: Study) -> None:
    """A sparsity takes some weights, and leaves some."""
    facts = study.data.facts
    weights = weight_count(study.model, facts.image_shape, facts.num_classes)
    for sparsity in study.sparsities:
        gone = round(sparsity * weights)
        if gone in (0, weights):
            fault = f"{sparsity!r}, {'all' if gone else 'none'} of {weights:,} weights"
            expected = "a share that takes some weights and leaves some"
            problems.add("sparsities", fault, expected, "name another, or none")


def _pruned_arm(study: Study) -> str | None:
    """An arm whose models lack weights; None: the study has dense models alone."""
    for objective, prunings in study.arms.items():
        for pruning in prunings:
            if pruning != DENSE and not isinstance(study.control(pruning), FreshDense | FinetuneOnly):
                return f"{objective} {pruning}"
    return None


def _check_data(problems: StudyError, study: Study) -> None:
    """The source, and what a user's own data hold; where these are known, what is taken of them."""
    data = study.data
    if data.source not in SOURCES:
        problems.add_unknown("data.source", "data set", data.source, SOURCES)
        return
    known = SOURCES[data.source].facts is not None
    if data.holds is None and not known:
        cure = f"`piescope data {data.source} --data-dir DIR` prints the table to put here"
        problems.add("data.holds", "nothing", f"what {data.source} holds", cure)
    elif data.holds is not None and known:
        problems.add("data.holds", "a table", f"nothing: what {data.source} holds is known", "leave the key out")
    else:
        _check_what_is_taken(problems, study, data.whole)


def _check_what_is_taken(problems: StudyError, study: Study, whole: Facts) -> None:
    """Normalisation, numbers of images and their size against what the source holds."""
    data = study.data
    channels, height, width = whole.image_shape
    for key in ("mean", "std"):
        given = getattr(data.normalisation, key)
        if len(given) != channels:
            fault, expected = f"{len(given)} values", f"{channels}, one per channel of {data.source}"
            problems.add(f"data.normalisation.{key}", fault, expected, "give one number per channel")
    for key in ("train_examples", "test_examples"):
        wanted, there = getattr(data, key), getattr(whole, key)
        if wanted is not None and not whole.num_classes <= wanted <= there:
            expected = f"{whole.num_classes} (one per class) to {there:,}, what {data.source} holds"
            cure = "take a number in that range, or leave the key out to take all"
            problems.add(f"data.{key}", str(wanted), expected, cure)
    if data.image_size is not None and data.image_size > min(height, width):
        expected = f"at most {min(height, width)}: images of {data.source} are {height}x{width}"
        cure = "images are only ever shrunk: take a smaller size, or other data"
        problems.add("data.image_size", str(data.image_size), expected, cure)


def _check_names(problems: StudyError, study: Study) -> None:
    """No method or control is called what something else is, each control has its pruning; only gradual ones regrow."""
    if DENSE in study.pruning:
        fault, expected = "a method of that name", "another name"
        problems.add(f"pruning.{DENSE}", fault, expected, "rename it: the arm 'dense' is never pruned")
    for name in study.controls:
        if name == DENSE or name in study.pruning:
            fault, expected = f"the name of {'the dense arm' if name == DENSE else 'a pruning'}", "another name"
            problems.add(f"controls.{name}", fault, expected, "rename it")
    used = {name for prunings in study.arms.values() for name in prunings}  # of those, arms tell more
    for name, control in study.controls.items():
        if name not in used and not isinstance(control, FreshDense) and control.of not in study.pruning:
            fault, expected = f"a control of {control.of!r}, which the study has not", "a control of a pruning"
            cure = f"say of which: {', '.join(study.pruning)}; or leave the key out"
            problems.add(f"controls.{name}", fault, expected, cure if study.pruning else "leave the key out")
    for name, described in study.pruning.items():
        if described.regrowth and not isinstance(described, GradualPruning):
            fault, expected = "true", "false for one_shot"
            problems.add(f"pruning.{name}.regrowth", fault, expected, "weights can only come back in gradual pruning")


def _check_objective(problems: StudyError, study: Study, objective: Objective) -> None:
    """One objective's arms and trainings."""
    prunings = study.arms[objective]
    if DENSE not in prunings:
        fault, expected = f"{list(prunings)}", f"'{DENSE}' among them"
        problems.add(f"arms.{objective}", fault, expected, f"add '{DENSE}': pruned models are compared with it")
    if len(set(prunings)) != len(prunings):
        problems.add(f"arms.{objective}", f"{list(prunings)}", "different prunings", "name each once")
    if getattr(study.training, objective) is None:
        problems.add(f"training.{objective}", "nothing", "a training", f"add a table [training.{objective}]")
        return
    for training in _stages(study, objective).values():
        _check_stage(problems, study, objective, training)
    for where, training in _normalised(study, objective):
        _check_last_batch(problems, study, where, training)
    for pruning in prunings:
        if pruning != DENSE:
            _check_pruning(problems, study, objective, pruning)


def _stages(study: Study, objective: Objective) -> dict[str, Training]:
    """The trainings of an objective's dense models, by the name that a pruning's schedules have for them."""
    training = study.training_of(objective)
    if isinstance(training, Training):
        return {"supervised": training}
    return {"encoder": training.encoder, "head": training.head}


def _check_stage(problems: StudyError, study: Study, objective: Objective, training: Training) -> None:
    """Milestones that are reached, and batches that there are."""
    examples = study.data.facts.train_examples
    schedule = training.schedule
    if isinstance(schedule, MultiStep | MultiStepCosine) and schedule.milestones[-1] >= training.epochs:
        expected = f"below {training.epochs}, the epochs"
        cure = "it would never be reached: leave it out or train longer"
        problems.add(f"training.{objective}", f"a milestone at epoch {schedule.milestones[-1]}", expected, cure)
    if training.steps(examples) == 0:
        fault, expected = f"batch_size {training.batch_size} with drop_last", f"at most {examples}, the training images"
        problems.add(f"training.{objective}", fault, expected, "take a smaller batch")


def _normalised(study: Study, objective: Objective) -> Iterator[tuple[str, Training]]:
    """Trainings of an objective in which batch normalisation sees each image once.

    Contrastive encoders see two views of each, so never one value alone; heads are trained on a frozen encoder.
    """
    training = study.training_of(objective)
    if isinstance(training, Training):
        yield f"training.{objective}", training
    for pruning in study.arms[objective]:
        of = getattr(study.control(pruning), "of", pruning)
        method = study.pruning.get(of)  # a control that cannot be one is told by _can_control
        if isinstance(method, OneShotPruning):
            yield f"pruning.{of}.finetune", method.finetune


def _check_last_batch(problems: StudyError, study: Study, where: str, training: Training) -> None:
    """No batch is a single image where that leaves nothing to normalise."""
    facts = study.data.facts
    noted = any(problem.where == f"{where}.batch_size" for problem in problems.problems)
    if noted or study.model.last_map(facts.image_shape) != (1, 1) or training.last_batch(facts.train_examples) != 1:
        return
    size = batch_without_a_last_one(training, facts.train_examples)
    fault = f"{training.batch_size}: of {facts.train_examples:,} training images a last batch of one is left"
    expected = "2 images or more in each batch: maps of 1 x 1 of one image are nothing to normalise"
    problems.add(f"{where}.batch_size", fault, expected, f"write batch_size = {size}, or drop_last = true")


def batch_without_a_last_one(training: Training, examples: int) -> int:
    """The nearest batch size that leaves no batch of one; the largest that changes no schedule, if there is one.

    Example:
        >>> batch_without_a_last_one(Training(epochs=1, batch_size=50, learning_rate=1.0), 101)
        49
    """
    steps = training.steps_per_epoch(examples)
    smaller = [size for size in range(training.batch_size - 1, 1, -1) if examples % size != 1]
    alike = [size for size in smaller if -(-examples // size) == steps]
    larger = next(size for size in range(training.batch_size + 1, examples + 2) if examples % size != 1)
    return next(iter([*alike, larger]))


def _check_pruning(problems: StudyError, study: Study, objective: Objective, pruning: str) -> None:
    """An arm's pruning or control is there, can be what it is called, and its schedules fit the training."""
    control = study.control(pruning)
    if control is not None and not _can_control(problems, study, objective, pruning, control):
        return
    method = study.method(pruning)
    if method is None and control is None:
        known = [DENSE, *study.pruning, *study.controls, *controls.STANDARD]
        problems.add_unknown(f"arms.{objective}", "pruning", pruning, known)
    elif isinstance(method, GradualPruning):
        _check_schedules(problems, study, objective, getattr(control, "of", pruning), method)


def _can_control(problems: StudyError, study: Study, objective: Objective, name: str, control: Control) -> bool:
    """Whether there is what the control is a control of."""
    if isinstance(control, FreshDense):
        return True
    method = study.pruning.get(control.of)
    if method is None:
        fault = f"{name!r}, a control of {control.of!r}, which the study has not"
        expected = f"a control of {' or '.join(map(repr, study.pruning)) or 'a pruning'}"
        cure = f'say what it is a control of: [controls.{name}] with kind = "{control.kind}" and of = "..."'
        problems.add(f"arms.{objective}", fault, expected, cure)
    elif isinstance(control, FinetuneOnly) and not isinstance(method, OneShotPruning):
        fault = f"{name!r}, the fine-tuning of {control.of!r}, which has none"
        expected = "a control of a one-shot pruning"
        problems.add(f"arms.{objective}", fault, expected, "leave it out: gradual pruning is the training itself")
    elif isinstance(control, RandomMasks) and method.criterion == "random":
        fault = f"{name!r}, random masks for {control.of!r}, whose masks are random"
        problems.add(f"arms.{objective}", fault, "a control of a pruning by magnitude", "leave it out")
    else:
        return True
    return False


def _check_schedules(
    problems: StudyError, study: Study, objective: Objective, name: str, method: GradualPruning
) -> None:
    """A gradual pruning has a schedule for each stage that it prunes in."""
    for stage, training in _stages(study, objective).items():
        if stage == "head" and not method.prune_head:
            continue
        where = f"pruning.{name}.{stage}"
        schedule: Gradual | None = getattr(method, stage)
        if schedule is None:
            fault, expected = "nothing", f"a schedule, for arm {objective} {name}"
            problems.add(where, fault, expected, "add { begin = ..., end = ..., frequency = ... }")
        else:
            images = study.data.facts.train_examples
            few = training.batch_size > images
            why = f"; a batch of {training.batch_size:,} makes an epoch of {images:,} images one step" if few else ""
            _check_schedule(problems, where, schedule, training.steps(images), why)


def _check_schedule(problems: StudyError, where: str, schedule: Gradual, steps: int, why: str = "") -> None:
    """A schedule ends before its training does."""
    if schedule.begin > steps:
        fault, expected = str(schedule.begin), f"at most {steps}, the training's last step"
        problems.add(f"{where}.begin", fault, expected, f"begin earlier or train longer{why}")
    elif schedule.end > steps:
        cure = f"the target sparsity would never be reached: end earlier or train longer{why}"
        problems.add(f"{where}.end", str(schedule.end), f"at most {steps}, the training's last step", cure)


def _check_depth(problems: StudyError, study: Study, depth: DepthSpec) -> None:
    """Prediction depth has its models, neighbours and probes."""
    where, images = "measures.prediction_depth", study.data.facts.train_examples
    if depth.models > len(study.seeds):
        fault, expected = str(depth.models), f"at most {len(study.seeds)}, the replicates"
        problems.add(f"{where}.models", fault, expected, "take fewer models or more replicates")
    if depth.k > images:
        problems.add(f"{where}.k", str(depth.k), f"at most {images}, the training images", "take fewer neighbours")
    if not isinstance(depth.points, str):
        _check_points(problems, f"{where}.points", depth.points, study.model.points())


def _check_points(problems: StudyError, where: str, points: tuple[str, ...], there: tuple[str, ...]) -> None:
    """Probes of the network, each once, from shallow to deep."""
    for point in points:
        if point not in there:
            problems.add_unknown(where, "probe point", point, there)
    known = [point for point in points if point in there]
    ordered = sorted(known, key=there.index)
    if known != ordered:
        problems.add(where, f"{list(points)}", "points from shallow to deep", "order them: " + ", ".join(ordered))
    if len(set(points)) != len(points) or not points:
        problems.add(where, f"{list(points)}", "different points", "name each point once")


def _check_projection(problems: StudyError, study: Study, projection: ProjectionSpec) -> None:
    """A map has its neighbours, and is of sparsities that the study has."""
    if projection.neighbours >= study.data.facts.test_examples:
        fault, expected = str(projection.neighbours), f"below {study.data.facts.test_examples}, the test images"
        problems.add("measures.projection.neighbours", fault, expected, "take fewer neighbours")
    there = study.sparsities
    expected = f"some of {list(there)}, which the study has" if there else "none: the study has none"
    for sparsity in projection.sparsities:
        if sparsity not in there:
            cure = "take sparsities that the study has" if there else "write sparsities = [] there"
            problems.add("measures.projection.sparsities", str(sparsity), expected, cure)


def _check_figures(problems: StudyError, study: Study, figures: FiguresShown) -> None:
    """A figure shows sparsities that the study has, each once; of maps those that it maps, depths where it has them."""
    maps = study.measures.projection
    if figures.figure_3 is not None and study.measures.prediction_depth is None:
        fault, expected = "no prediction depth to show", "measures.prediction_depth"
        problems.add("figures.figure_3", fault, expected, "measure it, or leave figure_3 out")
    for name, value in figures:
        mapped = name in ("figure_1", "figure_5")
        there = study.sparsities if not mapped else () if maps is None else maps.sparsities
        where, shown = f"figures.{name}", value if isinstance(value, tuple) else () if value is None else (value,)
        expected = f"some of {list(there)}, which {'have maps' if mapped else 'the study has'}"
        key = "measures.projection.sparsities" if mapped else "sparsities"
        cure = f"take one of those, or add it to {key}"
        if not there:
            expected, cure = f"nothing: {key} names none", f"leave {name} out, or name some there"
        for sparsity in shown:
            if sparsity not in there:
                problems.add(where, str(sparsity), expected, cure)
        if len(set(shown)) != len(shown):
            problems.add(where, f"{list(shown)}", "different sparsities", "name each once")


def _check_fresh_seeds(problems: StudyError, study: Study, control: str) -> None:
    """The seeds of fresh dense models, which all objectives share, are no other arm's, and seeds at all."""
    seeds = max((study.seeds_of(arm) for arm in study.arm_list() if arm.pruning == control), key=len)
    where = f"controls.{control}.first_seed"
    taken = {seed for other in study.arm_list() if not study.is_fresh(other.pruning) for seed in study.seeds_of(other)}
    shared = sorted(taken.intersection(seeds))
    if shared:
        fault = f"{seeds[0]}: seed {shared[0]} is also that of another arm's model"
        cure = f"begin at {max(taken) + 1} or later, or leave the key out"
        if study.continues is not None:
            free = max(*taken, *seeds) + 1
            cure = f"to keep the fresh models of {study.continues!r}, give further replicates seeds from {free} on"
            cure += " (replicates = [...]); there is no going on in its folder with other ones"
        problems.add(where, fault, "seeds that no other arm has", cure)
    elif seeds[-1] >= 2**32:
        problems.add(where, str(seeds[0]), f"at most {2**32 - len(seeds)}", "begin lower")


def _check_replicates(problems: StudyError, study: Study) -> None:
    """Arms that are named with a number of models are there, and each has at most the seeds of its dense arm."""
    arms, listed = {str(arm): arm for arm in study.arm_list()}, len(study.seeds)
    told: set[str] = set()
    for name in study.replicates_of:
        if name not in arms:
            problems.add_unknown("replicates_of", "arm", name, arms)
    for control in dict.fromkeys(arm.pruning for arm in arms.values() if study.is_fresh(arm.pruning)):
        _check_fresh_seeds(problems, study, control)
    for name, arm in arms.items():
        dense = f"{arm.objective} {DENSE}"
        models, most = study.replicates_of.get(name, listed), study.replicates_of.get(dense, listed)
        where = f"replicates_of.{name}"
        if study.is_fresh(arm.pruning):
            continue
        if len(study.seeds_of(arm)) < models:
            fault, expected = f"{models} models", f"at most {listed}, the seeds that replicates lists"
            problems.add(where, fault, expected, "list more seeds, or take fewer models")
        elif models > most and name in study.replicates_of:
            fault, expected = f"{models} models", f"at most {most}, as its dense arm has: models are compared by seed"
            problems.add(where, fault, expected, "take fewer models, or more dense ones")
        elif models > most and dense not in told:
            told.add(dense)  # once for all arms that have the usual number
            fault, expected = f"{most} models", f"at least {models}, as {name} has: models are compared by seed"
            cure = f"leave it out, or name the objective's other arms with {most} at most, too"
            problems.add(f"replicates_of.{dense}", fault, expected, cure)
