"""What if it were compressed? Copies of one model at several strengths, each audited against it, and the curve over them."""

from __future__ import annotations
