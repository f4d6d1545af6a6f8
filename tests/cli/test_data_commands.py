"""Data sets and recipes from the command line, as their users meet them; a study of the real CIFAR-10, end to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from conftest import at_most, run_piescope

NO_PLACES = {"PIESCOPE_DATA": "", "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}

SHORT = """
replicates = 2
sparsities = [0.5, 0.9]

[training.supervised]
epochs = 1
[training.supcon.encoder]
epochs = 1
[training.supcon.head]
epochs = 1
[pruning.gmp]
supervised = { begin = 1, end = 3, frequency = 1 }
encoder = { begin = 1, end = 2, frequency = 1 }
head = { begin = 1, end = 2, frequency = 1 }
[pruning.delayed_gmp]
encoder = { begin = 2, end = 3, frequency = 1 }
head = { begin = 1, end = 2, frequency = 1 }
[pruning.one_shot.finetune]
epochs = 1
[measures.prediction_depth]
models = 1
k = 5
"""


def test_recipes_list_show_and_differ() -> None:
    listed = run_piescope("recipes").stdout
    assert all(name in listed for name in ("paper", "reference-code", "modern"))
    assert "training.supervised.epochs" in run_piescope("recipes", "paper").stdout
    wide = {"COLUMNS": "200"}
    told = run_piescope("recipes", "paper", "reference_code", env=wide).stdout
    for part in ("vertical_flip", "0.0 (text)", "0.5 (code)", "17 values differ", "P3: The code prunes at multiples"):
        assert part in told
    found = json.loads(run_piescope("recipes", "paper", "modern", "--json").stdout)
    assert {"id", "key", "values", "origins", "why"} == set(found[0])
    wrong = run_piescope("recipes", "papr")
    assert wrong.returncode == 2
    assert "did you mean 'paper'?" in wrong.stderr


def test_data_lists_and_looks() -> None:
    assert "cifar100" in run_piescope("data").stdout
    told = run_piescope("data", "digits").stdout
    assert "1,000 training and 797 test images" in told
    assert "[data.normalisation]" in told
    wrong = run_piescope("data", "cifar")
    assert wrong.returncode == 2
    assert "did you mean 'cifar10" in wrong.stderr


def test_missing_data_end_with_2_in_seconds_and_nothing_is_written(tmp_path: Path) -> None:
    places = {**NO_PLACES, "PIESCOPE_CACHE": str(tmp_path / "cache")}
    with at_most(30):
        done = run_piescope("run", "cifar10-small", "--out", tmp_path / "out", env=places)
    assert done.returncode == 2, done.stderr
    assert str(tmp_path / "cache" / "cifar-10-binary.tar.gz") in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run_piescope("run", "cifar10-small", "--out", tmp_path / "out", "--data-dir", empty)
    assert done.returncode == 2
    assert "none of its files" in done.stderr
    assert not (tmp_path / "out").exists()


def arrays(root: Path, size: int = 8, classes: int = 2) -> Path:
    random = np.random.default_rng(0)
    root.mkdir()
    for half, count in (("train", 40), ("test", 20)):
        labels = np.arange(count) % classes
        images = random.integers(0, 100, (count, 1, size, size), dtype=np.uint8) + (labels * 100)[
            :, None, None, None
        ].astype(np.uint8)
        np.savez(root / f"{half}.npz", images=images, labels=labels)
    return root


def mine(tmp_path: Path, size: int = 8) -> Path:
    study = tmp_path / "mine.toml"
    short = SHORT.replace("[pruning.gmp]", "[training.supervised.augmentation]\npad_and_crop = 1\n[pruning.gmp]")
    study.write_text(
        f"""extends = "digits"
