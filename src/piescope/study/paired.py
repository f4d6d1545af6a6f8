"""An objective with Q-Score stands beside the same one without it: the two may differ in that alone. Loads no torch."""

from __future__ import annotations

import json
from typing import Any

from piescope.problems import StudyError
from piescope.study.inherit import leaves
from piescope.study.spec import Loss, Objective, Study, loss_of
from piescope.training.recipe import OneShotPruning


def check_pairs(problems: StudyError, study: Study) -> None:
    """Notes what else than Q-Score would differ between an objective that has it and the one it is compared with.

    Args:
        problems: gets a fault for each.
        study: its objectives' own checks are elsewhere.

    Example:
        >>> from piescope.study.parse import load_study
        >>> study, problems = load_study("digits-q-score"), StudyError("alone")
        >>> check_pairs(problems, study.model_copy(update={"arms": {"supcon_q": ("dense",)}}))
        >>> print(problems)
        alone: arms.supcon_q
          found     no arms.supcon
          expected  supcon beside it, without Q-Score
          cure      add supcon to [arms], or call supcon_q supcon: alone, its training may have q_score, too
    """
    pairs = [(loss_of(objective), objective) for objective in study.arms if objective != loss_of(objective)]
    for plain, objective in pairs:
        if plain not in study.arms:
            cure = f"add {plain} to [arms], or call {objective} {plain}: alone, its training may have q_score, too"
            problems.add(f"arms.{objective}", f"no arms.{plain}", f"{plain} beside it, without Q-Score", cure)
        elif getattr(study.training, plain) is not None and getattr(study.training, objective) is not None:
            _check_trainings(problems, study, plain, objective)
    for name, method in study.pruning.items():
        is_of_both = any(name in study.arms.get(plain, ()) and name in study.arms[having] for plain, having in pairs)
        if is_of_both and isinstance(method, OneShotPruning) and method.finetune.q_score is not None:
            expected = "none: models that were trained without Q-Score are fine-tuned by it, too"
            problems.add(f"pruning.{name}.finetune.q_score", "a regulariser", expected, "leave the key out")


def _check_trainings(problems: StudyError, study: Study, plain: Loss, objective: Objective) -> None:
    """The one has a regulariser, the other none, and all else is the same."""
    without, having = (leaves(study.training_of(each).model_dump(mode="json")) for each in (plain, objective))
    stage = "encoder." if plain == "supcon" else ""
    term = f"{stage}q_score"
    if f"{term}.weight" not in having:
        cure = f"add q_score = {{ weight = 0.1 }} to [training.{objective}{stage and '.encoder'}], or call it {plain}"
        problems.add(f"training.{objective}", "no q_score", "a training with Q-Score as a regulariser", cure)
    if f"{term}.weight" in without:
        expected, cure = f"none: beside it stands {objective}", f"leave it out, or {objective} out of [arms]"
        problems.add(f"training.{plain}.{term}", "a regulariser", expected, cure)
    differing = [key for key in dict.fromkeys([*without, *having]) if without.get(key) != having.get(key)]
    for key in differing:
        if "q_score" not in key and not _is_of_another_kind(key, without, having):
            found, wanted = (json.dumps(values[key]) if key in values else "nothing" for values in (having, without))
            expected = f"{wanted}, as training.{plain} has it: the two are compared, and differ in q_score alone"
            problems.add(f"training.{objective}.{key}", found, expected, "write the same in both")


def _is_of_another_kind(key: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the value belongs to a table whose kind differs, which says it: only a cosine has a floor."""
    kind = ".".join([*key.split(".")[:-1], "kind"])
    return key != kind and one.get(kind) != other.get(kind)
