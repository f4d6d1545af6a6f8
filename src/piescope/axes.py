"""Shape words: the axes of every array in piescope, once.

Axes are always written in this order and with these names: ``models`` (replicates of one arm), ``examples``,
``probes`` (points inside a network), ``classes``, ``dims`` (of a representation), ``batch``, ``views``. The aliases
are `jaxtyping <https://docs.kidger.site/jaxtyping/>`_ annotations; they document shapes in signatures and are checked
at run time in the test suite only. ``Any`` as array type: NumPy arrays and torch tensors both fit.
"""

from __future__ import annotations

from typing import Any

from jaxtyping import Bool, Float, Integer

ModelLabels = Integer[Any, "models examples"]
"""Predicted class ids of a population."""

ExampleLabels = Integer[Any, "examples"]
"""One class id per example."""

ExampleMask = Bool[Any, "examples"]
"""One yes or no per example."""

ProbeLabels = Integer[Any, "probes examples"]
"""kNN labels at every probe of one model, shallow to deep."""

Points = Float[Any, "examples dims"]
"""One vector per example."""

__all__ = ["ExampleLabels", "ExampleMask", "ModelLabels", "Points", "ProbeLabels"]
