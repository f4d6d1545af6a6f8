"""The JSON files that steps leave, as values: `study` writes them, it and `report` read them."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict

from piescope.spec import Spec
from piescope.store.durable import as_json


class Record(Spec):
    """A JSON file of a step; what a later version adds to one is passed over.

    Example:
        >>> record = RealisedSparsity(sparsity=0.0, groups=())
        >>> RealisedSparsity.of(record.as_bytes()) == record
        True
    """

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Reads what `as_bytes` wrote.

        Raises:
            ValueError: it is no such record.
        """
        return cls.model_validate_json(content)

    def as_bytes(self) -> bytes:
        """The file's content."""
        return as_json(self.model_dump(mode="json"))


class DataRecord(Record):
    """data.json: the data set that a study began with.

    Attributes:
        source: as the study names it.
        about: one line.
        fingerprint: SHA-256 of images and labels.
        duplicates: test images that stand among the training images.
        train_examples: how many.
        test_examples: how many.
        image_shape: ``[channels, height, width]``.
        class_names: one a class.
        ids: one a test example.
    """

    source: str
    about: str
    fingerprint: str
    duplicates: int
    train_examples: int
    test_examples: int
    image_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    ids: tuple[str, ...]


class PrunedTensors(Record):
    """Tensors that shared a target.

    Attributes:
        names: of the tensors.
        weights: in all of them.
        zeros: of these.
        target: zeros that were wanted.
    """

    names: tuple[str, ...]
    weights: int
    zeros: int
    target: int


class RealisedSparsity(Record):
    """sparsity.json: the sparsity that a model should have (a fraction), and its zeros; a dense one has no groups."""

    sparsity: float
    groups: tuple[PrunedTensors, ...]


class ModelSummary(Record):
    """One model of an arm: its seed, its accuracy in percent, its zeros."""

    seed: int
    accuracy: float
    sparsity: RealisedSparsity


class ArmSummary(Record):
    """summary.json: an arm's numbers beside its examples.

    Attributes:
        n_models: how many.
        pies: examples whose modal label is not the dense models'.
        ties: examples whose modal label is a tie.
        rescued: examples that the dense models get wrong and these right.
        confirmed: PIEs whose votes changed by more than chance.
        changed: examples whose votes changed so.
        smallest_p_value: that so many models can give.
        test: how models were permuted, and how many on each side.
        accuracy_mean: over models, in percent.
        accuracy_std: over models; None for one.
        degenerate_representations: without spread, over all models.
        error_auroc: how well a low Q-Score tells errors, mean over models; None where none errs.
        models: one by one.
    """

    n_models: int
    pies: int
    ties: int
    rescued: int
    confirmed: int
    changed: int
    smallest_p_value: float
    test: str
    accuracy_mean: float
    accuracy_std: float | None
    degenerate_representations: int
    error_auroc: float | None
    models: tuple[ModelSummary, ...]
