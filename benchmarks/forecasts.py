"""What `piescope plan` foretells of studies, and what their runs take, in turn.

    python benchmarks/forecasts.py [STUDY ...] [--rounds 1]

Without a STUDY: digits, and two small ones of made images of 16 x 16: a supervised one with depths, and a contrastive
one with a map. Paces are measured anew in each round. Seconds of processors say how good the paces are also where
other work shares the machine; those of the wall clock need an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HEAD = """
title = "Made images"
seed = 0
[data]
source = "arrays"
normalisation = { mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }
holds = { train_examples = 2000, test_examples = 1000, image_shape = [3, 16, 16], num_classes = 10 }
"""

SUPERVISED = """
name = "supervised"
replicates = 4
sparsities = [0.5, 0.9]
HEAD
[model]
depth = 16
width = 1
[arms]
supervised = ["dense", "gmp", "one_shot"]
[training.supervised]
epochs = 4
batch_size = 128
learning_rate = 0.05
augmentation = { pad_and_crop = 2, horizontal_flip = 0.5 }
[pruning.gmp]
kind = "gradual"
supervised = { begin = 10, end = 40, frequency = 5 }
[pruning.one_shot]
kind = "one_shot"
finetune = { epochs = 2, batch_size = 128, learning_rate = 0.01 }
[measures.prediction_depth]
models = 2
"""

CONTRASTIVE = """
name = "contrastive"
replicates = 3
sparsities = [0.9]
HEAD
[model]
depth = 10
width = 2
[arms]
supcon = ["dense", "gmp"]
[training.supcon]
temperature = 0.1
head = { epochs = 4, batch_size = 128, learning_rate = 1.0 }
[training.supcon.encoder]
epochs = 4
batch_size = 256
learning_rate = 0.05
[training.supcon.encoder.augmentation]
resized_crop = [0.5, 1.0]
horizontal_flip = 0.5
color_jitter = { brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1, probability = 0.8 }
grayscale = 0.2
[pruning.gmp]
kind = "gradual"
encoder = { begin = 5, end = 20, frequency = 5 }
head = { begin = 5, end = 20, frequency = 5 }
[measures.projection]
sparsities = [0.9]
"""


def made_studies(folder: Path) -> list[str]:
    """Two studies of images of ten blurred classes, and their data."""
    draws = np.random.default_rng(1)
    classes = draws.normal(size=(10, 3, 16, 16))
    for half, count in (("train", 2000), ("test", 1000)):
        labels = np.arange(count) % 10
        images = 128 + 25 * classes[labels] + 60 * draws.normal(size=(count, 3, 16, 16))
        np.savez(folder / f"{half}.npz", images=images.clip(0, 255).astype(np.uint8), labels=labels)
    paths = []
    for name, text in (("supervised", SUPERVISED), ("contrastive", CONTRASTIVE)):
        paths.append(folder / f"{name}.toml")
        paths[-1].write_text(text.replace("HEAD", HEAD))
    return [str(path) for path in paths]


def foretold_and_taken(study: str, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of the wall clock and of processors, as `plan` foretells them and as `run` takes them."""
    command = [str(Path(sys.executable).with_name("piescope"))]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        kept = {**os.environ, "PIESCOPE_CACHE": f"{place}/cache", "PIESCOPE_DATA": str(folder)}
        planned = subprocess.run([*command, "plan", study, "--json"], env=kept, check=True, stdout=subprocess.PIPE)
        foretold = json.loads(planned.stdout)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        run = [*command, "run", study, "--out", f"{place}/out"]
        subprocess.run(run, env=kept, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return foretold, {"seconds": time.perf_counter() - began, "processor_seconds": computed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for study in given.studies or ["digits", *made_studies(Path(folder))]:
            for _ in range(given.rounds):
                foretold, taken = foretold_and_taken(study, Path(folder))
                for what, seconds in taken.items():
                    ratio = foretold[what] / seconds
                    told = f"{what} {seconds:.1f}, foretold {foretold[what]:.1f}: {ratio:.2f}"
                    print(f"{Path(study).stem}: {told}", flush=True)


if __name__ == "__main__":
    main()
