"""What a study's page costs: seconds of a processor to make it, bytes, seconds until a reader can use it, a change's milliseconds.

    python benchmarks/pages.py [--examples 10000 60000] [--data DIR] [--study DIR]

A made study of 2 dense and 5 pruned arms at 6 sparsities, 10 models each, 10 classes, and a picture of each example:
CIFAR-10's where DIR holds them, else smooth noise. With --study the page of a finished study, too. In headless Chromium
without a network: *ready* is from the start of the navigation to the frame after the explorer stands; a *change* is one
of 20 of arm, level and kind, from its event to the frame after the drawing; *of a processor* is what the page's main
thread works for it, which other work on the machine changes little. Seconds are the machine's of the day.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from piescope.report.study.build import build_report
from piescope.store import layout
from piescope.store.artefacts import Store, as_tensors
from piescope.store.catalogue import Catalogue, CompleteArm, Described, Environment, MethodRun, ObjectiveRun
from piescope.store.durable import write_file
from piescope.store.step_records import DataRecord, PrunedTensors, RealisedSparsity
from piescope.study.comparing import compare
from piescope.study.plan import Compare
from rows import Row, command

MODELS, CLASSES, WIDTH = 10, 10, 32
SPARSITIES = (0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
FAMILIES = {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "one_shot")}
CHANGES = 20

WATCH = """
window.waited = new Promise(done => new MutationObserver((_, watch) => {
  if (!document.documentElement.classList.contains("x-ready")) return;
  watch.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["class"] }));
"""

CHANGE = """
async index => {
  const chips = selector => [...document.querySelectorAll(selector)].filter(e => e.checkVisibility());
  const [arms, kinds, dial] = [chips("#dial .x-chip"), chips(".x-kind"), document.querySelector(".x-range")];
  const began = performance.now();
  if (index % 3 === 0) arms[(index / 3 + 1) % arms.length | 0].click();
  else if (index % 3 === 1) kinds[(index + 2) % kinds.length].click();
  else {
    dial.value = String(1000 * ((index * 7) % 11) / 10);
    dial.dispatchEvent(new Event("input", { bubbles: true }));
  }
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - began;
}
"""


@dataclass(frozen=True)
class Files:
    """What a step would have left."""

    arrays: dict[str, np.ndarray]
    facts: bytes = b""

    def tensors(self, _name: str) -> dict[str, np.ndarray]:
        return self.arrays

    def read(self, _name: str) -> bytes:
        return self.facts


@dataclass(frozen=True)
class Parents:
    """What a comparison reads, in memory."""

    data: Files
    dense: list[Files]
    pruned: list[Files]
    sparsity: float

    def one(self, _role: str) -> Files:
        return self.data

    def refs(self, role: str) -> list[Files]:
        return {"dense": self.dense, "pruned": self.pruned}.get(role, [])

    def load(self, ref: Files) -> Files:
        return ref

    def all(self, role: str) -> list[Files]:
        if role != "models":
            return []
        zeros = round(1000 * self.sparsity)
        groups = (PrunedTensors(names=("all",), weights=1000, zeros=zeros, target=zeros),) if zeros else ()
        return [Files({}, RealisedSparsity(sparsity=self.sparsity, groups=groups).as_bytes())] * MODELS


def predicted(random: np.random.Generator, truth: np.ndarray, wrong: np.ndarray, other: np.ndarray) -> list[Files]:
    """An arm's models: each says ``other`` with the chance ``wrong``, else the truth."""
    centres = np.random.default_rng(1).normal(size=(CLASSES, WIDTH)).astype(np.float32)
    models = []
    for _ in range(MODELS):
        said = np.where(random.random(len(truth)) < wrong, other, truth)
        held = np.abs(centres[said] + 0.7 * random.standard_normal((len(truth), WIDTH), np.float32))
        models.append(Files({"logits": np.eye(CLASSES, dtype=np.float32)[said], "representations": held}))
    return models


