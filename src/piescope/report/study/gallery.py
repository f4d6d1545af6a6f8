"""The gallery of a study's page: the PIEs of each pruned arm, with what dense and pruned models call them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from piescope.report.layout.standalone import data_uri
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.words import family_name
from piescope.wording import as_percent, percent

GALLERY_MOST = 48
"""PIEs shown per arm; examples.parquet has all."""


@dataclass(frozen=True)
class PieTile:
    """One image of the gallery, as a data URI, with what it is called.

    ``dense`` and ``pruned`` are modal labels with the share of models that gave them; ``kind`` is ``lost`` (dense
    right, pruned wrong), ``rescued`` (the reverse) or ``moved`` (both wrong). ``is_tie``: a tie of votes decided one of
    the two labels; ``is_confirmed``: the votes changed by more than chance.
    """

    image: str
    example_id: str
    label: str
    dense: str
    pruned: str
    kind: str
    is_tie: bool
    is_confirmed: bool


@dataclass(frozen=True)
class Wall:
    """The PIEs of one arm: how many there are, and ``tiles`` of the clearest; ``is_open``: shown unfolded."""

    title: str
    count: int
    tiles: list[PieTile]
    is_open: bool


def walls(results: Results) -> list[Wall]:
    """The gallery: the PIEs of each pruned arm, confirmed ones first, then those of the clearest votes."""
    images: dict[int, str] = {}
    hung = []
    for arm in results.pruned():
        pies = np.flatnonzero(arm.is_pie)
        margins = arm.columns["dense_margin"][pies] + arm.columns["pruned_margin"][pies]
        confirmed = arm.columns["is_confirmed"][pies]
        shown = pies[np.lexsort((-margins, ~confirmed.astype(bool)))][:GALLERY_MOST]
        for index in shown:
            if int(index) not in images:
                images[int(index)] = data_uri("image/png", png(results.images[index]))
        hung.append(
            Wall(
                f"{family_name(arm.objective, arm.pruning)}, {as_percent(arm.sparsity)}",
                len(pies),
                [_tile(results, arm, int(index), images[int(index)]) for index in shown],
                is_open=arm.sparsity == results.main_sparsity,
            )
        )
    return hung


def _tile(results: Results, arm: ArmResult, index: int, image: str) -> PieTile:
    truth, dense, pruned = (
        int(values[index]) for values in (results.labels, arm.columns["dense_label"], arm.columns["pruned_label"])
    )
    names = results.class_names
    return PieTile(
        image=image,
        example_id=results.data.ids[index],
        label=names[truth],
        dense=f"{names[dense]} ({percent(100 * arm.columns['dense_agreement'][index], 0)})",
        pruned=f"{names[pruned]} ({percent(100 * arm.columns['pruned_agreement'][index], 0)})",
        kind="lost" if dense == truth else "rescued" if pruned == truth else "moved",
        is_tie=bool(arm.is_tied_pie[index]),
        is_confirmed=bool(arm.columns["is_confirmed"][index]),
    )


def png(image: np.ndarray) -> bytes:
    """A PNG of ``[channels, height, width]`` uint8, one or three channels."""
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, format="PNG", optimize=True)
    return sink.getvalue()
