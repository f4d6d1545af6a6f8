"""Shape words: the axes of every array in piescope, once.

Axes are always written in this order and with these names: ``models`` (replicates of one arm), ``examples``,
``probes`` (points inside a network), ``classes``, ``dims`` (of a representation), ``batch``, ``views``. The aliases
are `jaxtyping <https://docs.kidger.site/jaxtyping/>`_ annotations; they document shapes in signatures and are checked
at run time in the test suite only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Integer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike as Array
else:

    @runtime_checkable
    class Array(Protocol):
        """What is given as an array: NumPy's, torch's, whatever has a shape and a type of its elements.

        To a type checker it is NumPy's ArrayLike: lists of numbers are taken, too, though their shape is not checked.
        """

        shape: tuple[int, ...]
        dtype: object


ModelLabels = Integer[Array, "models examples"]
"""Predicted class ids of a population."""

ExampleLabels = Integer[Array, "examples"]
"""One class id per example."""

ExampleMask = Bool[Array, "examples"]
"""One yes or no per example."""

ProbeLabels = Integer[Array, "probes examples"]
"""kNN labels at every probe of one model, shallow to deep."""

Points = Float[Array, "examples dims"]
"""One vector per example."""

__all__ = ["Array", "ExampleLabels", "ExampleMask", "ModelLabels", "Points", "ProbeLabels"]
