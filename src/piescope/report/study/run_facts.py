"""What was run, as facts and as departures from the paper; the page's drawers and its footer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from piescope.report.layout.blocks import Table
from piescope.report.study.results import Results
from piescope.report.study.words import family_name, pruning_name
from piescope.store.catalogue import Environment, ObjectiveRun, TrainingRun
from piescope.wording import as_percent, counted, listed


def departures(results: Results) -> Table | None:
    """Where the run is not what the paper's text (or, where that is silent, its code) has."""
    if results.recipe is None:
        return None
    body = tuple(
        (
            departure.id,
            departure.key,
            "not set" if departure.origin is None else f"{_value(departure.paper)} ({departure.origin})",
            "not set" if departure.here is None else _value(departure.here),
        )
        for departure in results.recipe.departures
    )
    caption = (
        "Values that differ from the paper's: text, what the paper says; code, what its authors' code does where the "
        "text is silent. `piescope recipes` says why each matters."
    )
    return Table("Departures from the paper", caption, ("Id", "Key", "Paper", "This run"), body)


def _value(value: Any) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def _first(count: int) -> str:
    return f"first {count} models" if count > 1 else "first model"


def facts(results: Results) -> list[tuple[str, str]]:
    """What was run, as name and value."""
    study, data, recipe, seeds = results.study, results.data, results.recipe, results.study.replicates
    which = "" if isinstance(seeds, int) else f"seeds {', '.join(map(str, seeds))}: "
    return [
        ("Recipe", "none" if recipe is None else f"{recipe.name}: {recipe.title}"),
        ("Study", f"{study.name}, seed {study.seed}"),
        (
            "Data",
            f"{data.about}: {data.train_examples:,} train, {data.test_examples:,} test, "
            f"{'x'.join(map(str, data.image_shape))}",
        ),
        *_duplicates(data.duplicates),
        ("Data fingerprint", data.fingerprint[:16]),
        ("Model", study.model),
        ("Models per arm", which + populations(results)),
        ("Sparsities", ", ".join(as_percent(sparsity) for sparsity in study.sparsities)),
        *(_training_fact(run, training) for run in study.objectives for training in run.trainings),
        *((f"Pruning {pruning_name(method.name)}", method.text) for method in study.methods),
        *_measures(results),
        *(("Made on", made_on(environment)) for environment in results.environments),
    ]


STAGES = {"supervised": "", "encoder": " encoder", "head": " linear head"}
"""How a training is named after its objective."""


def _training_fact(run: ObjectiveRun, training: TrainingRun) -> tuple[str, str]:
    return f"Training {run.objective}{STAGES[training.stage]}", training.text


def _measures(results: Results) -> Iterator[tuple[str, str]]:
    """What was measured beyond what always is."""
    depth, maps = results.study.depth, results.study.maps
    if depth is not None and results.probe_points:
        probes = f"{len(results.probe_points)} probes: {', '.join(results.probe_points)}"
        yield "Prediction depth", f"{_first(depth.models)}; k = {depth.k} in {depth.bank}; {probes}"
    if maps is not None:
        yield "UMAP", f"{'mean over models' if maps.of == 'mean' else 'first model'}; {maps.settings}"


def made_on(environment: Environment) -> str:
    """Processor, device and libraries."""
    return (
        f"{processor_of(environment)}, device {environment.device}, {environment.threads} thread a worker, "
        f"pack size {environment.pack_size}{_computed(environment)}; {_libraries(environment)}"
    )


def _computed(environment: Environment) -> str:
    """How networks computed, where that was chosen; and what drew."""
    told = {
        f"{environment.memory_format} memory format": environment.memory_format is not None,
        "trainings compiled": environment.compiled,
        "steps captured": environment.captured,
        f"draws of {environment.draws}": environment.draws is not None,
    }
    return "".join(f", {fact}" for fact, is_so in told.items() if is_so)


def processor_of(environment: Environment) -> str:
    """``AMD EPYC (AVX512)``."""
    return f"{environment.processor or 'a processor that was not recorded'} ({environment.cpu})"


def _libraries(environment: Environment) -> str:
    known = {"torch": environment.torch, **(environment.libraries or {})}
    return ", ".join(f"{library} {version}" for library, version in known.items())


def _duplicates(count: int) -> list[tuple[str, str]]:
    text = "of the test images stand in the training images too, pixel for pixel: models may know them by heart"
    return [("Duplicates", f"{count} {text}")] if count else []


def populations(results: Results) -> str:
    """How many models an arm has, for below every table."""
    usual = results.study.models_per_arm
    others = [
        f"{family_name(*arm.key.family)} {as_percent(arm.sparsity)} has {arm.summary.n_models}"
        for arm in results.arms
        if arm.summary.n_models != usual and not arm.lost
    ]
    return "; ".join([f"{counted(usual, 'model')} an arm", *others]) + "."


def lost_models(results: Results) -> str:
    """Which arms have fewer models than the study asks for, for the page and below every table; empty: none has."""
    arms = [arm for arm in results.arms if arm.lost]
    if not arms:
        return ""
    told = [
        f"{family_name(*arm.key.family)} {as_percent(arm.sparsity)} has {len(arm.seeds)} of "
        f"{len(arm.seeds) + len(arm.lost)} (without seed {listed([str(seed) for seed in arm.lost])})"
        for arm in arms
    ]
    lost = sorted({seed for arm in arms if not arm.has_fresh_seeds for seed in arm.lost})
    without = f"is without seed {listed([str(seed) for seed in lost])} in every arm" if lost else "is of these, too"
    return (
        f"Models are missing that failed: {'; '.join(told)}. Counts and accuracies are of the models that there are; "
        f"what is said of seeds (excess, intervals, claims) {without}."
    )
