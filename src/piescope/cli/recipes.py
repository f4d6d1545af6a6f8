"""Recipes as lines: which there are, each value of one with its origin, and where two differ."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Column

from piescope.cli.terminal import say, show_names, show_table
from piescope.study.provenance import Recipe, differences, facts, load_recipe, recipe_names
from piescope.wording import json_text


def list_recipes(console: Console) -> None:
    """All of them."""
    show_names(console, ("recipe", "what it is"), [(name, load_recipe(name).title) for name in recipe_names()])


def show_recipe(console: Console, recipe: Recipe, as_json: bool) -> None:
    """Each value with where it is from."""
    if as_json:
        values = {key: {"value": value, **dict(recipe.said(key))} for key, value in recipe.values.items()}
        typer.echo(json_text(values, indent=1))
        return
    known = [(recipe.said(key), key, json.dumps(value)) for key, value in recipe.values.items()]
    rows = [(said.id, said.origin, key, value) for said, key, value in known]
    show_table(console, ("id", "from", _folded("key"), _folded("value")), rows, recipe.title)


def show_differences(console: Console, first: Recipe, second: Recipe, as_json: bool) -> None:
    """Every value that differs, and why it matters."""
    differing = differences(first, second)
    if as_json:
        typer.echo(json_text([asdict(difference) for difference in differing], indent=1))
        return
    rows = []
    for difference in differing:
        pairs = zip(difference.values, difference.origins, strict=True)
        cells = ["not set" if origin is None else f"{json.dumps(value)} ({origin})" for value, origin in pairs]
        rows.append((difference.id, difference.key, *cells))
    show_table(console, ("id", _folded("key"), _folded(first.name), _folded(second.name)), rows)
    origins = "text: the paper says so; reading: ours of the text; code: its authors' code does; ours: none of these."
    say(console, f"{len(differing)} values differ. {origins}")
    for identity in sorted({difference.id for difference in differing}, key=list(facts()).index):
        say(console, f"{identity}: {facts()[identity]}")


def _folded(head: str) -> Column:
    """A column that wraps what is too long: a cut key names nothing."""
    return Column(head, overflow="fold")
