"""Every file name of a study's folder, once.

DIR/study.toml                     the resolved study
DIR/arithmetic.json                how its networks compute, where `run --tune full` chose that
DIR/catalogue.json                 what the study has produced: its arms and their artefacts
DIR/artefacts/KIND/KEY/            one folder per finished step: its files and manifest.json
DIR/checkpoints/KEY.safetensors    a training under way, until its step is finished
DIR/forks/KEY.safetensors          how trainings stand where they part, until all of them are finished
DIR/failures/KEY.json              steps that failed, until they succeed
DIR/logs/KEY.log                   the full trace of a failed step, and why a checkpoint was of no use
DIR/quarantine/KIND-KEY-N/         what was found damaged or made of other parents; KIND-KEY-N.txt: why
DIR/verifying.txt                  what `piescope verify` has read so far, until it has read all
DIR/run.lock                       held by every running `piescope run`
DIR/work/KEY/TOKEN/                a step under way: whose it is, and its artefact while it is written
DIR/results/                       tables, figures, examples.parquet: made from the above by `piescope report`
DIR/report.html
DIR/card.png                       its first screen as a picture, where it was asked for
"""

from __future__ import annotations

from collections.abc import Callable
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
    *(MODEL, HISTORY, SPARSITY, PREDICTIONS, KNN_LABELS, PROJECTION),
    *(IMAGES, EXAMPLES, SUMMARY, MODELS, DATA_FACTS),
)


def _inside(*parts: str) -> Callable[[Path], Path]:
    """From a study's folder to a file or folder in it."""
    return lambda out: out.joinpath(*parts)


study = _inside("study.toml")
arithmetic = _inside("arithmetic.json")
catalogue = _inside("catalogue.json")
artefacts = _inside("artefacts")
checkpoints = _inside("checkpoints")
forks = _inside("forks")
failures = _inside("failures")
logs = _inside("logs")
quarantine = _inside("quarantine")
verifying = _inside("verifying.txt")
lock = _inside("run.lock")
work = _inside("work")
running = _inside("running.json")  # earlier versions wrote it
results = _inside("results")
results_manifest = _inside("results", MANIFEST)  # what the results were made from, and their hashes
summary = _inside("results", "summary.md")  # the page in short, for a pull request
examples = _inside("results", "examples.parquet")  # one row per (arm, example)
report = _inside("report.html")
card = _inside("card.png")


def artefact(out: Path, kind: str, key: str) -> Path:
    """The folder of one finished step."""
    return artefacts(out) / kind / key


def checkpoint(out: Path, key: str) -> Path:
    """Where a training under way goes on."""
    return checkpoints(out) / f"{key}.safetensors"


def fork(out: Path, key: str) -> Path:
    """Where trainings begin that are alike until then."""
    return forks(out) / f"{key}.safetensors"


def lease(out: Path, key: str) -> Path:
    """Where the lease of a step lies, if somebody has it."""
    return work(out) / key


def failure(out: Path, key: str) -> Path:
    """Why a step failed."""
    return failures(out) / f"{key}.json"


def log(out: Path, key: str) -> Path:
    """The trace of a failed step."""
    return logs(out) / f"{key}.log"


def table(out: Path, name: str, suffix: str) -> Path:
    """A table: ``csv`` or ``tex``."""
    return results(out) / "tables" / f"{name}.{suffix}"


def figure(out: Path, number: int, suffix: str) -> Path:
    """A figure of the paper's order: ``svg``, ``pdf``, or ``csv`` for the frame behind it."""
    return results(out) / "figures" / f"figure-{number}.{suffix}"
