"""Classes of unequal size: what accuracy hides is measured, told, and right whatever the layout.

Of the kind of huggingface/optimum#151: one sigmoid logit an example, 11 % positives; a copy that calls all positive.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import softmax
from sklearn import metrics

from conftest import run_piescope
from piescope.auditing.answers import measures
from piescope.audits import audit
from piescope.reading import sides
from piescope.report.audit.measures import before_and_after, measure_words
from piescope.store.audit_record import AuditRecord


def binary(seed: int = 12, examples: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Truth, of which 1 in 10 is positive, and a model's logits."""
    random = np.random.default_rng(seed)
    truth = (random.random(examples) < 0.1).astype(int)
    logits = np.where(truth == 1, random.normal(1.5, 1.4, examples), random.normal(-3, 1.4, examples))
    return truth, logits.round(4)


def multiclass(seed: int, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth of unequal classes, and logits of a model and of its copy."""
    random = np.random.default_rng(seed)
    share = np.linspace(8, 1, classes)
    truth = random.choice(classes, examples, p=share / share.sum())
    dense = random.normal(0, 1, (examples, classes)) + 2.5 * (np.arange(classes) == truth[:, None])
    return truth, dense.astype(np.float32), (dense + random.normal(0, 0.8, dense.shape)).astype(np.float32)


def wanted(truth: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    labels = (logits > 0).astype(int)
    return {
        "precision": 100 * metrics.precision_score(truth, labels),
        "recall": 100 * metrics.recall_score(truth, labels),
        "f1": 100 * metrics.f1_score(truth, labels),
        "roc_auc": metrics.roc_auc_score(truth, logits),
        "average_precision": metrics.average_precision_score(truth, logits),
        "balanced_accuracy": 100 * metrics.balanced_accuracy_score(truth, labels),
        "mcc": metrics.matthews_corrcoef(truth, labels),
    }


def numbers(measures: dict[str, Any], side: str) -> dict[str, float]:
    positive = next(row for row in measures["by_class"] if row["class"] == measures["positive_class"])
    found = {name: positive[name][side] for name in ("precision", "recall", "f1")}
    return found | {
        name: measures["overall"][name][side] for name in ("roc_auc", "average_precision", "balanced_accuracy", "mcc")
    }


def telling(record: AuditRecord) -> list[tuple[Any, ...]]:
    """The measures that short documents have beside accuracy and calibration error."""
    table = before_and_after(record)
    assert table is not None
    return [row for row in table.rows[: table.brief] if not row[0].startswith(("accuracy", "calibration"))]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("rows", [None, 7])
@pytest.mark.parametrize("copy", ["collapsed", "mild"])
def test_one_logit_an_example(copy: str, rows: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if rows is not None:
        monkeypatch.setattr(sides, "MOST_ROWS", rows)
    truth, logits = binary()
    noise = np.random.default_rng(1).normal(0, 0.6, 1000)
    after = (logits * 0.4 + 6 if copy == "collapsed" else logits + noise - 0.8).round(4)
    found = audit(logits, after, labels=truth)
    measures = found["measures"]
    assert measures["positive_class"] == "1"
    assert numbers(measures, "dense") == pytest.approx(wanted(truth, logits))
    assert numbers(measures, "compressed") == pytest.approx(wanted(truth, after))
    for row in [*measures["overall"].values(), *(row["f1"] for row in measures["by_class"])]:
        assert row["change"] == pytest.approx(row["compressed"] - row["dense"])
        if row["change_interval"] is not None:
            low, high = row["change_interval"]
            assert low <= row["change"] <= high
    told = {row[0] for row in telling(found.record)}
    assert told >= {"precision of class 1, %", "recall of class 1, %", "F1 of class 1, %", "ROC AUC"}


def test_from_an_npz_with_its_labels(tmp_path: Path) -> None:
    truth, logits = binary()
    np.savez_compressed(tmp_path / "torch.npz", logits=logits[:, None].astype(np.float32), label_ids=truth)
    found = audit(tmp_path / "torch.npz", logits - 1)
    assert numbers(found["measures"], "dense") == pytest.approx(wanted(truth, logits.astype(np.float32)))


def test_two_probabilities_are_as_good_as_a_logit() -> None:
    truth, logits = binary()
    both = softmax(np.stack([np.zeros(1000), logits], axis=1), axis=1)
    found = audit(both, both, labels=truth)["measures"]
    assert numbers(found, "dense") == pytest.approx(wanted(truth, logits))
    assert found["overall"]["roc_auc"]["change_interval"] is None
    assert found["overall"]["roc_auc"]["why_not"] == "no answer changed"


@pytest.mark.parametrize("rows", [None, 13])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_several_classes(kind: str, rows: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if rows is not None:
        monkeypatch.setattr(sides, "MOST_ROWS", rows)
    truth, *logits = multiclass(3, 400, 7)
    given = [softmax(side.astype(np.float64), axis=1) if kind == "probabilities" else side for side in logits]
    overall = audit(*given, labels=truth)["measures"]["overall"]
    for side, scores in zip(("dense", "compressed"), logits, strict=True):
        probabilities = softmax(scores.astype(np.float64), axis=1)
        assert overall["roc_auc"][side] == pytest.approx(
            metrics.roc_auc_score(truth, probabilities, multi_class="ovr"), abs=1e-6
        )
        assert overall["average_precision"][side] == pytest.approx(
            metrics.average_precision_score(truth, probabilities), abs=1e-6
        )
        assert overall["top_5_accuracy"][side] == pytest.approx(
            100 * metrics.top_k_accuracy_score(truth, probabilities, k=5)
        )
        assert overall["macro_f1"][side] == pytest.approx(
            100 * metrics.f1_score(truth, scores.argmax(1), average="macro")
        )
    assert all(row["change_interval"] is not None for row in overall.values())


def test_confident_probabilities_near_one_stay_apart() -> None:
    """In float32 a softmax of these is 1 for hundreds of examples; their order is in the logits."""
    truth, dense, compressed = multiclass(4, 500, 3)
    dense = dense * 20
    exact = [
        [float(row[label] - np.log(np.exp(np.delete(row, label) - row.max()).sum()) - row.max()) for label in range(3)]
        for row in dense.astype(np.float64)
    ]
    aucs = [metrics.roc_auc_score(truth == label, np.array(exact)[:, label]) for label in range(3)]
    found = audit(dense, compressed, labels=truth)["measures"]["overall"]["roc_auc"]["dense"]
    assert found == pytest.approx(np.mean(aucs), abs=1e-6)


def test_score_columns_in_any_order(tmp_path: Path) -> None:
    truth, dense, compressed = multiclass(5, 300, 7)
    names = np.array(["ant", "bee", "cat", "dog", "eel", "fox", "hen"])
    order = np.random.default_rng(0).permutation(7)
    from pyarrow import parquet

    for name, side, columns in (("dense", dense, range(7)), ("compressed", compressed, order)):
        table = {"id": [f"i{row}" for row in range(300)], **{names[label]: side[:, label] for label in columns}}
        parquet.write_table(pa.table(table), tmp_path / f"{name}.parquet")
    ids = [f"i{row}" for row in range(300)]
    parquet.write_table(pa.table({"id": ids, "label": names[truth]}), tmp_path / "labels.parquet")
    named = audit(tmp_path / "dense.parquet", tmp_path / "compressed.parquet", labels=tmp_path / "labels.parquet")
    plain = audit(dense, compressed, labels=truth)
    for name, row in plain["measures"]["overall"].items():
        for key in ("dense", "compressed", "change"):
            assert named["measures"]["overall"][name][key] == pytest.approx(row[key]), name
        assert named["measures"]["overall"][name]["change_interval"] == pytest.approx(row["change_interval"]), name


def test_of_equal_scores_the_smaller_id_is_among_the_top() -> None:
    scores = np.zeros((7, 7), np.float32)
    scores[:, 0] = 0.5  # 1 to 6 are equal: 1 to 4 are among the five
    found = audit(scores, scores, labels=np.arange(7), values="logits")["measures"]["overall"]["top_5_accuracy"]
    assert found["dense"] == pytest.approx(100 * 5 / 7)


def test_several_models_a_side_are_means_over_models() -> None:
    truth, dense, compressed = multiclass(6, 300, 7)
    random = np.random.default_rng(2)
    before, after = (
        np.stack([side + random.normal(0, 0.5, side.shape) for _ in range(3)]).astype(np.float32)
        for side in (dense, compressed)
    )
    measures = audit(before, after, labels=truth)["measures"]
    for side, models in (("dense", before), ("compressed", after)):
        labels = models.argmax(2)
        mean: dict[str, float] = {
            "macro_f1": np.mean([100 * metrics.f1_score(truth, row, average="macro") for row in labels]),
            "balanced_accuracy": np.mean([100 * metrics.balanced_accuracy_score(truth, row) for row in labels]),
            "mcc": np.mean([metrics.matthews_corrcoef(truth, row) for row in labels]),
            "top_5_accuracy": np.mean([100 * metrics.top_k_accuracy_score(truth, row, k=5) for row in models]),
            "roc_auc": np.mean(
                [metrics.roc_auc_score(truth, softmax(row.astype(float), 1), multi_class="ovr") for row in models]
            ),
        }
        assert {name: measures["overall"][name][side] for name in mean} == pytest.approx(mean, abs=1e-5)
        rows = metrics.precision_score(truth, labels[0], average=None)
        assert len(rows) == 7
        for label in range(7):
            precision = np.mean([metrics.precision_score(truth == label, row == label) for row in labels])
            assert measures["by_class"][label]["precision"][side] == pytest.approx(100 * precision)
    assert measures["overall"]["macro_f1"]["change_interval"] is None
    assert "several models a side" in measures["overall"]["macro_f1"]["why_not"]
    assert measures["overall"]["top_5_accuracy"]["change_interval"] is not None


def test_labels_alone_have_no_ranking_and_say_so() -> None:
    truth, dense, compressed = multiclass(7, 300, 7)
    found = audit(dense.argmax(1), compressed.argmax(1), labels=truth)
    assert found["measures"]["overall"]["roc_auc"]["dense"] is None
    assert "top_5_accuracy" not in found["measures"]["overall"]
    assert any("ROC AUC and average precision: labels alone" in told for told in measure_words(found.record))
    assert audit(dense.argmax(1), compressed.argmax(1))["measures"] is None


def test_more_scores_than_are_kept_are_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, dense, compressed = multiclass(8, 300, 7)
    monkeypatch.setattr(measures, "MOST_SCORES", 300 * 7 - 1)
    found = audit(dense, compressed, labels=truth)["measures"]["overall"]
    assert found["roc_auc"]["dense"] is None
    assert found["roc_auc"]["why_not"] == "2,100 scores a side are more than the 2,099 that are kept to be ranked"
    assert found["top_5_accuracy"]["dense"] is not None


def test_equal_classes_show_no_more_than_before() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(600) % 3
    dense = np.where(random.random(600) < 0.9, truth, (truth + 1) % 3)
    compressed = np.where(random.random(600) < 0.8, dense, (dense + 1) % 3)
    assert telling(audit(dense, compressed, labels=truth).record) == []


def test_what_changes_while_accuracy_does_not_is_told() -> None:
    """Answers stay, their order does not: only the ROC AUC and the average precision fall."""
    random = np.random.default_rng(3)
    truth = np.arange(600) % 2
    logits = random.normal(0, 1, 600) + 2 * (2 * truth - 1)
    after = np.where(logits > 0, 1, -1) * random.permutation(np.abs(logits))
    found = audit(logits, after, labels=truth)
    assert found["changed"] == 0
    told = telling(found.record)
    assert [row[0] for row in told] == ["ROC AUC", "average precision"]
    assert all(row[3].tone == "strong" and row[3].text.startswith("\N{MINUS SIGN}") for row in told)


def test_terminal_page_and_markdown_show_them(tmp_path: Path) -> None:
    truth, logits = binary()
    np.save(tmp_path / "dense.npy", logits)
    np.save(tmp_path / "compressed.npy", logits * 0.4 + 6)
    np.save(tmp_path / "labels.npy", truth)
    done = run_piescope(
        "audit", tmp_path / "dense.npy", tmp_path / "compressed.npy", "--labels", tmp_path / "labels.npy",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "answers class 1 only" in " ".join(done.stdout.split())
    precision = f"{100 * truth.mean():.1f}"
    for text in (
        done.stdout,
        (tmp_path / "out" / "audit.md").read_text(),
        (tmp_path / "out" / "report.html").read_text(),
    ):
        line = next(line for line in text.splitlines() if "precision of class 1" in line)
        assert precision in line
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'id="measures"' in page
    assert "balanced accuracy" in page
