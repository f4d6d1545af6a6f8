"""Every colour of pages and figures, on white and on dark ground, told apart by colour-blind readers, too."""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """One colour: on light ground, which figures always have, and on a dark page."""

    light: str
    dark: str

    def tint(self, share: float) -> str:
        """The light one, mixed with white: ``share`` of it is left.

        Example:
            >>> Colour("#000000", "#FFFFFF").tint(0.2)
            '#CCCCCC'
        """
        parts = (int(self.light[at : at + 2], 16) for at in (1, 3, 5))
        return "#" + "".join(f"{round(255 - share * (255 - part)):02X}" for part in parts)


PAPER = Colour("#FFFFFF", "#121519")
INK = Colour("#16191D", "#E8EAED")
SOFT = Colour("#59626D", "#A5AEB8")
LINE = Colour("#DFE3E8", "#2D343C")
SEEDS = Colour("#C9CDD3", "#4A515A")
"""What seeds alone would do: the band below the curves, the part of a bar."""

KINDS = {
    "lost": Colour("#D55E00", "#F0803C"),
    "won back": Colour("#00845F", "#35D68C"),
    "moved": Colour("#8A9098", "#8B949E"),
}
"""What happened to an example: right, then wrong; wrong, then right; wrong, then otherwise wrong."""

HUES = (Colour("#0B74D1", "#4C95F5"), Colour("#7E2A78", "#F0A5EA"), INK)
"""Of arms, by objective."""

OBJECTIVES = {"supervised": HUES[0], "supcon": HUES[1], "simclr": HUES[2]}

DASHES = ((), (5.0, 2.0), (1.2, 1.6), (5.0, 1.6, 1.2, 1.6), (9.0, 2.0))
"""Of arms, by pruning: lengths of dashes and gaps in widths of the line; none: it is solid."""

CLASSES = ("#3F90DA", "#FFA90E", "#BD1F01", "#94A4A2", "#832DB6", "#A96B59", "#E76300", "#B9AC70", "#717581", "#92DADD")
"""Petroff 2021, ten colours chosen for colour-blind readers, https://arxiv.org/abs/2107.02270."""

PALE = 0.38
"""How strong a figure draws what is not beyond chance; `page.css` has the same."""
