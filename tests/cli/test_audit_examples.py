"""The examples of audits run as a user would run them, and their pages show what they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import run_program

ROOT = Path(__file__).parents[2]
WRITTEN = ("audit.json", "audit.md", "examples.parquet", "report.html")


def run_example(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, ROOT / "examples" / name, *map(str, arguments)]
    return run_program(program, env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"})


def commands(text: str) -> list[str]:
    return re.findall(r"^\s*\$ (piescope audit .*)$", text, re.MULTILINE)


def exit_codes(printed: str) -> list[int]:
    return [int(code) for code in re.findall(r"^exit code (\d+)$", printed, re.MULTILINE)]


def answers(folder: Path) -> dict[str, Any]:
    for name in WRITTEN:
        assert (folder / name).is_file(), f"{folder.name}/{name}"
    return dict(json.loads((folder / "audit.json").read_bytes()))


def verdicts(content: dict[str, Any]) -> dict[str, str]:
    return {row["budget"]: row["verdict"] for row in content["budgets"]}


@pytest.mark.sampled(8, heavy=True)
def test_networks_of_another_library_are_audited_through_files(tmp_path: Path) -> None:
    done = run_example("audit_files.py", tmp_path, "--seeds", "4")
    assert done.returncode == 0, done.stderr
    assert commands(done.stdout) == commands((ROOT / "docs" / "audit-files.md").read_text(encoding="utf-8"))
    codes = exit_codes(done.stdout)
    assert len(codes) == 5 and set(codes) <= {0, 1}, done.stdout

    pruned = answers(tmp_path / "audit-pruned")
    assert codes[0] == 1  # what the page says: seven of ten weights are too many
    assert verdicts(pruned) == {"max_flips": "broken", "max_class_drop": "broken"}
    assert pruned["n_examples"] == 900
    assert pruned["inputs"]["matched_by"] == "id"
    assert {row["class"] for row in pruned["classes"]} >= {"zero", "nine"}
    assert {row["value"] for row in pruned["groups"]} == {"little", "some", "much"}
    assert pruned["calibration"]["compressed"]["ece"] > pruned["calibration"]["dense"]["ece"]
    page = (tmp_path / "audit-pruned" / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") >= 10  # the digits themselves

    rounded = answers(tmp_path / "audit-int8")
    assert codes[1] == 0
    assert rounded["changed"] <= 5 < 20 < pruned["changed"]  # and 8 bits are enough
    assert verdicts(rounded) == {"max_flips": "kept", "max_class_drop": "undecided"}
    assert answers(tmp_path / "audit-strict")["changed"] == rounded["changed"]

    for share in (50, 70):
        many = answers(tmp_path / f"audit-many-{share}")
        assert many["is_population"]
        assert many["inputs"]["dense"]["n_models"] == many["inputs"]["compressed"]["n_models"] == 4
        assert many["noise"]["group_sizes"] == [2, 2]
        assert many["confirmed"]["pies"] is not None or many["confirmed"]["why_not"]
    halved, mostly = (answers(tmp_path / f"audit-many-{share}") for share in (50, 70))
    assert mostly["accuracy"]["change"] < halved["accuracy"]["change"] < 0
    assert mostly["noise"]["floor"] == halved["noise"]["floor"]  # of the same dense networks
    assert mostly["noise"]["excess"] > halved["noise"]["excess"]


@pytest.mark.sampled(8, heavy=True)
def test_an_exported_network_is_audited_against_its_int8_copies(tmp_path: Path) -> None:
    for needed in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(needed)
    done = run_example("audit_onnx.py", tmp_path)
    assert done.returncode == 0, done.stderr
    shown = commands((ROOT / "docs" / "audit-onnx.md").read_text(encoding="utf-8"))
    plain = [re.sub(r" --data cifar10 --data-dir \S+", " --data digits", command) for command in shown]
    assert commands(done.stdout) == plain
    codes = exit_codes(done.stdout)
    assert len(codes) == 4 and set(codes) <= {0, 1}, done.stdout
    made = ("tensor-32", "tensor-512", "channel-32")
    sizes = {name: (tmp_path / f"{name}.onnx").stat().st_size for name in ("dense", *made)}
    assert all(10_000 < sizes[name] < sizes["dense"] / 2 for name in made), sizes

    copies = {name: answers(tmp_path / f"audit-{name}") for name in made}
    for name, content in copies.items():
        assert content["n_examples"] == 797
        assert content["inputs"]["compressed"]["name"] == f"onnx:{name}.onnx"
        assert set(verdicts(content)) == {"equivalent_within", "max_flips", "max_class_drop"}
        assert content["accuracy"]["dense"] > 90  # it has learned something that can be lost
        assert content["calibration"] is not None
    assert len({content["accuracy"]["dense"] for content in copies.values()}) == 1
    assert abs(copies["channel-32"]["accuracy"]["change"]) < 2
    itself = answers(tmp_path / "audit-itself")
    assert [row["name"] for row in itself["what_if"]] == ["int8"]
    assert abs(itself["accuracy"]["change"]) < 2


@pytest.mark.parametrize("page", ["audit-files.md", "audit-onnx.md"])
def test_what_the_pages_of_audits_show_is_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if not link.startswith("http")]
    assert any(link.endswith(".png") for link in links)
    for link in links:
        assert (ROOT / "docs" / link).exists(), link
        assert not link.endswith(".png") or (ROOT / "docs" / link).stat().st_size < 300_000, link
    assert not re.findall(r"TODO|TBD|@[A-Z]+@", text)