name = "mine"
unset = ["measures.projection", "arms.supcon", "data.normalisation"]
{short}
[data]
source = "arrays"
normalisation = {{ mean = [0.4], std = [0.25] }}
holds = {{ train_examples = 40, test_examples = 20, image_shape = [1, {size}, {size}], num_classes = 2 }}
""".replace("epochs = 1\n", "epochs = 4\nbatch_size = 10\n", 1)
    )
    return study


@pytest.mark.sampled(8, heavy=True)
def test_ones_own_arrays_end_to_end_with_a_warning_of_duplicates(tmp_path: Path) -> None:
    root = arrays(tmp_path / "data")
    with np.load(root / "train.npz") as train, np.load(root / "test.npz") as test:
        images, labels = np.concatenate([test["images"][:-2], train["images"][:2]]), test["labels"]
    np.savez(root / "test.npz", images=images, labels=labels)
    done = run_piescope("run", mine(tmp_path), "--out", tmp_path / "out", "--data-dir", root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning: 2 of 20 test images stand in the training images too" in done.stdout
    table = parquet.read_table(tmp_path / "out" / "results" / "examples.parquet")
    assert set(table["example_id"].to_pylist()) == {f"test-{index:06d}" for index in range(20)}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "2 of the test images stand in the training images too" in page
    again = run_piescope("run", mine(tmp_path), "--out", tmp_path / "out", env={"PIESCOPE_DATA": ""})
    assert again.returncode == 0  # what is done needs no data
    assert "0 to run" in again.stdout
    said = sorted((tmp_path / "out" / "artefacts" / "predict").glob("*/predictions.safetensors"))[1]
    whole = said.read_bytes()
    said.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    mended = run_piescope(
        "run", mine(tmp_path), "--out", tmp_path / "out", "--data-dir", root, env={"PIESCOPE_DATA": ""}
    )
    assert mended.returncode == 0, mended.stdout + mended.stderr  # what a run finds damaged needs the data after all
    assert "set aside" in mended.stdout and said.read_bytes() == whole


def test_a_study_of_32x32_given_8x8(tmp_path: Path) -> None:
    root = arrays(tmp_path / "data", size=8)
    done = run_piescope("run", mine(tmp_path, size=32), "--out", tmp_path / "out", "--data-dir", root)
    assert done.returncode == 2
    assert "uint8 [40, 1, 8, 8]" in done.stderr
    assert "[examples, 1, 32, 32]" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def cifar_run(cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper's recipe on a crumb of the real CIFAR-10."""
    folder = tmp_path_factory.mktemp("cifar")
    study = folder / "crumb.toml"
    study.write_text(
        'extends = "cifar10-small"\nname = "crumb"\nunset = ["measures.projection"]\n'
        + SHORT
        + "[data]\ntrain_examples = 300\ntest_examples = 200\nimage_size = 8\n"
    )
    done = run_piescope("run", study, "--out", folder / "out", "--data-dir", cifar10)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def test_the_real_cifar10_end_to_end(cifar_run: Path) -> None:
    table = parquet.read_table(cifar_run / "results" / "examples.parquet")
    assert table.num_rows == 22 * 200  # 12 studied arms and 10 controls
    labels = {row["example_id"]: row["label"] for row in table.to_pylist()}
    assert np.bincount(list(labels.values())).tolist() == [20] * 10
    assert all(name.startswith("cifar10-test-") for name in labels)
    with (cifar_run / "results" / "tables" / "claims.csv").open() as file:
        claims = {row["claim"]: row["verdict"] for row in csv.DictReader(file) if row["comparison"] == "overall"}
    assert list(claims) == [f"C{number}" for number in range(1, 16)]
    assert set(claims.values()) <= {"supported", "contradicted", "confounded", "undecided at this scale"}
    with (cifar_run / "results" / "tables" / "published.csv").open() as file:
        rows = list(csv.DictReader(file))
    accuracy = next(row for row in rows if (row["table"], row["pruning"], row["sparsity"]) == ("1", "dense", "0.0"))
    assert accuracy["paper"] == "90.58"
    assert float(accuracy["difference"]) < -40


def test_the_report_names_recipe_departures_and_scale(cifar_run: Path) -> None:
    page = (cifar_run / "report.html").read_text()
    for part in (
        "paper: The text of Corti et al. 2022", "Departures from the paper", "training.supervised.learning_rate",
        "training images: 300 instead of 50,000", "network: WRN-10-1 instead of WRN-16-2", "Does the paper hold here?",
    ):  # fmt: skip
        assert part in page, part
