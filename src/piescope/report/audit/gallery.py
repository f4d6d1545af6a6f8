"""Images of lost examples and of the mix-ups that grew, as many as a page can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from piescope import wording
from piescope.report.audit import charts, terms
from piescope.report.audit.bars import chance
from piescope.report.audit.findings import confusion_name
from piescope.report.layout.blocks import SMALL, Gallery, Picture, Tag, Tile, Tone
from piescope.report.layout.standalone import data_uri, png_pixels
from piescope.store.audit_answers import Confusion, Example
from piescope.store.audit_record import AuditRecord

WALL = 48
"""Examples on the first screen."""

TILES = 9
"""Examples of a gallery shown unfolded."""

MIX_UPS = 3
"""Mix-ups shown unfolded."""

MOST_IMAGE_BYTES = 10_000_000
"""Images of the page together; those beyond are told by their ids."""

KINDS: dict[str, Tone] = {"lost": "lost", "rescued": "rescued", "moved": "moved", "changed": "changed", "kept": "same"}

WORDS = {"rescued": "won back", "same": "unchanged"}
"""Of tones that are not read as they are called."""


def fitting(audit: AuditRecord, images: Mapping[str, bytes]) -> tuple[dict[str, Picture], int]:
    """The images that the page can hold, most harmed examples first; and how many it cannot.

    Args:
        audit: what was found.
        images: PNG by example id; what is no whole PNG is no image.
    """
    errors = () if audit.label_errors is None else audit.label_errors.examples
    ids = [row.id for row in (*audit.harmed[:WALL], *audit.harmed, *errors)]
    ids += [example_id for row in audit.confusions for example_id in row.examples]
    uses = Counter(ids)
    pictures: dict[str, Picture] = {}
    room, left_out = MOST_IMAGE_BYTES, 0
    for example_id in uses:
        content = images.get(example_id)
        pixels = png_pixels(content) if content else None
        if not content or pixels is None:
            continue
        uri = data_uri("image/png", content)
        if len(uri) * uses[example_id] > room:
            left_out += 1
            continue
        room -= len(uri) * uses[example_id]
        pictures[example_id] = Picture(uri, _id(example_id), is_small=pixels.shape[1] <= SMALL)
    return pictures, left_out


def confusions(audit: AuditRecord, pictures: Mapping[str, Picture]) -> Gallery:
    """The mix-ups that grew, each with examples that moved there."""
    rows = audit.confusions
    most = max((value for row in rows for value in (row.dense, row.compressed) if value is not None), default=0)
    tiles = tuple(_mix_up(row, most, pictures) for row in rows)
    legend: tuple[tuple[Markup, str], ...] = (charts.swatch("dense"), "before"), (charts.swatch("compressed"), "after")
    if not all(row.is_clear for row in rows):
        legend = (*legend, (charts.swatch("compressed unsure"), "pale: not beyond chance"))
    heads = ("mix-up", "before → after", "growth", "")
    return Gallery("Mix-ups that grew", tiles, MIX_UPS, legend, "cards", brief=5, heads=heads, essential=(0, 1, 3))


def _mix_up(row: Confusion, most: float, pictures: Mapping[str, Picture]) -> Tile:
    return Tile(
        tuple(pictures.get(example_id, Picture("", _id(example_id))) for example_id in row.examples),
        confusion_name(row),
        (),
        (
            f"{wording.count(row.dense)} → {wording.count(row.compressed)}",
            wording.number(row.growth, 0, signed=True),
            chance(row),
        ),
        charts.pair_bars(row.dense, row.compressed, most, is_clear=row.is_clear),
    )


def _id(example_id: str) -> str:
    return wording.printable(example_id, wording.LONGEST_NAME)


def wall(audit: AuditRecord, pictures: Mapping[str, Picture]) -> Gallery | None:
    """Pictures of lost examples (without true labels: of changed ones) for the first screen."""
    wanted = [row for row in audit.harmed[:WALL] if row.kind in ("lost", "changed") and row.id in pictures]
    if not wanted:
        return None
    tiles = tuple(_tile(audit, row, pictures) for row in wanted)
    what = "changed" if audit.accuracy is None else "lost"
    by = f" by {wording.name(audit.what_if[-1].name)}" if audit.what_if else ""
    return Gallery(f"What was {what}{by}: the {wording.counted(len(tiles), 'example')} hit hardest", tiles)


def examples(audit: AuditRecord, title: str, rows: Sequence[Example], pictures: Mapping[str, Picture]) -> Gallery:
    """Examples with their pictures; a list where most have none."""
    tiles = tuple(_tile(audit, row, pictures) for row in rows)
    first = tiles[:TILES]
    form = "wall" if 2 * sum(bool(tile.pictures) for tile in first) >= len(first) else "list"
    heads = ["example", "true class", "what happened", "before → after", _probability(audit)]
    if not any(tile.title for tile in tiles):
        heads.remove("true class")
    if not any(len(tile.lines) > 1 for tile in tiles):
        heads.pop()
    return Gallery(title, tiles, TILES, (), form, brief=3, heads=tuple(heads))  # type: ignore[arg-type]


def _probability(audit: AuditRecord) -> str:
    return f"probability of the {'dense label' if audit.accuracy is None else 'true class'}"


def _tile(audit: AuditRecord, row: Example, pictures: Mapping[str, Picture]) -> Tile:
    several = audit.comparison != "one against one"

    def label(named: str, share: float | None) -> str:
        votes = f" ({100 * share:.0f}{wording.SPACE}%)" if share is not None and several else ""
        return wording.name(named) + votes

    before, after = row.dense_probability, row.compressed_probability
    kind = KINDS.get(row.kind, "changed")
    in_most = " in most pairs" if terms.compares_pairs(audit) else ""  # and labels are votes
    tags = [Tag(WORDS.get(kind, kind) + in_most, kind), *([Tag("confirmed", "confirmed")] if row.is_confirmed else [])]
    one, other = label(row.dense, row.dense_share), label(row.compressed, row.compressed_share)
    lines = [f"both say {one}" if one == other else f"{one} → {other}"]
    if before is not None and after is not None:
        lines.append(f"{100 * before:.0f} → {100 * after:.0f}{wording.SPACE}%")
    picture = pictures.get(row.id)
    return Tile(
        () if picture is None else (picture,),
        "" if row.label is None else wording.name(row.label),
        tuple(tags),
        tuple(lines),
        None if before is None or after is None else charts.pair_bars(before, after, 1.0),
        _id(row.id),
    )
