"""How the report names things: one spelling for tables, figures and text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from piescope.report.layout.blocks import Tone
from piescope.wording import NOTHING, as_percent, listed, number

OBJECTIVES = {
    "supervised": "Sup",
    "supcon": "SupCon",
    "simclr": "SimCLR",
    "supervised_q": "Sup + Q",
    "supcon_q": "SupCon + Q",
}
OBJECTIVES_IN_FULL = {
    "supervised": "supervised",
    "supcon": "supervised contrastive",
    "simclr": "contrastive (SimCLR)",
    "supervised_q": "supervised with Q-Score",
    "supcon_q": "supervised contrastive with Q-Score",
}
PRUNINGS = {
    "dense": "dense",
    "gmp": "GMP",
    "delayed_gmp": "delayed GMP",
    "one_shot": "one-shot",
    "fresh_dense": "dense, fresh seeds",
    "finetune_only": "fine-tuning only",
    "random": "random masks",
    "random_gmp": "GMP, random masks",
    "random_delayed_gmp": "delayed GMP, random masks",
}


PARTS = {
    "seeds": "seeds alone",
    "fine_tuning": "fine-tuning",
    "sparsity": "missing weights",
    "fine_tuning_and_sparsity": "fine-tuning and missing weights",
    "random_masks_beyond": "random masks, beyond these",
}
"""Of the PIEs between groups of models."""

HAPPENED: dict[str, Tone] = {"lost": "lost", "won back": "rescued", "moved": "moved"}
"""How what can happen to a PIE is coloured."""


def pruning_name(pruning: str) -> str:
    """``delayed_gmp`` as ``delayed GMP``; a user's own names as they are, with spaces."""
    return PRUNINGS.get(pruning, pruning.replace("_", " "))


def family_name(objective: str, pruning: str) -> str:
    """``SupCon / delayed GMP``."""
    return f"{OBJECTIVES.get(objective, objective)} / {pruning_name(pruning)}"


def whence(sparsities: Sequence[float] | None) -> str:
    r"""From where on single examples are shown: at the sparsities that the study names, or from the lowest.

    Example:
        >>> whence(None), whence((0.3, 0.5)).replace("\N{NO-BREAK SPACE}", " ")
        ('each from the lowest sparsity up', 'at 30 % and 50 % sparsity')
    """
    if sparsities is None:
        return "each from the lowest sparsity up"
    return f"at {listed([as_percent(sparsity) for sparsity in sparsities])} sparsity"


def hues_and_dashes(families: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """How each (objective, pruning) is drawn everywhere: a hue an objective, a kind of dashes a pruning.

    Example:
        >>> hues_and_dashes([("supervised", "gmp"), ("supcon", "gmp"), ("supcon", "one_shot")])["supcon", "one_shot"]
        (1, 1)
    """
    objectives, prunings = (list(dict.fromkeys(part)) for part in zip(*families, strict=True)) if families else ([], [])
    return {family: (objectives.index(family[0]), prunings.index(family[1])) for family in families}


def enough(models: int | None, furthest: int, seen: int) -> str:
    """A number of models; not below those that there are, nor beyond what they can tell.

    Example:
        >>> enough(12, 100, 5), enough(None, 100, 5), enough(2, 100, 5)
        ('about 12', 'over 100', 'at most 5')
    """
    if models is None:
        return f"over {furthest:,}"
    return f"at most {seen:,}" if models <= seen else f"about {models:,}"


def between(low: float | None, high: float | None) -> str:
    """Two guesses at a count; a dash where there are none.

    Example:
        >>> between(12.4, 1300.0), between(None, None)
        ('12 to 1,300', '–')
    """
    return NOTHING if low is None or high is None else f"{number(low, 0)} to {number(high, 0)}"


@cache
def _captions() -> dict[str, dict[str, str]]:
    content = (resources.files("piescope.report.study") / "captions.toml").read_text(encoding="utf-8")
    return {
        name: {part: " ".join(text.split()) for part, text in of.items()} for name, of in tomllib.loads(content).items()
    }


def text(name: str, **facts: object) -> tuple[str, str]:
    """Title and caption of a table or a figure, by its name in captions.toml, filled in.

    Example:
        >>> text("figure_5")[1]
        'As Figure 1, for every pruning, a line for each mapped sparsity.'
    """
    return _captions()[name]["title"].format(**facts), _captions()[name]["caption"].format(**facts)
