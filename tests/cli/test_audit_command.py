"""`piescope audit` as its user types it: files, embeddings, a model and its copies, budgets; what is written and what is said."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from conftest import Run, run_piescope, run_program, run_python
from made_predictions import NAMES, Made, as_csv, as_npy, made, table_of_labels, table_of_scores
from piescope.machine import processor, today

FILES = {"audit.json", "audit.md", "examples.parquet", "report.html"}


@pytest.fixture(scope="module")
def data() -> Made:
    return made(examples=600, seed=3)


@pytest.fixture(scope="module")
def folder(data: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("predictions")
    for side in ("dense", "compressed"):
        as_csv(table_of_labels(data, side, names=True), root / f"{side}.csv")
        as_csv(table_of_scores(data, side), root / f"{side}-scores.csv")
    as_csv(pa.table({"id": list(data.ids), "label": [NAMES[code] for code in data.truth]}), root / "labels.csv")
    random = np.random.default_rng(0)
    as_csv(pa.table({"id": list(data.ids), "camera": random.choice(["day", "night"], 600)}), root / "meta.csv")
    return root


def test_label_files(folder: Path, data: Made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_piescope("audit", "dense.csv", "compressed.csv", "--labels", "labels.csv", "--out", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == FILES
    told = json.loads((out / "audit.json").read_text())
    right = {side: data.labels(side)[0] == data.truth for side in ("dense", "compressed")}
    lost, won = (right["dense"] & ~right["compressed"]).sum(), (right["compressed"] & ~right["dense"]).sum()
    assert (told["flips"]["correct_to_wrong"], told["flips"]["wrong_to_correct"]) == (lost, won)
    assert f"it lost {lost} examples and won {won} back" in " ".join(done.stdout.split())
    assert "matched by id" in done.stdout
    assert told["made_with"]["processor"] == processor() and told["made_with"]["date"] == today()
    assert set(told["made_with"]["libraries"]) == {"numpy", "pyarrow"}
    read = {file["name"]: file["sha256"] for file in told["inputs"]["files"]}
    assert read == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in read}
    assert list(read) == ["dense.csv", "compressed.csv", "labels.csv"]
    assert str(folder) not in (out / "audit.json").read_text() + (out / "report.html").read_text()


def test_every_option_of_files(folder: Path, tmp_path: Path) -> None:
    out, junit = tmp_path / "out", tmp_path / "reports" / "junit.xml"
    done = run_piescope(
        "audit", "dense-scores.csv", "compressed-scores.csv", "--labels", "labels.csv", "--metadata", "meta.csv", "--out", out,
        "--max-flips", "1%", "--max-class-drop", "90", "--max-changed", "600", "--equivalent-within", "50",
        "--max-group-drop", "90", "--junit", junit, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 1
    told = json.loads((out / "audit.json").read_text())
    verdicts = {row["budget"]: row["verdict"] for row in told["budgets"]}
    assert verdicts == {
        "max_flips": "broken",
        "max_class_drop": "kept",
        "max_changed": "undecided",  # there are no more examples than that
        "equivalent_within": "kept",
        "max_group_drop": "kept",
    }
    row = next(row for row in told["budgets"] if row["budget"] == "max_flips")
    line = next(line for line in done.stderr.splitlines() if line.startswith("max_flips broken"))
    assert re.search(rf"{row['observed']:.1f} % \(up to {row['high']:.1f} at 95 %\), limit 1 %", line)
    assert "max_changed" not in done.stderr
    cases = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    assert cases["max_flips"].find("failure") is not None
    assert cases["max_changed"].find("skipped") is not None
    assert told["groups"] and told["calibration"] and told["inputs"]["metadata"]["columns"] == ["camera"]
    strict = run_piescope(
        "audit", "dense.csv", "compressed.csv", "--out", out, "--max-changed", "600", "--strict", cwd=folder
    )
    assert strict.returncode == 1
    assert "max_changed undecided" in strict.stderr


def test_budgets_of_a_file(folder: Path, tmp_path: Path) -> None:
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[budgets]\nmax_flips = "90%"\nmax_changed = 1\n')
    done = run_piescope(
        "audit",
        "dense.csv",
        "compressed.csv",
        "--labels",
        "labels.csv",
        "--out",
        tmp_path / "out",
        "--budgets",
        budgets,
        cwd=folder,
    )
    assert done.returncode == 1
    assert "max_changed broken" in done.stderr and "max_flips" not in done.stderr
    mild = run_piescope(
        "audit", "dense.csv", "compressed.csv", "--labels", "labels.csv", "--out", tmp_path / "out", "--budgets", budgets,
        "--max-changed", "599", cwd=folder,
    )  # fmt: skip
    assert mild.returncode == 0, mild.stderr


@pytest.mark.sampled(8, heavy=True)
def test_an_audit_passes_the_budgets_that_it_suggested(folder: Path, tmp_path: Path) -> None:
    budgets = tmp_path / "budgets.toml"
    command = ("audit", "dense.csv", "compressed.csv", "--labels", "labels.csv", "--metadata", "meta.csv")
    command = (*command, "--out", tmp_path / "out")
    for _ in range(2):  # a file of budgets may be replaced
        done = run_piescope(*command, "--suggest-budgets", budgets, cwd=folder)
        assert done.returncode == 0, done.stderr
    assert budgets.read_text().count("# observed ") == 5
    again = run_piescope(*command, "--budgets", budgets, "--strict", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert (
        "WITHIN BUDGET. The compressed model can be shipped as far as its budgets go: all 5 budgets are kept."
        in " ".join(again.stdout.split())
    )
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert {row["verdict"] for row in told["budgets"]} == {"kept"} and told["verdict"]["answer"] == "safe"


@pytest.mark.parametrize("width", ["40", "60", "100"])
def test_the_summary_fits_the_terminal(width: str, folder: Path, tmp_path: Path) -> None:
    done = run_piescope(
        "audit", "dense-scores.csv", "compressed-scores.csv", "--labels", "labels.csv", "--metadata", "meta.csv", "--max-class-drop",
        "3", "--out", "out", cwd=folder, env={"COLUMNS": width},
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if not line.startswith("report: ")]
    assert len(lines) > 20
    assert max(map(len, lines)) <= int(width)
    for path in (folder / "out").iterdir():
        path.unlink()
    (folder / "out").rmdir()


def test_the_report_can_be_written_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_piescope("audit", "dense.csv", "compressed.csv", "--labels", "labels.csv", "--out", out, cwd=folder)
    before = {name: (out / name).read_bytes() for name in ("report.html", "audit.md")}
    for name in before:
        (out / name).unlink()
    done = run_piescope("report", out)
    assert done.returncode == 0, done.stderr
    assert {name: (out / name).read_bytes() for name in before} == before


@pytest.mark.sampled(8, heavy=True)
def test_the_same_audit_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        run_piescope(
            "audit",
            "dense-scores.csv",
            "compressed-scores.csv",
            "--labels",
            "labels.csv",
            "--out",
            tmp_path / name,
            cwd=folder,
            new=True,  # with a hash seed of its own
        )
        files.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert set(files[0]) == FILES
    assert files[0] == files[1]


def test_embeddings_and_layers(data: Made, folder: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    centres = random.normal(size=(4, 16))
    for side, noise in (("dense", 0.4), ("compressed", 1.2)):
        (tmp_path / side).mkdir()
        for layer in range(3):
            points = centres[data.truth] * layer + random.normal(0, noise, (600, 16))
            as_npy(points.astype(np.float32), tmp_path / side / f"layer{layer}.npy")
    out = tmp_path / "out"
    done = run_piescope(
        "audit", "dense.csv", "compressed.csv", "--labels", "labels.csv", "--out", out, "--dense-layers", tmp_path / "dense",
        "--compressed-layers", tmp_path / "compressed", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "audit.json").read_text())["embeddings"]
    assert found["dims"] == [16, 16] and found["prediction_depth"]["layers"] == 3
    assert 0.5 < found["cka"] < 1 and found["knn_accuracy"]["dense"] > 95
    assert found["prediction_depth"]["compressed"] >= found["prediction_depth"]["dense"] >= 1
    assert "no ids: its rows are taken to be in the order of dense.csv" in (out / "audit.json").read_text()
    columns = parquet.read_table(out / "examples.parquet").column_names
    assert {"dense_q", "compressed_q", "dense_depth", "compressed_depth"} <= set(columns)


def _dense_model(out: Path) -> Path:
    """The folder of a model in which nothing is pruned."""
    from piescope.study.folder import study_of
    from piescope.study.plan import make_plan

    steps = make_plan(study_of(out)).steps
    return out / "artefacts" / "train" / next(step.key for step in steps if step.label == "supervised dense, seed 0")


@pytest.mark.sampled(8, heavy=True)
def test_a_model_and_its_copies(tiny_run: Run, tmp_path: Path) -> None:
    """A model of a study, compressed here at several strengths, on real digits."""
    model = _dense_model(tiny_run.out)
    out = tmp_path / "out"
    done = run_piescope(
        "audit", model, "--data", "digits", "--compress", "magnitude:0.2,0.9", "--out", out, "--max-flips", "5%"
    )
    assert done.returncode in (0, 1), done.stderr
    assert {path.name for path in out.iterdir()} == FILES | {"images.parquet", "magnitude-0.2", "magnitude-0.9"}
    told = json.loads((out / "audit.json").read_text())
    assert [row["name"] for row in told["what_if"]] == ["magnitude 0.2", "magnitude 0.9"]
    assert [round(row["realised_sparsity"], 3) for row in told["what_if"]] == [0.2, 0.9]
    assert told["what_if"][1]["changed"] > told["what_if"][0]["changed"]
    for row in told["what_if"]:
        inner = json.loads((out / row["folder"] / "audit.json").read_text())
        assert inner["changed"] == row["changed"] and inner["n_examples"] == 797
        assert FILES | {"images.parquet"} == {path.name for path in (out / row["folder"]).iterdir()}
    assert {row["of"] for row in told["budgets"]} == {"magnitude 0.2", "magnitude 0.9"}
    broken = {row["of"] for row in told["budgets"] if row["verdict"] == "broken"}
    assert done.returncode == (1 if broken else 0)
    images = parquet.read_table(out / "images.parquet")
    assert images.column("png")[0].as_py().startswith(b"\x89PNG")
    assert told["embeddings"]["dims"][0] == told["embeddings"]["dims"][1]
    assert told["made_with"]["processor"] == processor()
    assert set(told["made_with"]["libraries"]) == {"numpy", "pyarrow", "torch"}
    again = run_piescope(
        "audit",
        model,
        "--data",
        "digits",
        "--compress",
        "magnitude:0.2,0.9",
        "--out",
        tmp_path / "again",
        "--max-flips",
        "5%",
    )
    assert again.returncode == done.returncode
    assert (tmp_path / "again" / "audit.json").read_bytes() == (out / "audit.json").read_bytes()


def test_two_models_of_a_study(tiny_run: Run, tmp_path: Path) -> None:
    one, two = sorted((tiny_run.out / "artefacts" / "train").iterdir())[:2]
    done = run_piescope("audit", one, two, "--data", "digits", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert told["n_examples"] == 797 and told["calibration"] is not None
    assert told["inputs"]["data"]["name"] == "digits"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dense.csv"], "name it, or have copies made: --compress"),
        (["dense.csv", "compressed.csv", "--compress", "magnitude:0.5"], "leave COMPRESSED out"),
        (["dense.csv", "--compress", "magnitude:0.5"], "a file of predictions"),
        (["dense.csv", "compressed.csv", "--max-flips", "2%"], "give them (--labels FILE)"),
        (["dense.csv", "compressed.csv", "--max-flips", "-1"], "--max-flips"),
        (["dense.csv", "nothing.csv"], "no such file"),
        (["dense.csv", "compressed.csv", "--values", "probs"], "did you mean 'probabilities'?"),
        (["dense.csv", "compressed.csv", "--size", "big"], "--size 224x192"),
        (["onnx:model.onnx", "compressed.csv"], "--data"),
        (["dense.csv", "compressed.csv", "--junit", "dense.csv/junit.xml"], "--junit"),
        (["net.py:build", "compressed.csv", "--data", "digits"], "--trust-code"),
        (["dense.csv", "compressed.csv", "--junit", "j.xml", "--suggest-budgets", "./j.xml"], "the file of --junit"),
        (
            ["dense.csv", "compressed.csv", "--budgets", "g.toml", "--suggest-budgets", "g.toml"],
            "the file of --budgets",
        ),
        (["dense.csv", "compressed.csv", "--suggest-budgets", "labels.csv"], "a file with something else in it"),
        (["dense.csv", "compressed.csv", "--suggest-budgets", "dense.csv/b.toml"], "a place that cannot be written to"),
        (["model.onnx", "--compress", "int8", "--suggest-budgets", "b.toml"], "audit the copy that you ship"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_writes_nothing(
    arguments: list[str], told: str, folder: Path, tmp_path: Path
) -> None:
    done = run_piescope("audit", *arguments, "--out", tmp_path / "out", cwd=folder)
    assert done.returncode == 2, done.stdout
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flag", ["--suggest-budgets", "--junit"])
@pytest.mark.parametrize(
    ("place", "told"), [("o/audit.json", "a file of the audit's own"), ("o", "the folder of --out")]
)
def test_no_other_file_takes_the_place_of_one_of_the_audit(
    flag: str, place: str, told: str, folder: Path, tmp_path: Path
) -> None:
    sides = "dense.csv", "compressed.csv"
    done = run_piescope("audit", *sides, flag, tmp_path / place, "--out", tmp_path / "o", cwd=folder)
    assert done.returncode == 2 and told in " ".join(done.stderr.split())
    assert not any(tmp_path.iterdir())


def test_an_audit_of_a_study_s_predictions_finds_the_study_s_pies(tiny_run: Run) -> None:
    from piescope.audits import audit
    from piescope.report.study.results import load_results

    results = load_results(tiny_run.out)
    assert results is not None
    for arm in results.pruned():
        dense = results.find(arm.objective, "dense", 0.0)
        assert dense is not None
        found = audit(dense.labels, arm.labels, labels=results.labels, values="labels")  # of weak models, as they come
        assert found["pies"] == arm.summary.pies
        assert found["accuracy"]["compressed"] == pytest.approx(arm.summary.accuracy_mean)
        assert found["accuracy"]["dense"] == pytest.approx(dense.summary.accuracy_mean)


def test_a_study_s_files_of_logits_are_read_as_they_lie(tiny_run: Run, tmp_path: Path) -> None:
    paths = sorted((tiny_run.out / "artefacts" / "predict").glob("*/predictions.safetensors"))
    half = len(paths) // 2
    done = run_piescope("audit", paths[0], paths[half], "--data", "digits", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert told["inputs"]["dense"]["values"] == "logits"
    assert told["accuracy"] is not None and (tmp_path / "out" / "images.parquet").is_file()


def test_a_terminal_without_the_signs_is_no_reason_to_end(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id,prediction,label\na,größer,größer\nb,猫,猫\n")
    (tmp_path / "c.csv").write_text("id,prediction\na,größer\nb,größer\n")
    done = run_piescope(
        "audit",
        "d.csv",
        "c.csv",
        "--equivalent-within",
        "2",
        "--out",
        "out",
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii"},
        new=True,
    )
    assert done.returncode == 1
    assert "+-2 points" in done.stdout and "Traceback" not in done.stderr
    assert "not within budget" in done.stderr


def test_the_package_is_the_command() -> None:
    done = run_program([sys.executable, "-m", "piescope", "--help"])
    assert done.returncode == 0 and "audit" in done.stdout


@pytest.mark.sampled(8, heavy=True)
def test_memory_does_not_grow_with_the_number_of_examples(tmp_path: Path) -> None:
    """Of labels and of scores, in files that are mapped: four times the examples, about the same peak."""
    peaks = {}
    for kind in ("labels", "scores"):
        for examples in (60_000, 240_000):
            random = np.random.default_rng(0)
            truth = random.integers(0, 10, examples).astype(np.uint8)
            told = "labels" if kind == "labels" else None  # random ones do not look like any
            shape = (8, examples) if kind == "labels" else (examples, 10)
            for side in ("dense", "compressed"):
                drawn = random.integers(0, 10, shape, np.uint8)
                as_npy(drawn if kind == "labels" else drawn.astype(np.float16) / 3, tmp_path / f"{side}.npy")
            as_npy(truth, tmp_path / "labels.npy")
            code = (
                "from piescope.audits import audit; from pathlib import Path\n"
                f"audit('dense.npy', 'compressed.npy', labels='labels.npy', out='out-{kind}-{examples}', values={told!r})\n"
                "print(int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024)"
            )
            done = run_python(code, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            peaks[kind, examples] = int(done.stdout)
    for kind in ("labels", "scores"):
        assert peaks[kind, 240_000] < peaks[kind, 60_000] + 50, peaks
        assert peaks[kind, 240_000] < 600, peaks
