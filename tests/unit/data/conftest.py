"""What tests of data share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from made_pictures import picture, png


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Two classes, sizes that differ, one grey picture."""
    held = {
        "cat/a.png": picture(6, 5),
        "cat/b.png": picture(9, 7),
        "dog/c.png": picture(4, 4, channels=1),
    }
    root = tmp_path / "photos"
    for name, each in held.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(each))
    return root, held


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests decode is kept among their own files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIESCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
