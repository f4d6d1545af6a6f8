"""Every file name of an audit's folder, once.

DIR/audit.json          the answers
DIR/audit.md            for a pull request or a model card
DIR/examples.parquet    one row an example
DIR/images.parquet      pictures of the examples that the report shows, where there are any
DIR/report.html
DIR/COPY/               the same of each copy, where `--compress` made several
"""

from __future__ import annotations

from pathlib import Path

AUDIT = "audit.json"


def audit(out: Path) -> Path:
    """The answers."""
    return out / AUDIT


def markdown(out: Path) -> Path:
    """For a pull request or a model card."""
    return out / "audit.md"


def examples(out: Path) -> Path:
    """One row an example."""
    return out / "examples.parquet"


def images(out: Path) -> Path:
    """Pictures of the examples that the report shows."""
    return out / "images.parquet"


def report(out: Path) -> Path:
    """The report."""
    return out / "report.html"


def copy(out: Path, name: str) -> Path:
    """The folder of one compressed copy: ``magnitude-0.7``."""
    return out / name


def is_audit(out: Path) -> bool:
    """Whether a folder holds an audit."""
    return audit(out).is_file()
