"""Files that earlier versions wrote: they are read, and written again they are the same bytes.

`stored/` has catalogues of three studies: `tests/small.toml`; one with a recipe, controls, maps, named seeds and an arm that is not
done; one of two processors, the older of which was not recorded.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from piescope.store.catalogue import Catalogue, ControlOf

STORED = Path(__file__).parent / "stored"
CATALOGUES = sorted(STORED.glob("catalogue-*.json"))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_is_read_and_written_again_byte_for_byte(path: Path) -> None:
    content = path.read_bytes()
    catalogue = Catalogue.of(content)
    assert catalogue.as_bytes() == content
    said = json.loads(content)
    assert [arm.compare for arm in catalogue.arms] == [arm["compare"] for arm in said["arms"]]
    assert [(arm.objective, arm.pruning, arm.sparsity) for arm in catalogue.missing] == [
        (arm["objective"], arm["pruning"], arm["sparsity"]) for arm in said["missing"]
    ]


def test_the_catalogues_have_everything_that_one_can_say() -> None:
    small, everything, processors = (
        Catalogue.of((STORED / f"catalogue-{name}.json").read_bytes())
        for name in ("small", "everything", "two-processors")
    )
    assert small.recipe is None
    assert everything.recipe is not None
    assert {each.origin for each in everything.recipe.departures} >= {"text", "code", None}
    kinds = {arm.control.kind for arm in everything.arms if arm.control is not None}
    assert kinds == {"fresh_dense", "finetune_only", "random_masks"}
    assert ControlOf(kind="finetune_only", of="one_shot") in [arm.control for arm in everything.arms]
    assert everything.missing
    assert [arm for arm in everything.arms if arm.project is not None]
    assert [arm for arm in everything.arms if arm.project is None]
    assert {environment.processor is None for environment in processors.environments} == {True, False}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"study": "mine"}', CATALOGUES[0].read_bytes()[:-20]])
def test_what_is_no_catalogue_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="Catalogue"):
        Catalogue.of(content)
