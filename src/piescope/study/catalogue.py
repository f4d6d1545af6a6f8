"""Writes down what a study has produced, as the report finds it. Loads no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from piescope.store import layout
from piescope.store.artefacts import Store, as_json, write_file
from piescope.study.folder import study_of
from piescope.study.plan import Plan, make_plan
from piescope.study.provenance import TEXT, departures, load_recipe
from piescope.study.spec import Study


def refresh_catalogue(out: Path) -> None:
    """Writes down what the folder holds now, also after a run that was killed, or while one is at work."""
    write_catalogue(make_plan(study_of(out)), Store(out))


def write_catalogue(plan: Plan, store: Store) -> None:
    """Writes catalogue.json, if what it says has changed."""
    path, content = layout.catalogue(store.out), as_json(catalogue(plan, store))
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)


def catalogue(plan: Plan, store: Store) -> dict[str, Any]:
    """What the study has produced so far: all that a report needs to find it."""
    complete, missing = [], []
    environments: dict[str, dict[str, Any]] = {}
    for item in plan.arms:
        named = {"objective": item.arm.objective, "pruning": item.arm.pruning, "sparsity": item.arm.sparsity}
        if not store.has("compare", item.compare.key):
            missing.append(named)
            continue
        project = item.project.key if item.project is not None and store.has("project", item.project.key) else None
        control = plan.study.control(item.arm.pruning)
        complete.append(
            {
                **named,
                "compare": item.compare.key,
                "project": project,
                "control": None if control is None else control.model_dump(mode="json"),
                "seeds": list(plan.study.seeds_of(item.arm.pruning)),
                "descended": plan.study.descends(item.arm.pruning),
            }
        )
    for step in plan.steps:
        if store.has(step.kind, step.key):
            environment = store.load(step.kind, step.key).manifest["environment"]
            environments[json.dumps(environment, sort_keys=True)] = environment
    data = plan.data.key if store.has("data", plan.data.key) else None
    return {
        "study": plan.study.name,
        "recipe": _recipe_of(plan.study),
        "data": data,
        "probe_points": list(plan.study.probe_points()),
        "arms": complete,
        "missing": missing,
        "environments": list(environments.values()),
    }


def _recipe_of(study: Study) -> dict[str, Any] | None:
    """The recipe that the study names, and where the study departs from the paper's text."""
    if study.recipe is None:
        return None
    paper = load_recipe(TEXT)
    return {
        "name": study.recipe,
        "title": load_recipe(study.recipe).title,
        "departures": [
            {
                "id": each.id,
                "key": each.key,
                "paper": each.values[0],
                "from": each.origins[0],
                "here": each.values[1],
                "why": each.why,
            }
            for each in departures(study, paper)
        ],
    }
