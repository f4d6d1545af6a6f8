"""Prediction depth of one model, as a step of a study does it, beside what one would write instead.

WRN-16-2, 16 probes, CIFAR-10's sizes. Two parts, each in turn on one thread, in seconds of the processor: what the network
holds of all images (instead: passes of 512 images), and the kNN's labels at each probe (instead: scikit-learn's
KNeighborsClassifier). Points of the kNN are made: classes in a cloud whose spread falls from axis to axis, as at a
trained network's probes. By default a part of everything, so that it takes a minute; `--full` is the whole of it.

    python benchmarks/depth.py [--rounds 3] [--full]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from piescope.models.probes import probe
from piescope.models.wide_resnet import WideResNet
from piescope.seeds import Seeds
from piescope.study.parse import load_study
from piescope.training.nearest import knn_labels_on
from piescope.training.predict import probe_all
from rows import Row, command, ratios

K = 30


def timed(way: Callable[[], list[np.ndarray]]) -> tuple[float, list[np.ndarray]]:
    began = time.process_time()
    made = way()
    return time.process_time() - began, made


def points(examples: int, dims: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, examples)
    centres = np.random.default_rng(dims).normal(size=(10, dims)) * 0.8
    spread = np.linspace(1, 0.1, dims) ** 2
    return ((random.normal(size=(examples, dims)) + centres[labels]) * spread).astype(np.float32), labels


def measured(given: argparse.Namespace) -> Iterator[Row]:
    images_shown, bank_size, asked_size = (60_000, 50_000, 10_000) if given.full else given.sizes
    torch.set_num_threads(1)
    study = load_study("cifar10-short")
    names, normalisation = study.probe_points(), study.data.normalisation
    net = WideResNet(16, 2, 10, 3, Seeds(0, 0).torch("weights")).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    images = torch.randint(0, 256, (images_shown, 3, 32, 32), dtype=torch.uint8)
    dims = [held.shape[1] for held in probe_all(net, images[:1], normalisation, names)]

    def plain_probes() -> list[np.ndarray]:
        with torch.no_grad():
            passes = [probe(net, normalisation.apply(batch), names) for batch in images.split(512)]
        return [torch.cat(parts).numpy() for parts in zip(*passes, strict=True)]

    banks, queries = ([points(size, d, seed) for d in dims] for size, seed in ((bank_size, 0), (asked_size, 1)))

    def labelled(way: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> list[np.ndarray]:
        return [way(bank, labels, asked) for (bank, labels), (asked, _) in zip(banks, queries, strict=True)]

    parts: dict[str, tuple[float | None, Callable[[], list[np.ndarray]], Callable[[], list[np.ndarray]]]] = {
        f"probes of {images_shown:,} images": (
            None,
            lambda: probe_all(net, images, normalisation, names),
            plain_probes,
        ),
        f"kNN, {bank_size:,} x {asked_size:,} points at {len(dims)} probes": (
            3.0,
            lambda: labelled(lambda bank, labels, asked: knn_labels_on("cpu", bank, labels, asked, K)),
            lambda: labelled(lambda bank, labels, asked: KNeighborsClassifier(K).fit(bank, labels).predict(asked)),
        ),
    }
    with threadpool_limits(1):
        for part, (at_least, *ways) in parts.items():
            rounds = [[timed(way) for way in ways] for _ in range(given.rounds)]
            (_, first), (_, second) = rounds[0]
            pairs = zip(first, second, strict=True)
            same = np.mean([np.isclose(one, other, atol=1e-5).mean() for one, other in pairs])
            own, other = zip(*([seconds for seconds, _ in each] for each in rounds), strict=True)
            yield Row(part, "s of a processor", own)
            yield ratios(f"{part}: what one would write instead / that ({same:.2%} the same)", other, own, at_least)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="60,000 images; 50,000 points and 10,000 queries")
    parser.add_argument("--sizes", type=int, nargs=3, default=[1_024, 50_000, 4_000], help="images, points, queries")
    command(parser, measured, {"rounds": 1, "sizes": [16, 100, 50]})
