"""What others rely on: names, files, columns, and what is never loaded."""

from __future__ import annotations

import builtins
import csv
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import piescope
from conftest import SMALL, TINY, Run, at_most, run_piescope, run_python

ROOT = Path(__file__).parents[2]

SIGNATURES = {
    "modal_label": "(predictions, num_classes, ties='smallest')",
    "pie_mask": "(dense, pruned, num_classes)",
    "q_score": "(representations)",
    "prediction_depth": "(knn_labels, target, convention='baldock')",
    "knn_labels": "(bank, bank_labels, queries, k=30)",
    "supcon_loss": "(projections, labels, temperature, base_temperature=None)",
    "gradual_sparsity": "(step, begin, end, final, initial=0.0)",
    "magnitude_masks": "(parameters, sparsity, scope='global')",
}


@pytest.mark.parametrize(("name", "signature"), SIGNATURES.items())
def test_public_signatures(name: str, signature: str) -> None:
    found = inspect.signature(getattr(piescope, name))
    bare = found.replace(
        parameters=[p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    assert str(bare) == signature


def test_every_public_name_is_documented_with_an_example_and_listed_in_the_docs() -> None:
    listed = (ROOT / "docs" / "api.md").read_text()
    for name in piescope.__all__:
        if name == "__version__":
            continue
        documentation = inspect.getdoc(getattr(piescope, name)) or ""
        assert ">>>" in documentation, f"{name} has no example"
        assert f"`{name}" in listed, f"{name} is not in docs/api.md"
    told = set(re.findall(r"^### `(\w+)", listed, flags=re.MULTILINE))
    assert told == set(piescope.__all__) - {"__version__"}


def test_every_annotation_of_the_package_resolves() -> None:
    """A shape that lost its quotes is a name that does not exist; a linter cannot tell, this can."""
    checked = 0
    for module in pkgutil.walk_packages(piescope.__path__, "piescope."):
        loaded = importlib.import_module(module.name)
        for name, thing in vars(loaded).items():
            if getattr(thing, "__module__", None) != module.name or not callable(thing):
                continue
            places = [thing, *vars(thing).values()] if inspect.isclass(thing) else [thing]
            for place in places:
                function = getattr(place, "fget", getattr(place, "func", place))
                if function is not thing and not inspect.isfunction(function):
                    continue
                for annotation in getattr(function, "__annotations__", {}).values():
                    for unquoted in re.findall(r"\[[\w.]+, (?!['\"])([a-z]\w*)[\w *]*\]", str(annotation)):
                        assert hasattr(builtins, unquoted) or hasattr(loaded, unquoted), (module.name, name, annotation)
                    checked += 1
    assert checked > 200


def test_importing_piescope_loads_neither_torch_nor_numpy() -> None:
    done = run_python("import sys, piescope; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


def test_measures_load_no_torch() -> None:
    names = "modal_label, pie_mask, q_score, prediction_depth, knn_labels, umap_projection"
    done = run_python(f"import sys; from piescope import {names}; print('torch' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_help_and_refusals_need_next_to_nothing(tmp_path: Path) -> None:
    """Seconds of a processor, with room for a slow one; benchmarks/commands.py has a clock's."""
    with at_most(2):
        assert run_piescope("--help", new=True).returncode == 0
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(TINY.read_text().replace("sparsities =", "sparsitys ="))
    with at_most(6):
        assert run_piescope("run", wrong, "--out", tmp_path / "out", new=True).returncode == 2


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['piescope', '--help']\nfrom piescope.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        "heavy = [m for m in ('torch', 'numpy', 'pydantic', 'pyarrow', 'matplotlib') if m in sys.modules]\n"
        "print('HEAVY', heavy, code)"
    )
    done = run_python(code)
    assert "HEAVY [] 0" in done.stdout, done.stdout + done.stderr
    for command in ("run", "plan", "status", "report", "studies"):
        assert command in done.stdout


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "DIR"],
        ["status", "DIR"],
        ["run", "STUDY", "--out", "DIR"],
        ["plan", "STUDY", "--tune", "off", "--out", "DIR"],
        ["plan", "digits", "--tune", "off"],
        ["studies"],
    ],
)
def test_commands_that_only_read_never_load_torch(small_run: Run, tmp_path: Path, arguments: list[str]) -> None:
    """A finished study is reported, looked at and run again on a machine whose torch cannot be loaded."""
    out = small_run.copy(tmp_path / "copy")
    (tmp_path / "torch.py").write_text("raise ImportError('torch must not be loaded here')\n")
    filled = [{"DIR": str(out), "STUDY": str(SMALL)}.get(argument, argument) for argument in arguments]
    done = run_piescope(*filled, env={"PYTHONPATH": str(tmp_path)}, new=True)
    assert done.returncode == 0, done.stderr


