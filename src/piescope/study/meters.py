"""How long things take, by doing them: the real loop and measures on made images. Runs in a worker, with torch."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from piescope.measure.projection import umaps_together
from piescope.models.build import flops_per_sample
from piescope.models.wide_resnet import WideResNet
from piescope.seeds import Seeds
from piescope.study.calibrations import Pace
from piescope.study.paces import MappedExample, Network, PredictedImage, ProbedModel, Question, StartUp, TrainedImage
from piescope.study.steps import Place, network_of
from piescope.training import captured
from piescope.training.loop import TrainingData
from piescope.training.nearest import knn_labels_on
from piescope.training.predict import PIXELS, predict, probe_all
from piescope.training.recipe import Contrastive, Normalisation
from piescope.training.stages import train_contrastive, train_head, train_supervised

PARTS, PART = 3, 0.3
"""A measurement has so many parts of so many seconds each, or of one step where that takes longer."""

WARM = 2
"""Steps before it begins."""

MOST_IMAGES, MOST_FLOPS = 256, 2e11
"""In a step: larger batches take about as long an image, and large networks would take for ever."""

MOST_BANK, MOST_ASKED = 2**22, 256
"""Numbers of a bank, and queries, of which the time of a search is taken; it grows with both."""

CONTEXT = 600 << 20
"""Rough bytes that a process takes of a card before its first tensor, which torch does not count."""

MOST_MAPPED = 500
"""Examples of a map of which UMAP's time is taken."""

SEEDS = Seeds(0, 0)


class _Enough(Exception):
    """A training was watched for long enough."""


def pace_of(question: Question, place: Place) -> Pace:
    """Measures in this process, which `steps.set_up_worker` has made a worker."""
    match question:
        case TrainedImage():
            return _training(question, place)
        case PredictedImage():
            return _predicting(question, place)
        case ProbedModel():
            return _probing(question, place)
        case MappedExample():
            return _mapping(question)
        case StartUp():
            return Pace(seconds=time.process_time(), peak_bytes=peak_bytes())


def peak_bytes() -> int:
    """Of this process's memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def card_bytes(device: str) -> int:
    """At most, of the card's memory, by this process; on a processor none."""
    return 0 if device == "cpu" else torch.cuda.max_memory_reserved() + CONTEXT


def _clock(device: str) -> float:
    """Seconds of this process on its processor; on a card those that passed until all was done."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


class _Watch:
    """Takes a training's time at its steps, and ends it; as `on_step`. The first steps are not what later ones are."""

    def __init__(self, device: str, unlike: int) -> None:
        self._device, self._unlike, self._steps = device, unlike, 0
        self._parts: list[float] = []
        self._batch = self._images = 0
        self._warm, self._since = 0.0, _clock(device)

    def __call__(self, step: int, steps: int, images: int) -> None:
        self._steps += 1
        if self._steps == self._unlike:
            self._batch, now = images, _clock(self._device)
            self._warm, self._since = now - self._since, now
        if self._steps <= self._unlike:
            return
        self._images += images
        if self._device != "cpu" and time.perf_counter() - self._since < PART:
            return  # the host, which is ahead of a card, is not to wait for it at each step
        if (taken := _clock(self._device) - self._since) < PART:
            return
        self._parts.append(taken / self._images)
        self._images, self._since = 0, _clock(self._device)
        if len(self._parts) == PARTS:
            raise _Enough

    def pace(self, peak: int) -> Pace:
        first = self._warm - self._unlike * self._batch * statistics.median(self._parts)
        return _of_parts(self._parts, peak, max(0.0, first)).model_copy(update={"card_bytes": card_bytes(self._device)})


def _of_parts(parts: list[float], peak: int, first: float = 0.0) -> Pace:
    seconds = statistics.median(parts)
    return Pace(seconds=seconds, spread=(max(parts) - min(parts)) / 2 / seconds, first=first, peak_bytes=peak)


def _repeated(do: Callable[[], object], device: str) -> list[float]:
    """Seconds of one time, of each part."""
    do()
    parts = []
    for _ in range(PARTS):
        times, taken, began = 0, 0.0, _clock(device)
        while taken < PART:
            do()
            times, taken = times + 1, _clock(device) - began
        parts.append(taken / times)
    return parts


def _images(question: Network, count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *question.image_shape), np.uint8)


