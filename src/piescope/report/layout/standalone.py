"""What a page needs to be one file: its style sheet by hash, its images as data URIs."""

from __future__ import annotations

import base64
import hashlib


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
