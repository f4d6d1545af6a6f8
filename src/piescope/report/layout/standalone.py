"""What a page needs to be one file: its style sheet by hash, its images as data URIs."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_PIXELS = 2**20
"""Of a picture of a page: thumbnails have far fewer."""


def content_hash(source: str) -> str:
    """The hash by which a Content Security Policy admits this style sheet or script and no other.

    Example:
        >>> content_hash("p { margin: 0 }")
        '7IWhgxoOGTB5NQzjGk9OPt0FwhVeBvZGoWgF9xLLh8c='
    """
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def data_uri(kind: str, content: bytes) -> str:
    """Bytes as a data URI.

    Example:
        >>> data_uri("image/png", b"png")
        'data:image/png;base64,cG5n'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def png_pixels(content: bytes) -> np.ndarray | None:
    """``[height, width, 3]`` uint8 of a whole PNG; None for anything else, for one that moves, and for a huge one.

    Example:
        >>> png_pixels(b"<svg/>") is None
        True
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.width * picture.height > MOST_PIXELS or getattr(picture, "is_animated", False):
                return None
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