def _normalisation(question: Network) -> Normalisation:
    channels = question.image_shape[0]
    return Normalisation(mean=(0.5,) * channels, std=(0.25,) * channels)


def _network(question: Network, place: Place) -> WideResNet:
    return network_of(question.model, question.image_shape, question.num_classes, place, SEEDS.torch("weights"))


def _training(question: TrainedImage, place: Place) -> Pace:
    """The stage as the study has it, at a small rate and without end, on few images."""
    device = place.device
    flops = flops_per_sample(question.model, question.image_shape, question.num_classes).forward_backward
    most = min(MOST_IMAGES, max(8, int(MOST_FLOPS / flops))) if device == "cpu" else sys.maxsize
    batch = min(question.training.batch_size, max(2, most // question.views))
    recipe = question.training.model_copy(update={"batch_size": batch, "epochs": 10**6, "learning_rate": 1e-6})
    images = torch.from_numpy(_images(question, 8 * batch)).to(device)
    labels = (torch.arange(8 * batch) % question.num_classes).to(device)
    data = TrainingData(images, labels, _normalisation(question), place.means)
    unlike = captured.WARM + 2 if place.means.captured else WARM
    model, watch, before = _network(question, place), _Watch(device, unlike), peak_bytes()
    try:
        if question.stage == "supervised":
            train_supervised(model, data, recipe, SEEDS, on_step=watch)
        elif question.stage == "head":
            train_head(model, data, recipe, SEEDS, on_step=watch)
        else:
            head = recipe.model_copy(update={"q_score": None})
            both = Contrastive(encoder=recipe, head=head, temperature=0.1, projection=question.projection)
            train_contrastive(model, data, both, SEEDS, question.stage == "supcon", on_step=watch)
    except _Enough:
        pass
    grown = (peak_bytes() - before) * question.training.batch_size // batch  # activations grow with the batch
    return watch.pace(before + grown)


def _predicting(question: PredictedImage, place: Place) -> Pace:
    device = place.device
    _, height, width = question.image_shape
    images = torch.from_numpy(_images(question, min(512, 4 * max(1, PIXELS // (height * width))))).to(device)
    model, normalisation = _network(question, place), _normalisation(question)
    parts = _repeated(lambda: predict(model, images, normalisation), device)
    return _of_parts([part / len(images) for part in parts], peak_bytes())


def _probing(question: ProbedModel, place: Place) -> Pace:
    """Passes of all images, and a search at each probe, in proportion to what is done of both."""
    device = place.device
    _, height, width = question.image_shape
    images = torch.from_numpy(_images(question, min(512, max(1, PIXELS // (height * width))))).to(device)
    model, normalisation = _network(question, place), _normalisation(question)
    probed = probe_all(model, images, normalisation, question.points)
    parts = _repeated(lambda: probe_all(model, images, normalisation, question.points), device)
    passes = statistics.median(parts) / len(images) * (question.bank + question.asked)
    searches = sum(_searching(question, held.shape[1], device) for held in probed)
    return Pace(seconds=passes + searches, peak_bytes=peak_bytes())


def _searching(question: ProbedModel, dims: int, device: str) -> float:
    """Seconds of one probe's search."""
    draws = np.random.default_rng(0)
    held = min(question.bank, max(question.k, MOST_BANK // dims))
    asked = min(question.asked, MOST_ASKED)
    bank, queries = (draws.normal(size=(count, dims)).astype(np.float32) for count in (held, asked))
    labels = np.arange(held) % question.num_classes
    began = _clock(device)
    knn_labels_on(device, bank, labels, queries, question.k)
    return (_clock(device) - began) * (question.bank / held) * (question.asked / asked)


def _mapping(question: MappedExample) -> Pace:
    """Two maps of a few groups of points; the first time it loads, or compiles, what the second finds."""
    draws = np.random.default_rng(0)
    examples = min(question.examples, max(question.neighbours + 1, MOST_MAPPED))
    centres = draws.normal(size=(10, question.dims))[np.arange(examples) % 10]
    models = [centres + draws.normal(size=centres.shape) / 4 for _ in range(2)]
    taken = []
    for _ in range(2):
        began = _clock("cpu")
        umaps_together(models, 0, question.neighbours)
        taken.append(_clock("cpu") - began)
    return Pace(seconds=taken[1] / (2 * examples), first=max(0.0, taken[0] - taken[1]), peak_bytes=peak_bytes())
