"""Every file name of a study's folder, once.

DIR/study.toml                     the resolved study
DIR/catalogue.json                 what the study has produced: its arms and their artefacts
DIR/artefacts/KIND/KEY/            one folder per finished step: its files and manifest.json
DIR/failures/KEY.json              steps that failed, until they succeed
DIR/logs/KEY.log                   the full trace of a failed step
DIR/run.lock                       held by a running `piescope run`; running.json: what it is at
DIR/results/                       tables, figures, examples.parquet: made from the above by `piescope report`
DIR/report.html
"""

from __future__ import annotations

from pathlib import Path

MANIFEST = "manifest.json"
TEMPORARY_PREFIX = ".tmp-"

# files inside artefacts
MODEL = "model.safetensors"
HISTORY = "history.safetensors"
SPARSITY = "sparsity.json"
PREDICTIONS = "predictions.safetensors"
KNN_LABELS = "knn_labels.safetensors"
PROJECTION = "projection.safetensors"
IMAGES = "images.safetensors"
EXAMPLES = "examples.parquet"
SUMMARY = "summary.json"
MODELS = "models.safetensors"
DATA_FACTS = "data.json"
FILES_OF_STEPS = (
    MODEL,
    HISTORY,
    SPARSITY,
    PREDICTIONS,
    KNN_LABELS,
    PROJECTION,
    IMAGES,
    EXAMPLES,
    SUMMARY,
    MODELS,
    DATA_FACTS,
)


def study(out: Path) -> Path:
    """The resolved study."""
    return out / "study.toml"


def catalogue(out: Path) -> Path:
    """What the study has produced."""
    return out / "catalogue.json"


def artefacts(out: Path) -> Path:
    """All artefacts."""
    return out / "artefacts"


def artefact(out: Path, kind: str, key: str) -> Path:
    """The folder of one finished step."""
    return artefacts(out) / kind / key


def failures(out: Path) -> Path:
    """All records of failed steps."""
    return out / "failures"


def failure(out: Path, key: str) -> Path:
    """Why a step failed."""
    return failures(out) / f"{key}.json"


def logs(out: Path) -> Path:
    """All traces of failed steps."""
    return out / "logs"


def log(out: Path, key: str) -> Path:
    """The trace of a failed step."""
    return logs(out) / f"{key}.log"


def lock(out: Path) -> Path:
    """Held while a run is at work in this folder."""
    return out / "run.lock"


def running(out: Path) -> Path:
    """What a run is at."""
    return out / "running.json"


def results(out: Path) -> Path:
    """What people read."""
    return out / "results"


def results_manifest(out: Path) -> Path:
    """What the results were made from, and their hashes."""
    return results(out) / MANIFEST


def examples(out: Path) -> Path:
    """One row per (arm, example)."""
    return results(out) / "examples.parquet"


def table(out: Path, name: str, suffix: str) -> Path:
    """A table: ``csv`` or ``tex``."""
    return results(out) / "tables" / f"{name}.{suffix}"


def figure(out: Path, number: int, suffix: str) -> Path:
    """A figure of the paper's order: ``svg``, ``pdf``, or ``csv`` for the frame behind it."""
    return results(out) / "figures" / f"figure-{number}.{suffix}"


def report(out: Path) -> Path:
    """The report."""
    return out / "report.html"
