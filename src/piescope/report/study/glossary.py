"""What each word of the page means, and what the numbers cannot tell; only of what the study has."""

from __future__ import annotations

from piescope.report.layout.glossary import meanings
from piescope.report.study.results import Results
from piescope.report.study.signal import MARGIN
from piescope.report.study.words import OBJECTIVES, pruning_name
from piescope.wording import as_percent, count, percent


def glossary(results: Results) -> dict[str, str]:
    """Words and their meanings, filled in for this study."""
    pruned, depth = results.pruned(), results.study.depth
    controls = "; ".join(_control(*arm.key) for arm in results.arms if arm.is_control)
    has = {
        "pruned": bool(pruned),
        "controls": bool(controls),
        "depth": depth is not None and bool(results.probe_points),
        "maps": any(arm.embedding is not None for arm in results.arms),
        "siblings": any(results.siblings(arm) for arm in pruned),
    }
    own_axes = "The mean of all models' representations, as in the paper's code: their axes have nothing in common."
    facts = {
        "examples": count(len(results.labels)),
        "tied": count(sum(int(arm.is_tied_pie.sum()) for arm in pruned)),
        "pies": count(sum(arm.summary.pies for arm in pruned)),
        "models": max(arm.summary.n_models for arm in results.arms),
        "margin": f"{MARGIN:g}",
        "controls": controls,
        "degenerate": count(sum(arm.summary.degenerate_representations for arm in results.arms)),
        "k": None if depth is None else depth.k,
        "probes": len(results.probe_points),
        "maps": own_axes if results.study.maps_of_mean else "One model's representation a map; the seed is recorded.",
    }
    return meanings("study", has, facts)


def _control(objective: str, pruning: str, sparsity: float) -> str:
    name = f"{OBJECTIVES.get(objective, objective)} {pruning_name(pruning)}"
    return f"{name} {as_percent(sparsity)}" if sparsity else name


def limits(results: Results) -> list[str]:
    """What the numbers of this study cannot tell."""
    sentences = []
    if results.pruned():
        sentences.append(
            "The PIE counts of the tables, of Figures 2 to 7 and of the claims are the paper's: no noise is taken off. "
            "What is left of them is told under: is it more than noise?"
        )
    if any(method.kind == "one_shot" for method in results.study.methods):
        sentences.append(
            "One-shot models descend from the dense models that they are compared with; gradually pruned models are "
            "runs of their own (with the same seeds: equal initial weights and data order). The paper's PIE counts "
            "differ for that reason too; the excess does not."
        )
        tuned = (
            "One-shot pruning ends with fine-tuning by cross-entropy. For contrastive models that is another loss, "
            "which may move examples at any sparsity."
        )
        if not any(arm.is_control for arm in results.arms):
            tuned += " This study has no control arm (`finetune_only`) that would tell the two apart."
        sentences.append(tuned)
    examples = len(results.labels)
    return [
        *sentences,
        "Every interval and p-value takes the seeds as independent draws and treats the test examples as independent "
        "of each other. Near duplicates among them make it too sure.",
        f"Everything is measured on {count(examples)} test examples; one PIE is {percent(100 / examples, 2)} of them.",
    ]
