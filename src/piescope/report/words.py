"""How the report names things: one spelling for tables, figures and text."""

from __future__ import annotations

OBJECTIVES = {"supervised": "Sup", "supcon": "SupCon", "simclr": "SimCLR"}
OBJECTIVES_IN_FULL = {
    "supervised": "supervised",
    "supcon": "supervised contrastive",
    "simclr": "contrastive (SimCLR)",
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


def pruning_name(pruning: str) -> str:
    """``delayed_gmp`` as ``delayed GMP``; a user's own names as they are, with spaces."""
    return PRUNINGS.get(pruning, pruning.replace("_", " "))


def family_name(objective: str, pruning: str) -> str:
    """``SupCon / delayed GMP``."""
    return f"{OBJECTIVES.get(objective, objective)} / {pruning_name(pruning)}"


def percent(sparsity: float) -> str:
    """``0.95`` as ``95 %``, with a space that does not break.

    Example:
        >>> percent(0.95) == "95\N{NO-BREAK SPACE}%", percent(0.995)[:4]
        (True, '99.5')
    """
    return f"{100 * sparsity:.4g}\N{NO-BREAK SPACE}%"


def plus_minus(mean: float | None, std: float | None, digits: int = 2) -> str:
    """``98.24 ± 0.43``; a dash where there is no mean.

    Example:
        >>> plus_minus(98.237, 0.43), plus_minus(1.0, None), plus_minus(None, None)
        ('98.24 ± 0.43', '1.00', '–')
    """
    if mean is None:
        return "–"
    return f"{mean:.{digits}f}" + ("" if std is None else f" ± {std:.{digits}f}")


def signed(value: float | None, digits: int) -> str:
    """``+1.20``; a dash where there is no value.

    Example:
        >>> signed(1.2, 2), signed(-3.4, 0), signed(None, 1)
        ('+1.20', '-3', '–')
    """
    return "–" if value is None else f"{value:+.{digits}f}"
