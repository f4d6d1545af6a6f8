"""What stands in a page for its explorer, read as explorer/README.md says and with nothing of piescope's."""

from __future__ import annotations

import array
import base64
import io
import json
import math
import sys
import zlib
from typing import Any

from PIL import Image


class Read:
    """A head and its arrays, by plain Python."""

    def __init__(self, head: str, arrays: str) -> None:
        self.head: dict[str, Any] = json.loads(head)
        self._bytes = zlib.decompress(base64.b64decode(arrays, validate=True))
        assert all(facts["at"] % 4 == 0 for facts in self.head["arrays"].values())

    def stored(self, name: str) -> list[int]:
        """The bits, those of another array taken out again."""
        facts = self.head["arrays"][name]
        one = {"u8": "B", "u16": "H", "u32": "I"}[facts["type"]]
        values = array.array(one)
        count = math.prod(facts["shape"])
        values.frombytes(self._bytes[facts["at"] : facts["at"] + count * values.itemsize])
        assert len(values) == count
        if sys.byteorder == "big":
            values.byteswap()
        if "xor" not in facts:
            return values.tolist()
        other = self.head["arrays"][facts["xor"]]
        assert (other["type"], other["shape"]) == (facts["type"], facts["shape"])
        return [bits ^ mask for bits, mask in zip(values, self.stored(facts["xor"]), strict=True)]

    def values(self, name: str) -> list[float | None]:
        """Numbers, None where they are not known; of ``[examples, n]`` one after the other."""
        facts, stored = self.head["arrays"][name], self.stored(name)
        if "scale" not in facts:
            return list(stored)
        unknown = {"u8": 2**8, "u16": 2**16, "u32": 2**32}[facts["type"]] - 1
        return [None if value == unknown else facts["offset"] + facts["scale"] * value for value in stored]

    def tile(self, example: int) -> Image.Image | None:
        """An example's picture, cut out of its sheet."""
        pictures = self.head["pictures"]
        place = example if pictures["tile"] is None else self.stored(pictures["tile"])[example] - 1
        if place < 0:
            return None
        columns, rows, width, height = (pictures[key] for key in ("columns", "rows", "width", "height"))
        sheet, within = divmod(place, columns * rows)
        kind, content = pictures["sheets"][sheet].split(";base64,")
        assert kind in ("data:image/webp", "data:image/png")
        row, column = divmod(within, columns)
        box = (column * width, row * height, (column + 1) * width, (row + 1) * height)
        whole = Image.open(io.BytesIO(base64.b64decode(content)))
        assert whole.size == (columns * width, rows * height) and max(whole.size) < 16384
        return whole.convert("RGB").crop(box)
