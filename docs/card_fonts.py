"""Makes the fonts of card.png: the letters of DejaVu Sans (it comes with matplotlib) that Europe writes with.

python docs/card_fonts.py      writes src/piescope/report/layout/fonts/
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
from fontTools import subset

FONTS = Path(__file__).parents[1] / "src" / "piescope" / "report" / "layout" / "fonts"
LETTERS = (
    "U+0020-024F,U+0300-0304,U+0370-03FF,U+0400-045F,U+2010-2027,U+2030-203A,"
    "U+2070-2094,U+2190-2193,U+2208,U+2212,U+2248,U+2260-2265,U+25A1"
)
WEIGHTS = {"regular.ttf": "DejaVuSans.ttf", "bold.ttf": "DejaVuSans-Bold.ttf"}

if __name__ == "__main__":
    source = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    FONTS.mkdir(exist_ok=True)
    for name, whole in WEIGHTS.items():
        options = [f"--unicodes={LETTERS}", "--no-hinting", "--layout-features=kern", f"--output-file={FONTS / name}"]
        subset.main([str(source / whole), *options])
        sys.stdout.write(f"{name}: {(FONTS / name).stat().st_size:,} bytes\n")
    (FONTS / "LICENSE").write_bytes((source / "LICENSE_DEJAVU").read_bytes())
