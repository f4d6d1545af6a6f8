"""report.html: one file that opens from disk, offline, and says what every number means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import piescope
from piescope.report.layout.blocks import Table
from piescope.report.layout.standalone import content_hash, page_templates
from piescope.report.study.claim_parts import Claim
from piescope.report.study.figures import Drawn
from piescope.report.study.gallery import walls
from piescope.report.study.published import unfair_because
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.signal import MARGIN, Signal
from piescope.report.study.signal_figures import FIRST_NUMBER
from piescope.report.study.signal_rows import SignalTables
from piescope.report.study.signal_words import in_short, sentences
from piescope.report.study.tables import StudyTables
from piescope.report.study.words import OBJECTIVES, OBJECTIVES_IN_FULL, family_name, pruning_name
from piescope.store.catalogue import Environment, ObjectiveRun, TrainingRun
from piescope.wording import as_percent, percent, plus_minus


@dataclass(frozen=True)
class ArmCard:
    """The PIEs of one pruning at the main sparsity in a few words; ``signal``: what is beyond noise, if known."""

    objective: str
    name: str
    number: str
    unit: str
    signal: str
    detail: str


def render_page(
    results: Results,
    tables: dict[str, Table],
    rows: StudyTables,
    figures: Sequence[Drawn],
    claims: Sequence[Claim],
    signal: Signal,
) -> bytes:
    """The whole report as HTML."""
    templates = page_templates()
    has_depth = bool(results.probe_points)
    css = templates.get_template("report.css").render()
    of_signal, shown = SignalTables.kinds(), {name for name, lines in rows.by_name().items() if lines}
    shown -= {"claims", "published"} if has_depth else {"claims", "published", "prediction_depth"}
    drawn = [figure for figure in figures if figure.rows]
    studied = [row for row in rows.pies if not row.control]
    page = templates.get_template("report.html").render(
        title=results.study.title,
        css=css,
        css_hash=content_hash(css),
        version=piescope.__version__,
        headline=headline(results, signal),
        main_sparsity=as_percent(results.main_sparsity),
        findings=findings(results),
        facts=facts(results),
        tables={name: table for name, table in tables.items() if name in shown and table.rows},
        signal_tables={name: tables[name] for name in of_signal if results.pruned() and tables[name].rows},
        signal_sentences=sentences(signal),
        has_fresh=any(signal.fresh(objective) is not None for objective in results.objectives()),
        controls=[
            f"{OBJECTIVES.get(arm.objective, arm.objective)} {pruning_name(arm.pruning)}"
            + (f" {as_percent(arm.sparsity)}" if arm.sparsity else "")
            for arm in results.arms
            if arm.is_control
        ],
        margin=MARGIN,
        claims=claims if any(claim.parts for claim in claims) else [],
        effects=tables["claims"],
        published=tables["published"],
        unfair=unfair_because(results),
        departures=_departures(results),
        map_of_mean=results.study.maps_of_mean,
        figures=[figure for figure in drawn if figure.number < FIRST_NUMBER],
        signal_figures=[figure for figure in drawn if figure.number >= FIRST_NUMBER],
        walls=walls(results),
        missing=[f"{family_name(arm.objective, arm.pruning)} {as_percent(arm.sparsity)}" for arm in results.missing],
        examples=len(results.labels),
        pies=sum(row.pies for row in studied),
        tied_pies=sum(row.tied_pies for row in studied),
        models=max(row.n_models for row in rows.pies),
        k=None if results.study.depth is None else results.study.depth.k,
        probes=len(results.probe_points),
        has_maps=any(arm.embedding is not None for arm in results.arms),
        has_siblings=any(results.siblings(arm) for arm in results.pruned()),
        degenerate=sum(row.degenerate for row in rows.q_score),
        has_depth=has_depth,
        has_finetuning=any(method.kind == "one_shot" for method in results.study.methods),
    )
    return page.encode()


def _departures(results: Results) -> Table | None:
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
    return Table("Departures", caption, ("Id", "Key", "Paper", "This run"), body)


def _value(value: Any) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def headline(results: Results, signal: Signal) -> list[ArmCard]:
    """The few numbers that a reader takes away: PIEs at the main sparsity, one card per (objective, pruning)."""
    examples = len(results.labels)
    return [
        ArmCard(
            objective=arm.objective,
            name=family_name(*arm.key.family),
            number=f"{arm.summary.pies:,}",
            unit=f"of {examples:,} examples ({percent(100 * arm.summary.pies / examples)})",
            signal=in_short(signal, arm),
            detail=f"accuracy {_accuracy(arm)} %",
        )
        for arm in _at_main(results)
    ]


def _at_main(results: Results) -> list[ArmResult]:
    arms = [results.find(*family, results.main_sparsity) for family in results.families()]
    return [arm for arm in arms if arm is not None]


def _accuracy(arm: ArmResult) -> str:
    return plus_minus(arm.summary.accuracy_mean, arm.summary.accuracy_std)


def findings(results: Results) -> list[str]:
    """Plain sentences, each computed from this run's numbers and from nothing else."""
    sentences = []
    for objective in results.objectives():
        dense = results.find(objective, "dense", 0.0)
        if dense is None:
            continue
        name = OBJECTIVES_IN_FULL.get(objective, objective)
        of_objective = [
            f"Dense {name} models reach {_accuracy(dense)} % "
            f"on the test examples ({_of_models(dense.summary.n_models)})."
        ]
        for _, pruning in [family for family in results.families() if family[0] == objective]:
            arms = [results.find(objective, pruning, sparsity) for sparsity in results.sparsities()]
            counts = ", ".join(f"{arm.summary.pies} at {as_percent(arm.sparsity)}" for arm in arms if arm is not None)
            of_objective.append(f"PIEs of {pruning_name(pruning)}: {counts}.")
        sentences.append(" ".join(of_objective))
    known = [(arm.summary.pies, *arm.key.family) for arm in _at_main(results)]
    if len(known) > 1:
        most, least = max(known), min(known)
        sentences.append(
            f"At {as_percent(results.main_sparsity)} sparsity, {family_name(*most[1:])} has the most PIEs ({most[0]}) "
            f"and {family_name(*least[1:])} the fewest ({least[0]})."
        )
    return sentences


