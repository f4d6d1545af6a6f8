"""Images of lost examples and of the mix-ups that grew, as many as a page can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from piescope import wording
from piescope.report.audit import charts
from piescope.report.layout.standalone import data_uri
from piescope.store.audit_answers import Example
from piescope.store.audit_record import AuditRecord

TILES = 24
"""Examples of a gallery shown unfolded."""


PNG = b"\x89PNG\r\n\x1a\n"


MOST_IMAGE_BYTES = 10_000_000
"""Images of the page together; those beyond are told by their ids."""


SMALL = 96
"""Pixels; images up to that width are enlarged with sharp pixels, larger ones smoothly."""


KINDS = {"lost": "lost", "rescued": "won back", "moved": "moved", "changed": "changed", "same": "unchanged"}


@dataclass(frozen=True)
class PagePicture:
    """An image of the page.

    Attributes:
        uri: its data URI; empty where there is none.
        is_small: of few pixels.
    """

    uri: str = ""
    is_small: bool = False


@dataclass(frozen=True)
class ExampleTile:
    """One example of a gallery.

    Attributes:
        example_id: its id.
        image: its image.
        label: true class, None where unknown.
        dense: dense label, with the share of models that gave it where there are several.
        compressed: likewise.
        is_same: both are one label.
        kind: what happened, as CSS class.
        kind_name: what happened, in words.
        probability: both sides' probability of the true label, in words; empty for labels only.
        bars: the same drawn.
        harm: in points.
        is_confirmed: changed by more than chance.
    """

    example_id: str
    image: PagePicture
    label: str | None
    dense: str
    compressed: str
    is_same: bool
    kind: str
    kind_name: str
    probability: str
    bars: Markup | None
    harm: str
    is_confirmed: bool


def fitting(audit: AuditRecord, images: dict[str, bytes]) -> tuple[dict[str, PagePicture], int]:
    """The images that the page can hold, most harmed examples first; and how many it cannot.

    Args:
        audit: what was found.
        images: PNG by example id; what is no PNG is no image.
    """
    errors = () if audit.label_errors is None else audit.label_errors.examples
    ids = [row.id for row in (*audit.harmed, *errors)]
    ids += [example_id for row in audit.confusions for example_id in row.examples]
    uses = Counter(ids)
    pictures: dict[str, PagePicture] = {}
    room, left_out = MOST_IMAGE_BYTES, 0
    for example_id in uses:
        content = images.get(example_id, b"")
        if not content.startswith(PNG):
            continue
        uri = data_uri("image/png", content)
        if len(uri) * uses[example_id] > room:
            left_out += 1
            continue
        room -= len(uri) * uses[example_id]
        pictures[example_id] = PagePicture(uri, is_small=int.from_bytes(content[16:20], "big") <= SMALL)  # IHDR's width
    return pictures, left_out


@dataclass(frozen=True)
class MixUp:
    """A mix-up that grew, as the page shows it.

    Attributes:
        true: the class.
        predicted: what it is taken for.
        before: examples.
        after: likewise.
        growth: after minus before.
        chance: its q-value.
        bars: both numbers drawn.
        examples: ids and images of some that moved there.
    """

    true: str
    predicted: str
    before: str
    after: str
    growth: str
    chance: str
    bars: Markup
    examples: list[tuple[str, PagePicture]]


def confusions(audit: AuditRecord, pictures: dict[str, PagePicture]) -> list[MixUp]:
    """The mix-ups that grew, each with examples that moved there."""
    rows = audit.confusions
    most = max((value for row in rows for value in (row.dense, row.compressed) if value is not None), default=0)
    return [
        MixUp(
            true=wording.name(row.true),
            predicted=wording.name(row.predicted),
            before=wording.count(row.dense),
            after=wording.count(row.compressed),
            growth=wording.number(row.growth, 0, signed=True),
            chance="" if row.q_value is None else f"q {wording.equals(row.q_value)}",
            bars=charts.pair_bars(row.dense, row.compressed, most),
            examples=[(_id(example_id), pictures.get(example_id, PagePicture())) for example_id in row.examples],
        )
        for row in rows
    ]


def _id(example_id: str) -> str:
    return wording.printable(example_id, wording.LONGEST_NAME)


def _fall(before: float, after: float) -> str:
    return f"{100 * before:.0f} → {100 * after:.0f}{wording.SPACE}%"


def tiles(audit: AuditRecord, rows: Sequence[Example], pictures: dict[str, PagePicture]) -> list[ExampleTile]:
    """Examples for a gallery, or for a table where there are no images."""
    return [_tile(audit, row, pictures.get(row.id, PagePicture())) for row in rows]


def _tile(audit: AuditRecord, row: Example, image: PagePicture) -> ExampleTile:
    several = audit.comparison != "one against one"

    def label(named: str, share: float | None) -> str:
        votes = f" ({100 * share:.0f}{wording.SPACE}%)" if share is not None and several else ""
        return wording.name(named) + votes

    before, after = row.dense_probability, row.compressed_probability
    bars = None if before is None or after is None else charts.pair_bars(before, after, 1.0)
    kind = "same" if row.kind == "kept" else row.kind if row.kind in KINDS else "changed"
    return ExampleTile(
        example_id=_id(row.id),
        image=image,
        label=None if row.label is None else wording.name(row.label),
        dense=label(row.dense, row.dense_share),
        compressed=label(row.compressed, row.compressed_share),
        is_same=row.dense == row.compressed,
        kind=kind,
        kind_name=KINDS[kind],
        probability="" if before is None or after is None else _fall(before, after),
        bars=bars,
        harm=wording.NOTHING if row.harm is None else wording.number(100 * row.harm, 0),
        is_confirmed=bool(row.is_confirmed),
    )
