"""How soon `status` answers for studies of many steps, and how fast `verify` reads beside plain hashing.

python benchmarks/stores.py [--gigabytes 1] [--runs 3]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from piescope.cli.terminal import cores
from piescope.store import layout
from piescope.store.durable import sha256_of
from piescope.store.manifests import FileFacts, Manifest
from piescope.store.verifying import verified
from piescope.study.folder import write_study
from piescope.study.parse import load_study
from piescope.study.plan import make_plan

FILES = {
    "train": ("model.safetensors", "history.safetensors", "sparsity.json"),
    "finetune": ("model.safetensors", "history.safetensors", "sparsity.json"),
    "compare": ("examples.parquet", "summary.json", "models.safetensors"),
    "data": ("images.safetensors", "data.json"),
}
ENVIRONMENT = {"device": "cpu", "torch": "2.13.0", "pack_size": 1, "threads": 1, "cpu": "AVX2"}


def artefact(folder: Path, files: dict[str, bytes], label: str, spec: object, parents: dict[str, str]) -> str:
    """Writes one without syncing it; what its children record of it."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = Manifest(
        format_version=2, kind=folder.parent.name, key=folder.name, label=label, spec=spec, parents=tuple(parents),
        parent_contents=parents, environment=ENVIRONMENT, files={
            name: FileFacts(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)) for name, content in files.items()
        },
    )  # fmt: skip
    (folder / layout.MANIFEST).write_bytes(manifest.as_bytes())
    return manifest.content


def whole_study(replicates: int, out: Path) -> int:
    """The paper's study with so many models an arm, every step done, its files a few bytes each; how many steps."""
    study = load_study("corti2022-paper").model_copy(update={"replicates": replicates})
    out.mkdir()
    write_study(study, out)
    contents: dict[str, str] = {}
    steps = make_plan(study).steps
    for step in steps:
        files = {name: step.label.encode() for name in FILES.get(step.kind, ("made.safetensors",))}
        parents = {ref.key: contents[ref.key] for ref in step.parent_refs()}
        folder = layout.artefact(out, step.kind, step.key)
        contents[step.key] = artefact(folder, files, step.label, step.spec.model_dump(mode="json"), parents)
    return len(steps)


def seconds(command: list[str]) -> tuple[float, float]:
    """By the clock, and of a processor."""
    began, before = time.perf_counter(), os.times()
    subprocess.run(command, capture_output=True, check=True)
    taken, after = time.perf_counter() - began, os.times()
    return taken, sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    piescope = str(Path(sys.executable).with_name("piescope"))
    with tempfile.TemporaryDirectory() as scratch:
        for replicates in (30, 310):
            out = Path(scratch) / str(replicates)
            steps = whole_study(replicates, out)
            clock, processor = zip(
                *(seconds([piescope, "status", str(out)]) for _ in range(arguments.runs)), strict=True
            )
            sys.stdout.write(
                f"status of {steps:,} steps: {statistics.median(clock):.2f} s by the clock ({min(clock):.2f} to {max(clock):.2f}, "
                f"n = {arguments.runs}), {statistics.median(processor):.2f} s of a processor\n"
            )
        out, size = Path(scratch) / "large", 2**24
        for number in range(round(arguments.gigabytes * 1e9 / size)):
            artefact(
                layout.artefact(out, "train", f"{number:032x}"), {"model.safetensors": os.urandom(size)}, "", {}, {}
            )
        models = sorted(out.rglob("model.safetensors"))
        ratios, paces = [], []
        for _ in range(arguments.runs):  # one after the other, so that the machine's other work falls on both
            began = time.perf_counter()
            for path in models:
                sha256_of(path)
            plain = time.perf_counter() - began
            began = time.perf_counter()
            faults = [one.fault for one in verified(out, cores(), lambda _: None) if one.fault]
            taken = time.perf_counter() - began
            assert not faults, faults
            ratios.append(plain / taken)
            paces.append(len(models) * size / 1e6 / taken)
        sys.stdout.write(
            f"verify: {statistics.median(paces):,.0f} MB/s on {cores()} cores, {statistics.median(ratios):.2f} times as fast "
            f"as one core that hashes and nothing else ({min(ratios):.2f} to {max(ratios):.2f}, n = {arguments.runs})\n"
        )


if __name__ == "__main__":
    main()