COLUMNS = {
    "pies": "objective,pruning,sparsity,n_models,pies,ties,accuracy_mean,accuracy_std",
    "q_score": "objective,pruning,sparsity,q_mean,q_std,z_mean,z_std,l1_mean,l1_std,error_auroc",
    "prediction_depth": "objective,pruning,sparsity,pie_mean,pie_std,non_pie_mean,non_pie_std",
    "class_distribution": "objective,pruning,sparsity,class,pies,shared_pies",
}


def test_all_result_files_are_there(tiny_run: Run) -> None:
    for name in ("study.toml", "report.html", "results/examples.parquet"):
        assert (tiny_run.out / name).stat().st_size > 0
    for name, columns in COLUMNS.items():
        head = (tiny_run.out / "results" / "tables" / f"{name}.csv").read_text().splitlines()[0]
        assert head.startswith(columns)
        written = (tiny_run.out / "results" / "tables" / f"{name}.tex").read_text()
        assert written.startswith("% \\usepackage{booktabs,graphicx}\n\\begin{table}")
    for number in range(1, 8):
        figure = tiny_run.out / "results" / "figures" / f"figure-{number}"
        assert figure.with_suffix(".svg").read_bytes().startswith(b"<?xml")
        assert len(figure.with_suffix(".csv").read_text().splitlines()) > 1  # drawn from numbers


def test_examples_parquet(tiny_run: Run) -> None:
    table = parquet.read_table(tiny_run.out / "results" / "examples.parquet")
    assert table.column_names[:10] == [
        "objective", "pruning", "sparsity", "example_id", "label", "dense_label", "pruned_label", "is_pie",
        "is_rescued", "dense_tie",
    ]  # fmt: skip
    assert {"dense_q", "pruned_q", "dense_depth", "pruned_depth"} <= set(table.column_names)
    with (tiny_run.out / "results" / "tables" / "pies.csv").open() as file:
        arms = list(csv.DictReader(file))
    assert table.num_rows == 797 * len(arms)
    rows = table.to_pylist()
    for arm in arms:
        mine = [
            row for row in rows
            if (row["objective"], row["pruning"], row["sparsity"]) == (arm["objective"], arm["pruning"], float(arm["sparsity"]))
        ]  # fmt: skip
        assert len({row["example_id"] for row in mine}) == 797
        assert sum(row["is_pie"] for row in mine) == int(arm["pies"])
        assert all(row["is_pie"] == (row["dense_label"] != row["pruned_label"]) for row in mine)
        assert 0 <= float(arm["accuracy_mean"]) <= 100
        assert sum(100 * row["pruned_correct"] for row in mine) / 797 == pytest.approx(float(arm["accuracy_mean"]))


def test_realised_sparsity_is_within_one_weight(tiny_run: Run) -> None:
    with (tiny_run.out / "results" / "tables" / "sparsity.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert all(float(row["largest_deviation"]) < 1 for row in rows)


def test_a_second_run_does_nothing_and_says_so(tiny_run: Run, tmp_path: Path) -> None:
    out = tiny_run.copy(tmp_path / "copy")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    with at_most(30):
        done = run_piescope("run", TINY, "--out", out)
    assert done.returncode == 0
    assert "75 done, 0 to run" in done.stdout
    assert {path.name for path, stamp in before.items() if path.stat().st_mtime_ns != stamp} <= {"run.lock"}
