"""What the page's explorer is given: its head as JSON, its arrays packed. explorer/README.md has the format."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from piescope.wording import printable

ArrayName = str
"""Names an array of `Packed`."""

ArrayType = Literal["u8", "u16", "u32"]

TYPES: dict[ArrayType, np.dtype[Any]] = {"u8": np.dtype("<u1"), "u16": np.dtype("<u2"), "u32": np.dtype("<u4")}

ALIGNED = 4
"""Each array begins at a multiple of so many bytes."""

FORMAT: Literal[1] = 1

_HIDDEN_IN_MARKUP = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&"}


@dataclass(frozen=True)
class ArrayFacts:
    """How an array is stored.

    Attributes:
        type: of its numbers.
        shape: of it.
        at: where it begins, in bytes.
        scale: a value is ``offset + scale * stored``, the largest stored number stands for one that is not known;
            None: values are as they are stored.
        offset: see there.
        xor: stored are its bits against those of this array.
    """

    type: ArrayType
    shape: tuple[int, ...]
    at: int
    scale: float | None = None
    offset: float | None = None
    xor: ArrayName | None = None


class Packed:
    """Arrays one after the other, each of the smallest type that holds it.

    Example:
        >>> packed = Packed()
        >>> packed.whole("label", np.array([1, 0, 1]), most=1)
        'label'
        >>> packed.facts["label"], packed.content().hex()
        (ArrayFacts(type='u8', shape=(3,), at=0, scale=None, offset=None, xor=None), '01000100')
    """

    def __init__(self) -> None:
        self.facts: dict[ArrayName, ArrayFacts] = {}
        self._parts: list[bytes] = []
        self._values: dict[ArrayName, np.ndarray] = {}
        self._end = 0

    def whole(self, name: ArrayName, values: np.ndarray, most: int, xor: ArrayName | None = None) -> ArrayName:
        """Adds whole numbers.

        Args:
            name: of the array.
            values: 0 to ``most``, any shape.
            most: the largest that there can be; it decides the type.
            xor: an array of this shape and ``most`` that has mostly the same values.

        Returns:
            the name.

        Raises:
            ValueError: a number is out of its range.
        """
        if values.size and not (values.min() >= 0 and values.max() <= most):
            raise ValueError(f"{name} holds {values.min()} to {values.max()}; expected 0 to {most}")
        kind: ArrayType = "u8" if most < 2**8 else "u16" if most < 2**16 else "u32"
        self._values[name] = stored = values.astype(TYPES[kind])
        against = stored if xor is None else stored ^ self._values[xor]
        return self._add(name, against, ArrayFacts(kind, values.shape, self._end, xor=xor))

    def measured(
        self,
        name: ArrayName,
        values: np.ndarray | None,
        span: tuple[float, float],
        steps: int = 254,
        xor: ArrayName | None = None,
    ) -> ArrayName | None:
        """Adds measured numbers, rounded to steps of equal size; NaN is not known.

        Args:
            name: of the array.
            values: within ``span``, any shape; None: there are none.
            span: the lowest and the highest that there can be.
            steps: of the span; up to 254 a number takes a byte, up to 65,534 two.
            xor: a measured array of this shape, span and ``steps`` that has mostly near values.

        Returns:
            the name; None where nothing is known: there is no array then.
        """
        if values is None or not np.isfinite(values).any():
            return None
        known, (low, high) = np.isfinite(values), span
        kind: ArrayType = "u8" if steps < 2**8 - 1 else "u16"
        scale = (high - low) / steps if high > low else 1.0
        taken = np.rint((np.where(known, values, low) - low) / scale).clip(0, steps)
        stored = np.where(known, taken, np.iinfo(TYPES[kind]).max).astype(TYPES[kind])
        self._values[name] = stored
        against = stored if xor is None else stored ^ self._values[xor]
        return self._add(name, against, ArrayFacts(kind, values.shape, self._end, float(scale), float(low), xor))

    def _add(self, name: ArrayName, stored: np.ndarray, facts: ArrayFacts) -> ArrayName:
        content = stored.tobytes()
        padding = -len(content) % ALIGNED
        self.facts[name] = facts
        self._parts.append(content + bytes(padding))
        self._end += len(content) + padding
        return name

    def content(self) -> bytes:
        """All arrays, one after the other."""
        return b"".join(self._parts)

    def deflated(self) -> bytes:
        """The same, deflated by zlib."""
        return zlib.compress(self.content())

    def characters(self) -> int:
        """That all arrays take as text, deflated."""
        return 4 * -(-len(self.deflated()) // 3)


@dataclass(frozen=True)
class Cells:
    """What the models of an arm, or of a side, say of each example; names of arrays, ``[examples]`` unless said.

    Attributes:
        label: modal label.
        modal: votes for it.
        right: votes for the true class.
        dense: votes for the side's modal label; None in a side.
        confirmed: 1 where the votes changed beyond chance; None in a side.
        score: mean probability of the true class, where it is not known of the modal label.
        q: Q-Score, mean over models.
        depth: prediction depth, mean over models.
        map: ``[examples, 2]``, 0 to 1.
    """

    label: ArrayName
    modal: ArrayName
    right: ArrayName | None = None
    dense: ArrayName | None = None
    confirmed: ArrayName | None = None
    score: ArrayName | None = None
    q: ArrayName | None = None
    depth: ArrayName | None = None
    map: ArrayName | None = None


@dataclass(frozen=True)
class ExcessShown:
    """Changed examples beyond those that other seeds alone would change, with the ends of the interval."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Level:
    """An arm at one value of the axis.

    Attributes:
        value: on the axis.
        label: the value in words.
        models: how many.
        cells: what they say.
        seeds: examples that other seeds alone would change; None: that cannot be told.
        excess: what is beyond.
        is_clear: whether it is beyond; None: that cannot be told.
        accuracy: percent, mean over models; None where it is not known.
        clear_classes: places of the classes that lost or gained beyond chance; None: that is not told of each.
        happened: array ``[examples]`` of 0 (the same), 1 (lost), 2 (won back), 3 (moved); None: as modal labels say.
    """

    value: float
    label: str
    models: int
    cells: Cells
    seeds: float | None = None
    excess: ExcessShown | None = None
    is_clear: bool | None = None
    accuracy: float | None = None
    clear_classes: tuple[int, ...] | None = None
    happened: ArrayName | None = None


