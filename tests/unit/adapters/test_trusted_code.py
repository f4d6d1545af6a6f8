"""Code runs only where it is trusted."""

from __future__ import annotations

import sys
from pathlib import Path

from made_models import fault, photos
from piescope.adapters.opening import names_a_model, open_model


def test_code_runs_only_where_it_is_trusted(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    (tmp_path / "neighbour.py").write_text("CLASSES = 4\n")
    path = tmp_path / "net.py"
    path.write_text(
        "import torch, neighbour\n"
        f"open({str(mark)!r}, 'w')\n"
        "def build(): return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, neighbour.CLASSES))\n"
        "def plain(): return lambda pixels: pixels.reshape(len(pixels), -1)[:, :4].astype('float32')\n"
        "def wrong(): return 3\n"
        "def fails(): raise KeyError('weights')\n"
        "def leaves(): raise SystemExit(0)\n"
    )
    message = fault(f"{path}:build")
    assert "--trust-code" in message and not mark.exists()
    assert names_a_model(f"{path}:build")
    before = list(sys.path)
    outputs = open_model(f"{path}:build", trust_code=True).scores(photos(3))
    assert outputs.scores is not None and outputs.scores.shape == (3, 4) and mark.exists()
    assert open_model(f"{path}:plain", trust_code=True).scores(photos(3)).scores is not None
    assert "a int" in fault(f"{path}:wrong", trust_code=True)
    assert "line 6" in fault(f"{path}:fails", trust_code=True)
    assert "SystemExit" in fault(f"{path}:leaves", trust_code=True)
    assert "one of: build" in fault(f"{path}:bild", trust_code=True)
    assert "no such file" in fault(f"{tmp_path / 'none.py'}:build", trust_code=True)
    assert sys.path == before and "neighbour" not in sys.modules


def test_two_files_with_neighbours_of_one_name(tmp_path: Path) -> None:
    """dense/net.py and pruned/net.py each import their own layers.py."""
    for folder, classes in (("dense", 3), ("pruned", 5)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "layers_of_it.py").write_text(f"CLASSES = {classes}\n")
        (tmp_path / folder / "net.py").write_text(
            "from layers_of_it import CLASSES\nimport numpy as np\ndef build(): return lambda pixels: np.zeros((len(pixels), CLASSES))\n"
        )
    for folder, classes in (("dense", 3), ("pruned", 5)):
        scores = open_model(f"{tmp_path / folder / 'net.py'}:build", trust_code=True).scores(photos(2)).scores
        assert scores is not None and scores.shape == (2, classes)
