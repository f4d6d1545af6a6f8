"""Pictures of examples that changed, with what dense and pruned models call them."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from piescope.report.layout.blocks import SMALL, Picture, Tag, Tile
from piescope.report.layout.standalone import data_uri
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.words import HAPPENED
from piescope.wording import name, percent


def in_order(arm: ArmResult) -> np.ndarray:
    """``[PIEs]``, which examples: confirmed ones first, then those of the clearest votes."""
    pies = np.flatnonzero(arm.is_pie)
    margins = arm.columns["dense_margin"][pies] + arm.columns["pruned_margin"][pies]
    order: np.ndarray = pies[np.lexsort((-margins, ~arm.columns["is_confirmed"][pies].astype(bool)))]
    return order


class PieTiles:
    """Tiles of a study's examples; each picture is compressed once."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._pictures: dict[int, Picture] = {}

    def picture(self, index: int) -> Picture:
        """An example's image."""
        if index not in self._pictures:
            image = self.results.images[index]
            called = f"{name(self.results.data.ids[index])}, true class {name(self._class(self.results.labels[index]))}"
            self._pictures[index] = Picture(data_uri("image/png", png(image)), called, image.shape[-1] <= SMALL)
        return self._pictures[index]

    def _class(self, label: int) -> str:
        return self.results.class_names[int(label)]

    def of(self, arm: ArmResult, indices: Iterable[int]) -> tuple[Tile, ...]:
        """What dense and pruned models of an arm call these examples, with the share of models that do."""
        return tuple(self._tile(arm, int(index)) for index in indices)

    def _tile(self, arm: ArmResult, index: int) -> Tile:
        sides = [
            f"{side} {name(self._class(arm.columns[f'{side}_label'][index]))} "
            f"({percent(100 * arm.columns[f'{side}_agreement'][index], 0)})"
            for side in ("dense", "pruned")
        ]
        kind = str(arm.kinds[index])
        tags = [Tag(kind, HAPPENED[kind])]
        tags += [Tag("tie", "tie")] if arm.is_tied_pie[index] else []
        tags += [Tag("confirmed", "confirmed")] if arm.columns["is_confirmed"][index] else []
        truth = self._class(self.results.labels[index])
        return Tile(
            (self.picture(index),), name(truth), tuple(tags), tuple(sides), id=name(self.results.data.ids[index])
        )


def png(image: np.ndarray) -> bytes:
    """A PNG of ``[channels, height, width]`` uint8, one or three channels."""
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, format="PNG", optimize=True)
    return sink.getvalue()