def write_study(out: Path, examples: int, images: np.ndarray) -> None:
    """A finished folder, but for its report."""
    random, store = np.random.default_rng(0), Store(out)
    truth = np.arange(examples) % CLASSES
    record = DataRecord(
        source="made", about="made", fingerprint="0" * 64, duplicates=0, train_examples=0, test_examples=examples,
        image_shape=images.shape[1:], class_names=tuple(f"class {index}" for index in range(CLASSES)),
        ids=tuple(f"test-{index:05}" for index in range(examples)),
    )  # fmt: skip
    data = Files({"images": images, "labels": truth}, record.as_bytes())
    store.write("data", "data", {layout.IMAGES: as_tensors(data.arrays), layout.DATA_FACTS: data.facts}, "data", {})
    arms = []
    for objective, prunings in FAMILIES.items():
        hard, vulnerable = random.random(examples) ** 12, random.random(examples) ** 4
        other = (truth + random.integers(1, CLASSES, examples)) % CLASSES
        dense = predicted(random, truth, hard, other)
        first = {layout.PREDICTIONS: as_tensors(dense[0].arrays)}
        store.write("predict", objective, first, "predict", {})
        for pruning in ("dense", *prunings):
            for sparsity in (0.0,) if pruning == "dense" else SPARSITIES:
                key = f"{objective}-{pruning}-{sparsity}"
                wrong = np.clip(hard + vulnerable * sparsity**8 * (1 + (objective == "supcon")), 0, 0.95)
                pruned = dense if pruning == "dense" else predicted(random, truth, wrong, other)
                spec = Compare(num_classes=CLASSES, seeds=tuple(range(MODELS)), descended=pruning == "one_shot")
                files = compare(spec, Parents(data, dense, pruned, sparsity))  # type: ignore[arg-type]
                store.write("compare", key, files, key, {}, (objective,))
                angle = 2 * np.pi * pruned[0].arrays["logits"].argmax(1) / CLASSES
                places = 5 * np.stack([np.cos(angle), np.sin(angle)], 1) + random.normal(0, 0.8, (examples, 2))
                store.write("project", key, {layout.PROJECTION: as_tensors({"embedding": places})}, key, {})
                arms.append(
                    CompleteArm(
                        objective=objective, pruning=pruning, sparsity=sparsity, compare=key, project=key,
                        seeds=spec.seeds, descended=spec.descended, control=None,
                    )
                )  # fmt: skip
    write_file(layout.study(out), b'name = "made"\n')
    write_file(layout.catalogue(out), catalogue(tuple(arms)).as_bytes())


def catalogue(arms: tuple[CompleteArm, ...]) -> Catalogue:
    """What the made folder holds."""
    names = dict.fromkeys(name for prunings in FAMILIES.values() for name in prunings)
    described = Described(
        name="made", title="A made study", seed=0, replicates=MODELS, model="none", sparsities=SPARSITIES,
        objectives=tuple(ObjectiveRun(objective=name, prunings=("dense", *own), trainings=()) for name, own in FAMILIES.items()),
        methods=tuple(
            MethodRun(name=name, kind="one_shot" if name == "one_shot" else "gradual", criterion="magnitude", text=name)
            for name in names
        ),
        depth=None, maps=None,
    )  # fmt: skip
    machine = Environment(device="cpu", cpu="made", torch="none", threads=1, pack_size=1)
    return Catalogue(
        study="made", recipe=None, data="data", probe_points=(), arms=arms, missing=(), environments=(machine,), described=described,
    )  # fmt: skip


def pictures(examples: int, folder: Path | None) -> np.ndarray:
    """``[examples, 3, 32, 32]``: of CIFAR-10 where it is at hand."""
    if folder is not None:
        from piescope.data.sources import load_source

        splits = load_source("cifar10", folder)
        return np.concatenate([splits.test.images, splits.train.images])[:examples]
    random = np.random.default_rng(2)
    coarse = random.integers(0, 256, (examples, 3, 5, 5)).repeat(7, 2).repeat(7, 3)[..., :32, :32]
    return (coarse + random.integers(-12, 13, coarse.shape)).clip(0, 255).astype(np.uint8)


def seen(page_file: Path, browser: Any) -> tuple[float, list[tuple[float, float]]]:
    """Seconds until the page is ready; of each change milliseconds, and those of a processor."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")

    def change(index: int) -> tuple[float, float]:
        before = worked()
        return page.evaluate(CHANGE, index), worked() - before

    page.goto(page_file.as_uri(), wait_until="commit")
    ready = page.evaluate("window.waited") / 1000
    page.wait_for_load_state("load")
    changes = [change(index) for index in range(CHANGES)]
    context.close()
    return ready, changes


def of_page(name: str, out: Path, browser: Any) -> Iterator[Row]:
    """The rows of a study's page."""
    began = time.process_time()
    assert build_report(out) is not None
    seconds = time.process_time() - began
    page = layout.report(out)
    rounds = [seen(page, browser) for _ in range(3)]
    changes, work = zip(*(change for _, each in rounds for change in each), strict=True)
    yield Row(f"{name}: made", "s of a processor", (seconds,))
    yield Row(f"{name}: its size", "MB", (page.stat().st_size / 1e6,))
    yield Row(f"{name}: ready", "s", tuple(ready for ready, _ in rounds))
    yield Row(f"{name}: a change", "ms", changes)
    yield Row(f"{name}: a change", "ms of a processor", work)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        if given.study is not None:
            yield from of_page(str(given.study), given.study, browser)
        for examples in given.examples:
            out = Path(folder) / str(examples)
            write_study(out, examples, pictures(examples, given.data))
            yield from of_page(f"{examples:,} examples", out, browser)
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, nargs="*", default=[10_000, 60_000], help="of made studies")
    parser.add_argument("--data", type=Path, help="where CIFAR-10 lies")
    parser.add_argument("--study", type=Path, help="a finished one, too")
    command(parser, measured, {"examples": [100]})