def _of_models(count: int) -> str:
    return f"mean ± std of {count} models" if count > 1 else "one model"


def _first(count: int) -> str:
    return f"first {count} models" if count > 1 else "first model"


def facts(results: Results) -> list[tuple[str, str]]:
    """What was run, as name and value."""
    study, data, recipe, seeds = results.study, results.data, results.recipe, results.study.replicates
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
        ("Models per arm", str(seeds) if isinstance(seeds, int) else f"seeds {', '.join(map(str, seeds))}"),
        ("Sparsities", ", ".join(as_percent(sparsity) for sparsity in study.sparsities)),
        *(_training_fact(run, training) for run in study.objectives for training in run.trainings),
        *((f"Pruning {pruning_name(method.name)}", method.text) for method in study.methods),
        *_measures(results),
        *(("Made on", _made_on(environment)) for environment in results.environments),
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


def _made_on(environment: Environment) -> str:
    return (
        f"{environment.processor or 'a processor that was not recorded'} ({environment.cpu}), "
        f"device {environment.device}, {environment.threads} thread a worker, "
        f"pack size {environment.pack_size}; {_libraries(environment)}"
    )


def _libraries(environment: Environment) -> str:
    known = {"torch": environment.torch, **(environment.libraries or {})}
    return ", ".join(f"{library} {version}" for library, version in known.items())


def _duplicates(count: int) -> list[tuple[str, str]]:
    text = "of the test images stand in the training images too, pixel for pixel: models may know them by heart"
    return [("Duplicates", f"{count} {text}")] if count else []
