"""The strict, frozen base of everything that is configuration, and the key that identifies it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """A frozen value: unknown keys are errors, types are not coerced, NaN and infinity are no numbers.

    Example:
        >>> class Sgd(Spec):
        ...     learning_rate: float
        >>> Sgd(learning_rate=0.1).learning_rate
        0.1
        >>> Sgd(learning_rate="0.1")
        Traceback (most recent call last):
        pydantic_core._pydantic_core.ValidationError: ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True)


def content_key(value: Any) -> str:
    """The identity of a plain value or Spec: 128 bits of the SHA-256 of its canonical JSON, as 32 hex digits.

    Args:
        value: JSON-like data (dicts with string keys, lists, tuples, strings, numbers, booleans, None) or a Spec.

    Raises:
        TypeError: the value holds something that has no JSON form.
        ValueError: the value holds NaN or infinity.

    Example:
        >>> content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
        True
        >>> len(content_key([]))
        32
    """
    plain = value.model_dump(mode="json") if isinstance(value, Spec) else value
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
