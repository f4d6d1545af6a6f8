"""examples/notebook.ipynb runs from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import HANG, Run

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


def shown(cell: Any) -> dict[str, str]:
    """What a cell's last line is shown as, by kind."""
    (output,) = [output for output in cell.outputs if output.output_type == "execute_result"]
    return dict(output.data)


@pytest.mark.sampled(8, heavy=True)
def test_the_notebook_runs_and_shows_what_it_says(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_run.copy(tmp_path / "runs" / "digits")
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=HANG, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # a cell that fails is raised
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(
        output.output_type == "execute_result" for cell in codes for output in cell.outputs
    )  # nothing is printed
    run, curve, pies, classes, audit, bars, page = map(shown, codes)
    assert run["text/plain"] == "StudyRun('small': 4 arms, 2 models each, 100 examples, complete)"
    assert audit["text/plain"].startswith("Audit('compressed' against 'dense': 100 examples, ")
    assert page["text/plain"] == "ShownPage('runs/digits/report.html')"
    for frame in (run, audit, page):
        assert frame["text/html"].startswith("<iframe srcdoc=")
    for figure in (curve, bars):
        assert "image/png" in figure
    for table in (pies, classes):
        assert "<table" in table["text/html"] and "supcon" in table["text/plain"]


def test_it_is_kept_without_what_it_once_showed() -> None:
    """Numbers depend on the processor, and what stands in a file cannot be told from what is true."""
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
