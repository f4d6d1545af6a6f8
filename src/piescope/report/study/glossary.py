"""What each word of the page means, and what the numbers cannot tell; only of what the study has."""

from __future__ import annotations

from piescope.report.layout.glossary import limits, meanings
from piescope.report.study.results import Results
from piescope.report.study.signal import MARGIN
from piescope.report.study.words import OBJECTIVES, pruning_name
from piescope.wording import as_percent, count, percent, ranged


def glossary(results: Results) -> tuple[dict[str, str], list[str]]:
    """Words and their meanings, and what the numbers cannot tell, filled in for this study."""
    pruned, depth, examples = results.pruned(), results.study.depth, len(results.labels)
    controls = "; ".join(_control(*arm.key) for arm in results.arms if arm.is_control)
    has = {
        "pruned": bool(pruned),
        "one-shot": any(method.kind == "one_shot" for method in results.study.methods),
        "controls": bool(controls),
        "depth": depth is not None and bool(results.probe_points),
        "maps": any(arm.embedding is not None for arm in results.arms),
        "siblings": any(results.siblings(arm) for arm in pruned),
    }
    own_axes = "The mean of all models' representations, as in the paper's code: their axes have nothing in common."
    untold = " This study has no control arm (`finetune_only`) that would tell the two apart."
    facts = {
        "examples": count(examples),
        "one": percent(100 / examples, 2),
        "tied": count(sum(int(arm.is_tied_pie.sum()) for arm in pruned)),
        "pies": count(sum(arm.summary.pies for arm in pruned)),
        "models": ranged([arm.summary.n_models for arm in results.studied()], "model"),
        "margin": f"{MARGIN:g}",
        "controls": controls,
        "untold": "" if controls else untold,
        "degenerate": count(sum(arm.summary.degenerate_representations for arm in results.arms)),
        "k": None if depth is None else depth.k,
        "probes": len(results.probe_points),
        "maps": own_axes if results.study.maps_of_mean else "One model's representation a map; the seed is recorded.",
    }
    return meanings("study", has, facts), limits("study", has, facts)


def _control(objective: str, pruning: str, sparsity: float) -> str:
    name = f"{OBJECTIVES.get(objective, objective)} {pruning_name(pruning)}"
    return f"{name} {as_percent(sparsity)}" if sparsity else name
