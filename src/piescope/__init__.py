"""piescope: what does a neural network forget when it is compressed?

The public API, loaded on first use: importing piescope loads neither torch nor NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from piescope.version import __version__

if TYPE_CHECKING:
    from piescope.auditing.budgets import Budgets as Budgets
    from piescope.audits import Audit as Audit
    from piescope.audits import audit as audit
    from piescope.data.dataset import Dataset as Dataset
    from piescope.loading import load as load
    from piescope.losses.contrastive import simclr_loss as simclr_loss
    from piescope.losses.contrastive import supcon_loss as supcon_loss
    from piescope.measure.class_equivalence import class_equivalence as class_equivalence
    from piescope.measure.class_impact import class_impact as class_impact
    from piescope.measure.neighbours import knn_labels as knn_labels
    from piescope.measure.noise_floor import excess_pies as excess_pies
    from piescope.measure.overlap import overlap_test as overlap_test
    from piescope.measure.pies import modal_label as modal_label
    from piescope.measure.pies import pie_mask as pie_mask
    from piescope.measure.prediction_depth import prediction_depth as prediction_depth
    from piescope.measure.projection import umap_projection as umap_projection
    from piescope.measure.q_score import q_score as q_score
    from piescope.measure.q_score import q_score_aaai24 as q_score_aaai24
    from piescope.measure.replicates import replicate_curve as replicate_curve
    from piescope.measure.significance import confirmed_pies as confirmed_pies
    from piescope.models.probes import probe as probe
    from piescope.models.wide_resnet import WideResNet as WideResNet
    from piescope.problems import InputError as InputError
    from piescope.pruning.masks import magnitude_masks as magnitude_masks
    from piescope.pruning.pruner import Pruner as Pruner
    from piescope.pruning.schedules import Gradual as Gradual
    from piescope.pruning.schedules import gradual_sparsity as gradual_sparsity
    from piescope.runs import StudyRun as StudyRun

_HOME = {
    "Audit": "audits",
    "Budgets": "auditing.budgets",
    "Dataset": "data.dataset",
    "Gradual": "pruning.schedules",
    "InputError": "problems",
    "Pruner": "pruning.pruner",
    "StudyRun": "runs",
    "WideResNet": "models.wide_resnet",
    "audit": "audits",
    "class_equivalence": "measure.class_equivalence",
    "class_impact": "measure.class_impact",
    "confirmed_pies": "measure.significance",
    "excess_pies": "measure.noise_floor",
    "gradual_sparsity": "pruning.schedules",
    "knn_labels": "measure.neighbours",
    "load": "loading",
    "magnitude_masks": "pruning.masks",
    "modal_label": "measure.pies",
    "overlap_test": "measure.overlap",
    "pie_mask": "measure.pies",
    "prediction_depth": "measure.prediction_depth",
    "probe": "models.probes",
    "q_score": "measure.q_score",
    "q_score_aaai24": "measure.q_score",
    "replicate_curve": "measure.replicates",
    "simclr_loss": "losses.contrastive",
    "supcon_loss": "losses.contrastive",
    "umap_projection": "measure.projection",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"piescope.{_HOME[name]}"), name)
    raise AttributeError(f"module 'piescope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
