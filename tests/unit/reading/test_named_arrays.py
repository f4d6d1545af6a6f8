"""Several arrays of one file: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_refusals import Cases, Refusal, write

CASES = Cases()


@CASES.add
def other_number_of_ids_than_of_rows_in_an_npz(root: Path) -> Refusal:
    np.savez(root / "d.npz", predictions=np.array([1, 0, 1]), ids=np.array(["a", "b"]))
    return {"dense": root / "d.npz", "compressed": np.array([1, 0, 1])}, ("d.npz: ids", "2 ids", "3, one an example")


@CASES.add
def other_number_of_labels_than_of_rows_in_an_npz(root: Path) -> Refusal:
    np.savez(root / "d.npz", predictions=np.array([1, 0, 1]), labels=np.array([1, 0]))
    return {"dense": root / "d.npz", "compressed": np.array([1, 0, 1])}, ("d.npz: labels", "2 labels for 3 examples")


@CASES.add
def ids_that_are_fractions(root: Path) -> Refusal:
    np.savez(root / "d.npz", predictions=np.array([1, 0, 1]), ids=np.array([0.5, 1, 2]))
    return {"dense": root / "d.npz", "compressed": np.array([1, 0, 1])}, ("d.npz: ids", "fractions")


@CASES.add
def models_of_different_length_in_an_npz(root: Path) -> Refusal:
    np.savez(root / "d.npz", first=np.array([0, 1, 1]), second=np.array([0, 1]))
    return {"dense": root / "d.npz", "compressed": np.array([0, 1, 1])}, (
        "d.npz: arrays",
        "first [3], second [2]",
        "as many examples in each",
    )


@CASES.add
def embeddings_for_predictions(root: Path) -> Refusal:
    np.savez(root / "d.npz", embeddings=np.zeros((3, 8)))
    return {"dense": root / "d.npz", "compressed": np.array([0, 1, 1])}, (
        "d.npz: arrays",
        "embeddings [3, 8]",
        "name it logits, probabilities or predictions",
    )


@CASES.add
def weights_for_predictions(root: Path) -> Refusal:
    np.savez(root / "d.npz", **{"conv.weight": np.zeros((3, 8)), "conv.bias": np.zeros(3)})
    return {"dense": root / "d.npz", "compressed": np.array([0, 1, 1])}, (
        "d.npz: tensors",
        "weights of a network",
        "WRN-16-2@FILE",
    )


@CASES.add
def no_tensors_that_say_right(root: Path) -> Refusal:
    path = write(root, "d.safetensors", b"\x08" + bytes(7) + b"{}      ")
    return {"dense": path, "compressed": np.array([0, 1]), "values": "correct"}, (
        "d.safetensors: arrays",
        "no arrays",
        "name it logits, probabilities or predictions",
    )


@CASES.add
def logits_of_no_classes(root: Path) -> Refusal:
    np.savez(root / "d.npz", logits=np.zeros((9, 0)), labels=np.zeros(9, int))
    return {"dense": root / "d.npz", "compressed": np.zeros(9, int)}, ("d.npz: logits", "shape [9, 0]")


@CASES.add
def unnamed_scores_of_no_classes(root: Path) -> Refusal:
    np.savez(root / "d.npz", np.zeros((9, 0)), np.zeros(9, int))
    return {"dense": root / "d.npz", "compressed": np.zeros(9, int)}, ("d.npz: arrays", "arr_0 [9, 0], arr_1 [9]")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
