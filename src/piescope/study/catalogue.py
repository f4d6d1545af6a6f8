"""Writes down what a study has produced, as the report finds it. Loads no torch."""

from __future__ import annotations

import json
from pathlib import Path

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.catalogue import ArmName, Catalogue, CompleteArm, ControlOf, Departure, Environment, RecipeUsed
from piescope.store.durable import write_file
from piescope.study.describe import describe
from piescope.study.folder import study_of
from piescope.study.plan import ArmSteps, Plan, make_plan
from piescope.study.provenance import TEXT, departures, load_recipe
from piescope.study.spec import Study


def refresh_catalogue(out: Path) -> None:
    """Writes down what the folder holds now, also after a run that was killed, or while one is at work."""
    write_catalogue(make_plan(study_of(out)), Store(out))


def write_catalogue(plan: Plan, store: Store) -> None:
    """Writes catalogue.json, if what it says has changed."""
    path, content = layout.catalogue(store.out), catalogue_of(plan, store).as_bytes()
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)


def catalogue_of(plan: Plan, store: Store) -> Catalogue:
    """What the study has produced so far."""
    done = {item.arm for item in plan.arms if store.has("compare", item.compare.key)}
    return Catalogue(
        study=plan.study.name,
        recipe=_recipe_of(plan.study),
        data=plan.data.key if store.has("data", plan.data.key) else None,
        probe_points=plan.study.probe_points(),
        arms=tuple(_complete_arm(item, plan.study, store) for item in plan.arms if item.arm in done),
        missing=tuple(ArmName(**item.arm.model_dump()) for item in plan.arms if item.arm not in done),
        environments=_environments(plan, store),
        described=describe(plan.study),
    )


def _complete_arm(item: ArmSteps, study: Study, store: Store) -> CompleteArm:
    control, maps = study.control(item.arm.pruning), item.maps
    steps = () if maps is None else (maps.together, maps.alone)
    project = next((step for step in steps if store.has(step.kind, step.key)), None)
    return CompleteArm(
        **item.arm.model_dump(),
        compare=item.compare.key,
        project=None if project is None else project.key,
        place=maps.place if maps is not None and project is maps.together else None,
        control=None if control is None else ControlOf(**control.model_dump()),
        seeds=study.seeds_of(item.arm.pruning),
        descended=study.descends(item.arm.pruning),
    )


def _environments(plan: Plan, store: Store) -> tuple[Environment, ...]:
    """Each that a finished step was made on, in the order of the steps."""
    environments: dict[str, Environment] = {}
    for step in plan.steps:
        if store.has(step.kind, step.key):
            recorded = store.load(step.kind, step.key).manifest["environment"]
            environments.setdefault(json.dumps(recorded, sort_keys=True), Environment(**recorded))
    return tuple(environments.values())


def _recipe_of(study: Study) -> RecipeUsed | None:
    """The recipe that the study names, and where the study departs from the paper's text."""
    if study.recipe is None:
        return None
    departed = []
    for difference in departures(study, load_recipe(TEXT)):
        (paper, here), origin = difference.values, difference.origins[0]
        departed.append(
            Departure(id=difference.id, key=difference.key, paper=paper, origin=origin, here=here, why=difference.why)
        )
    return RecipeUsed(name=study.recipe, title=load_recipe(study.recipe).title, departures=tuple(departed))
