"""A look at a data set before there is a study of it: what it holds, and the table that a study needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tomli_w

from piescope.data.dataset import Splits, blocks
from piescope.data.locate import OnBytes
from piescope.data.sources import SOURCES, Facts, load_source, own_folder


@dataclass(frozen=True)
class Seen:
    """A data set as it was found.

    Attributes:
        name: of the source.
        splits: the data.
    """

    name: str
    splits: Splits

    def lines(self) -> list[str]:
        """What there is to say, ending with the table [data] of a study."""
        train, test = self.splits.train, self.splits.test
        counts = [np.bincount(half.labels, minlength=half.num_classes) for half in (train, test)]
        names = ", ".join(train.class_names[:10]) + (" ..." if train.num_classes > 10 else "")
        shape = "x".join(map(str, train.image_shape))
        return [
            f"{self.name}: {len(train):,} training and {len(test):,} test images, {shape} (channels, height, width)",
            f"classes      {train.num_classes}: {names}",
            f"per class    {counts[0].min()} to {counts[0].max()} training, "
            f"{counts[1].min()} to {counts[1].max()} test",
            f"duplicates   {self.splits.duplicates()} test images stand in the training images too, pixel for pixel",
            f"fingerprint  {self.splits.fingerprint()}",
            *(f"warning: {warning}" for warning in self.warnings(counts)),
            "",
            "for a study:",
            *tomli_w.dumps({"data": self.table()}).splitlines(),
        ]

    def warnings(self, counts: list[np.ndarray]) -> list[str]:
        """What a study would stumble over, or its author not expect."""
        warnings = []
        empty = [name for name, many in zip(self.splits.train.class_names, counts[0], strict=True) if many == 0]
        if empty:
            warnings.append(f"{len(empty)} classes have no training image: {', '.join(empty[:5])}")
        images = self.splits.train.images
        if any(np.ptp(images[:, channel]) == 0 for channel in range(images.shape[1])):
            warnings.append("a channel is the same everywhere: its std is 0, which no study can divide by")
        if self.name == "image_folder":
            side = self.splits.train.image_shape[1]
            warnings.append(
                f"pictures of any other size are brought to {side}x{side}, the shorter side of the smallest"
            )
        return warnings

    def table(self) -> dict[str, object]:
        """The table [data]: source, normalisation of the training images, and what a user's own data hold."""
        images = self.splits.train.images
        counts = np.zeros((images.shape[1], 256), np.int64)
        for block in blocks(images):
            counts += [np.bincount(block[:, channel].ravel(), minlength=256) for channel in range(len(counts))]
        shares = counts / counts.sum(1, keepdims=True)
        levels = np.arange(256) / 255
        mean = shares @ levels
        std = np.sqrt(shares @ levels**2 - mean**2)
        table: dict[str, object] = {
            "source": self.name,
            "normalisation": {
                "mean": [round(float(value), 4) for value in mean],
                "std": [round(float(value), 4) for value in std],
            },
        }
        if SOURCES[self.name].facts is None:
            table["holds"] = asdict(Facts.of(self.splits))
        return table


def look_at(name: str, where: Path | None, on_bytes: OnBytes | None = None) -> Seen:
    """Finds, loads and checks a data set.

    Raises:
        DataError: missing or damaged.
    """
    look = SOURCES[name].look
    whole = None if look is None else look(own_folder(name, where))
    return Seen(name, load_source(name, where, whole, on_bytes=on_bytes))