@dataclass(frozen=True)
class ArmShown:
    """What is compared with a side, at all levels that there are, rising.

    Attributes:
        key: names it in the page's address: ``supcon/gmp``.
        name: for people.
        side: place among the sides.
        hue: which colour, from 0 on.
        dash: which dashes, from 0 on.
        levels: at least one.
    """

    key: str
    name: str
    side: int
    hue: int
    dash: int
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class SideShown:
    """What arms are compared with; ``neighbours``: ``[examples, 10]``, the nearest examples, nearest first."""

    key: str
    name: str
    models: int
    cells: Cells
    neighbours: ArrayName | None = None


@dataclass(frozen=True)
class SpriteSheets:
    """Sprite sheets: tiles of one size, row by row.

    Attributes:
        width: of a tile.
        height: likewise.
        columns: tiles in a row.
        rows: rows of a sheet.
        sheets: data URIs.
        sharp: of so few pixels that they are enlarged with hard edges.
        tile: ``[examples]``, 0: no picture, else 1 + its place over all sheets; None: example i is at place i.
    """

    width: int
    height: int
    columns: int
    rows: int
    sheets: tuple[str, ...]
    sharp: bool
    tile: ArrayName | None = None


@dataclass(frozen=True)
class Axis:
    """What levels are values of: ``sparsity`` in ``%``."""

    name: str
    unit: str


@dataclass(frozen=True)
class Start:
    """The arm and the value that the headline names."""

    arm: str
    level: float


@dataclass(frozen=True)
class Head:
    """All but the arrays themselves; ``truth``: ``[examples]``, true classes, None where nobody knows them."""

    kind: Literal["study", "audit"]
    title: str
    axis: Axis
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    truth: ArrayName | None
    sides: tuple[SideShown, ...]
    arms: tuple[ArmShown, ...]
    pictures: SpriteSheets | None
    start: Start
    examples: int = field(init=False)
    format: Literal[1] = FORMAT

    def __post_init__(self) -> None:
        object.__setattr__(self, "examples", len(self.ids))


@dataclass(frozen=True, eq=False)
class ExplorerData:
    """What the page gives its explorer.

    Attributes:
        head: the records.
        packed: the arrays that they name.
        notes: sentences for the page: what the explorer has not.
    """

    head: Head
    packed: Packed
    notes: tuple[str, ...] = ()

    def head_json(self) -> str:
        """For an element ``script`` of type ``application/json``: nothing in it ends the element; all is ASCII.

        What is hidden in texts is spelt out, as the page's own texts are.
        """
        plain = asdict(self.head)
        plain["arrays"] = {
            name: {key: value for key, value in asdict(facts).items() if value is not None}
            for name, facts in self.packed.facts.items()
        }
        return json.dumps(_spelt_out(plain), separators=(",", ":"), allow_nan=False).translate(_HIDDEN_IN_MARKUP)

    def arrays_base64(self) -> str:
        """All arrays, deflated by zlib, as text."""
        return base64.b64encode(self.packed.deflated()).decode()


def _spelt_out(value: object) -> object:
    if isinstance(value, dict):
        return {printable(name): _spelt_out(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_spelt_out, value))
    return printable(value) if isinstance(value, str) else value
