"""Training throughput of `piescope run` against a plain PyTorch loop: same model, batch, data, augmentation, machine.

The plain loop is what one writes first: one process, torch's default threads, tensors in memory (no loader's
overhead), pad-and-crop, SGD with Nesterov momentum. `run` is the real command's executor on a study of dense
supervised models with the measures left out. Rounds alternate, so that a machine that changes pace changes both.

    python benchmarks/throughput.py [--rounds 5] [--models 8]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path


def plain_loop(models: int) -> float:
    """Images per second of a plain loop."""
    import torch
    from torch.nn import functional

    from piescope.data.augment import pad_and_crop
    from piescope.data.sources import load_digits
    from piescope.models.wide_resnet import WideResNet

    train = load_digits().train
    images = (torch.from_numpy(train.images).float() / 255 - 0.3052) / 0.3759
    labels = torch.from_numpy(train.labels)
    began = time.perf_counter()
    epochs, batch = 16, 50
    for seed in range(models):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        model = WideResNet(10, 1, 10, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(labels) // batch)
        for _ in range(epochs):
            for rows in torch.randperm(len(labels)).split(batch):
                batch_images = pad_and_crop(images[rows], 1, generator)
                loss = functional.cross_entropy(model(batch_images), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return models * epochs * len(labels) / (time.perf_counter() - began)


def run(models: int) -> tuple[float, float]:
    """Images per second of `run`: once workers are up, and with their start-up."""
    from piescope.study.execute import execute
    from piescope.study.executors.local import LocalExecutor
    from piescope.study.parse import load_study
    from piescope.study.plan import Step
    from piescope.study.scheduling import Observer
    from piescope.study.spec import Measures

    study = load_study("digits")
    study = study.model_copy(update={"replicates": models, "arms": {"supervised": ("dense",)}, "measures": Measures()})
    trained: list[float] = []
    data_done: list[float] = []

    class Times(Observer):
        def finished(self, step: Step, seconds: float) -> None:
            if step.kind == "data":
                data_done.append(time.perf_counter())
            if step.kind == "train":
                trained.append(time.perf_counter())

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        executor = LocalExecutor(out, "cpu", len(os.sched_getaffinity(0)))
        execute(study, out, executor, False, Times())
    images = models * 16 * 1000
    return images / (trained[-1] - data_done[0]), images / (trained[-1] - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", type=int, default=8, help="models a round")
    arguments = parser.parse_args()
    import torch

    cores = len(os.sched_getaffinity(0))
    print(f"torch {torch.__version__}, {cores} cores, {torch.get_num_threads()} threads in the plain loop", flush=True)
    plain_loop(1)  # warm-up
    ratios, whole = [], []
    for number in range(arguments.rounds):
        plain = plain_loop(arguments.models)
        steady, with_start = run(arguments.models)
        ratios.append(steady / plain)
        whole.append(with_start / plain)
        print(
            f"round {number + 1}: plain {plain:,.0f} images/s, run {steady:,.0f} ({ratios[-1]:.2f} x), "
            f"with start-up {with_start:,.0f} ({whole[-1]:.2f} x)",
            flush=True,
        )
    for name, values in (("run / plain loop", ratios), ("with start-up", whole)):
        print(
            f"{name}: median {statistics.median(values):.2f} x (min {min(values):.2f}, max {max(values):.2f}, n = {len(values)})"
        )


if __name__ == "__main__":
    sys.exit(main())
