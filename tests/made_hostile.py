"""A study and an audit in which every text that comes from outside is hostile, and the same with plain texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from pydantic import BaseModel

import made_audit
import made_results
import piescope
from payloads import TEXTS
from piescope.auditing.verdict import verdict_of
from piescope.report.study.results import Results
from piescope.store.audit_record import AuditRecord

OURS = frozenset(
    {"objective", "kind", "criterion", "values", "interval_over", "against", "budget", "limit", "broken", "fingerprint"}
)
"""Fields whose texts are of piescope's own making; those that are Literals are known by that."""

M = TypeVar("M", bound=BaseModel)


class Names:
    """Gives each text another, always the same."""

    def __init__(self, texts: Sequence[str], *lists: Sequence[str]) -> None:
        """Names of one list are told apart; those of several lists may be called the same."""
        self.texts, self.given = texts, 0
        self.known = {"": "", "dense": "dense", "gmp": "gmp"}  # what piescope itself calls so
        for names in lists:
            used = [texts[at] if at < len(texts) else f"{at} {texts[at % len(texts)]}" for at in range(len(names))]
            self.known |= dict(zip(names, used, strict=True))

    def of(self, text: str) -> str:
        """What this text is called."""
        if text not in self.known:
            self.known[text] = self.texts[self.given % len(self.texts)]
            self.given += 1
        return self.known[text]

    def all_of(self, value: Any) -> Any:
        """A value in which every text from outside is called so."""
        if isinstance(value, str):
            return self.of(value)
        if isinstance(value, BaseModel):
            return self.record(value)
        if isinstance(value, tuple | list):
            return type(value)(map(self.all_of, value))
        if isinstance(value, dict):
            return {key: self.all_of(part) for key, part in value.items()}
        return value

    def record(self, record: M) -> M:
        """A record in which every text from outside is called so."""
        fields = type(record).model_fields.items()
        from_outside = [name for name, known in fields if name not in OURS and "Literal" not in repr(known.annotation)]
        return record.model_copy(update={name: self.all_of(getattr(record, name)) for name in from_outside})


NAMES = tuple(text for text in TEXTS if text)
"""Of a study's classes: readers of data sets refuse one without a name."""


def study(texts: Sequence[str] = NAMES, is_hostile: bool = True, examples: int = 400) -> Results:
    """Results of a study with so many classes."""
    classes = tuple(f"class {index}" for index in range(len(texts)))
    families = {"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")}
    plain = made_results.made(families, class_names=classes, examples=examples)
    if not is_hostile:
        return plain
    names = Names(texts, classes, plain.data.ids)
    arms = tuple(
        dataclasses.replace(
            arm,
            pruning=names.of(arm.pruning),
            columns=arm.columns | {"example_id": np.array(names.all_of(plain.data.ids), dtype=object)},
            summary=names.record(arm.summary),
        )
        for arm in plain.arms
    )
    parts = {
        part: names.all_of(getattr(plain, part)) for part in ("study", "data", "missing", "environments", "recipe")
    }
    return dataclasses.replace(plain, arms=arms, probe_points=names.all_of(plain.probe_points), **parts)


def audit(texts: Sequence[str] = TEXTS, is_hostile: bool = True, **more: Any) -> AuditRecord:
    """An audit with so many classes."""
    classes = [f"class {index}" for index in range(len(texts))]
    options = {"models": 3, "examples": 1_200, "probabilities": True, "has_groups": True, "has_embeddings": True}
    plain = AuditRecord.of(made_audit.made(names=classes, with_budgets=True, loss=0.3, **options | more))
    if not is_hostile:
        return plain
    named = plain.with_answers(verdict=type(plain.verdict)())
    ids = list(dict.fromkeys(row.id for row in plain.harmed))
    hostile = Names(texts, classes, ids).record(named)
    return hostile.with_answers(verdict=verdict_of(hostile))


IN_FILES = tuple(
    text
    for text in NAMES
    if text.strip() and len(text) <= 1000 and text.isascii() | text.isprintable() and text.lower() != "nan"
)
"""Of an audit's files: UTF-8 holds no surrogates, and readers refuse names as long as a page, and no number as a name."""


def audited(folder: Path) -> Path:
    """The page of an audit of files that hold these names: ids, classes, metadata, and a column called so."""
    random, many = np.random.default_rng(0), len(IN_FILES)
    truth = np.arange(6 * many) % many
    dense = np.where(random.random(len(truth)) < 0.03, (truth + 1) % many, truth)
    said = {"dense": dense, "compressed": np.where(random.random(len(truth)) < 0.3, (truth + 2) % many, dense)}
    ids = [IN_FILES[index] if index < many else f"{index} {IN_FILES[index % many]}" for index in range(len(truth))]
    for name, labels in said.items():
        columns = {"id": ids, "label": [IN_FILES[at] for at in truth], "prediction": [IN_FILES[at] for at in labels]}
        parquet.write_table(pa.table(columns), folder / f"{name}.parquet")
    groups = {"id": ids, IN_FILES[4]: [IN_FILES[7 * index % 5] for index in range(len(truth))]}
    parquet.write_table(pa.table(groups), folder / "groups.parquet")
    dense_file, compressed_file = (folder / f"{name}.parquet" for name in said)
    piescope.audit(
        dense_file, compressed_file, labels=dense_file, metadata=folder / "groups.parquet", out=folder / "audit"
    )
    return folder / "audit" / "report.html"
