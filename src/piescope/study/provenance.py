"""Recipes as people compare them: every value with where it is from, what differs, why it matters. Loads no torch."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from piescope.models.build import ModelSpec
from piescope.problems import StudyError
from piescope.spec import Spec
from piescope.study.inherit import leaves, recipe_part, resolved, shipped, tables_of
from piescope.study.spec import Measures, Study, Trainings, loss_of
from piescope.training.recipe import Normalisation, PruningMethod

Origin = Literal["text", "reading", "code", "ours"]


TEXT = "paper"
"""The recipe that follows the paper's text."""


class Said(Spec):
    """Where a value is from.

    Attributes:
        origin: ``text``: the paper says so; ``reading``: our reading where its words allow several; ``code``: the text
            is silent (or says otherwise) and its authors' code does so; ``ours``: none of these.
        id: of the fact in docs/recipes.md: D1 ... K5.
    """

    origin: Origin = Field(alias="from")
    id: str = Field(pattern=r"^[A-Z]\d+$")


class _Data(Spec):
    normalisation: Normalisation


class _Parts(Spec):
    recipe: str
    data: _Data
    model: ModelSpec
    training: Trainings
    pruning: dict[str, PruningMethod]
    measures: Measures


@dataclass(frozen=True)
class Recipe:
    """One way of doing the whole experiment.

    Attributes:
        name: as studies extend it.
        title: one line.
        values: every leaf that is set, by dotted key: ``training.supervised.epochs``.
        provenance: for dotted keys or their beginnings, where the values are from.
        below: the recipe that it extends; speaks for what this one leaves as it is.
    """

    name: str
    title: str
    values: dict[str, Any]
    provenance: dict[str, Said]
    below: Recipe | None = None

    def said(self, key: str) -> Said:
        """Where a value is from: the longest beginning of its key that the provenance names.

        Raises:
            KeyError: it names none.
        """
        if self.below is not None and key in self.below.values and self.below.values[key] == self.values.get(key):
            return self.below.said(key)
        parts = key.split(".")
        beginnings = (".".join(parts[:length]) for length in range(len(parts), -1, -1))
        longest = next((beginning for beginning in beginnings if beginning in self.provenance), None)
        if longest is None:
            raise KeyError(key)
        return self.provenance[longest]


@dataclass(frozen=True)
class Difference:
    """One value that two recipes, or a study and a recipe, do not share.

    Attributes:
        id: of the fact.
        key: dotted.
        values: of the one and the other; None: not set.
        origins: where they are from; None for a study's own value.
        why: why it matters.
    """

    id: str
    key: str
    values: tuple[Any, Any]
    origins: tuple[Origin | None, Origin | None]
    why: str


def recipe_names() -> list[str]:
    """The recipes that ship with piescope, the paper's first."""
    return sorted(shipped("recipes"), key=lambda name: ("paper", "reference-code", "modern").index(name))


def load_recipe(name: str) -> Recipe:
    """A recipe by name, every default written out.

    Raises:
        StudyError: there is none of that name.

    Example:
        >>> recipe = load_recipe("paper")
        >>> recipe.values["training.supervised.epochs"], recipe.said("training.supervised.epochs").origin
        (205, 'text')
    """
    texts = shipped("recipes")
    wanted = name.replace("_", "-")
    if wanted not in texts:
        raise StudyError.of_unknown(name, "RECIPE", "recipe", name, recipe_names())
    own = tables_of(texts[wanted], wanted)
    content = recipe_part(resolved(own, wanted, None, (wanted,)))
    dumped = _Parts.model_validate_json(json.dumps(content)).model_dump(mode="json")
    return Recipe(
        wanted,
        own["about"]["title"],
        leaves({key: value for key, value in dumped.items() if key != "recipe"}),
        {key: Said.model_validate_json(json.dumps(value)) for key, value in own["provenance"].items()},
        load_recipe(own["extends"]) if "extends" in own else None,
    )


def values_of(study: Study) -> dict[str, Any]:
    """What a study has where a recipe has something to say, by dotted key."""
    dumped = study.model_dump(mode="json")
    dumped["data"] = {"normalisation": dumped["data"]["normalisation"]}
    return leaves({key: dumped[key] for key in ("data", "model", "training", "pruning", "measures")})


def differences(one: Recipe, other: Recipe) -> list[Difference]:
    """Every value that differs, in the order of the first recipe's keys.

    Example:
        >>> differing = differences(load_recipe("paper"), load_recipe("reference-code"))
        >>> [difference.id for difference in differing if difference.key.endswith("vertical_flip")]
        ['D1', 'D1', 'D1']
    """
    differing = []
    for key in _changed(one.values, other.values):
        first, second = (recipe.said(key) if key in recipe.values else None for recipe in (one, other))
        last = second or first
        assert last is not None, "one of the two has a value"
        origins = first.origin if first else None, second.origin if second else None
        values = one.values.get(key), other.values.get(key)
        differing.append(Difference(last.id, key, values, origins, why(last.id)))
    return differing


def departures(study: Study, recipe: Recipe) -> list[Difference]:
    """Where a study's values are not the recipe's; objectives and methods that its arms do not use are left out."""
    own = values_of(study)
    used = {pruning for prunings in study.arms.values() for pruning in prunings}

    def concerns(key: str) -> bool:
        part, _, rest = key.partition(".")
        name = rest.split(".")[0]
        if part == "pruning" and name in used:  # schedules of stages that no objective here has
            losses = {loss_of(objective) for objective in study.arms}
            stages = {
                "supervised": "supervised" in losses,
                **dict.fromkeys(("encoder", "head"), losses != {"supervised"}),
            }
            return stages.get(rest.split(".")[1], True)
        return not (part == "training" and name not in study.arms) and part != "pruning"

    departed = []
    for key in filter(concerns, _changed(recipe.values, own)):
        try:
            said = recipe.said(key)
        except KeyError:  # a method or an objective of the study's own, which the recipe knows nothing of
            departed.append(Difference("", key, (None, own[key]), (None, None), ""))
            continue
        values, origin = (recipe.values.get(key), own.get(key)), said.origin if key in recipe.values else None
        departed.append(Difference(said.id, key, values, (origin, None), why(said.id)))
    return departed


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Keys whose values differ; a key that is missing counts as unset."""
    keys = list(dict.fromkeys([*one, *other]))
    return [key for key in keys if one.get(key) != other.get(key)]


def why(identity: str) -> str:
    """Why a fact matters, in a sentence.

    Example:
        >>> why("P2")
        'The cubic schedule prunes most when the network is youngest.'
    """
    return str(facts()[identity])


@cache
def facts() -> dict[str, Any]:
    """Every fact's id with why it matters."""
    return tomllib.loads((resources.files("piescope.study") / "facts.toml").read_text(encoding="utf-8"))
