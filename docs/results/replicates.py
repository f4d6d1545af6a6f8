"""What the models of a long study say, kept a few replicates at a time, on whatever machine these were trained.

python docs/results/replicates.py study NAME FIRST LAST     the study file that trains replicates FIRST to LAST of NAME
python docs/results/replicates.py keep DIR NAME FIRST LAST  what these say, from a run's folder to docs/results/NAME
python docs/results/replicates.py build NAME DIR            the folder of a run of all that is kept, with its page
python docs/results/replicates.py history NAME              what fewer replicates say of each finding, by the rule of
                                                            now, to docs/results/NAME/history.csv

To add some, let the study have as many first, then train, keep and build; its fresh seeds must have a first_seed.

Of each model are kept its labels and prediction depths as they are, and its Z-Scores, L1 norms and AAAI-24 Q-Scores in
128 levels of its own range (so to 0.4 % of it); of the first ones also maps and dense representations (16 bits); no
weights. Comparisons, tables and page are made of that as `piescope run` makes them. The catalogue names the machines
that trained; `piescope report DIR` would write it anew, without them.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import safetensors.numpy

from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.q_score import is_degenerate, q_score, q_score_aaai24
from piescope.report.study.build import build_report
from piescope.report.study.claims import check_claims
from piescope.report.study.results import load_results
from piescope.store import layout
from piescope.store.artefacts import Artefact, Store, as_tensors
from piescope.store.catalogue import Environment
from piescope.store.durable import write_file
from piescope.store.step_records import DataRecord, RealisedSparsity
from piescope.study.catalogue import catalogue_of
from piescope.study.comparing import Depths, Population, comparison
from piescope.study.controls import FreshDense
from piescope.study.folder import write_study
from piescope.study.parents import Files
from piescope.study.parse import load_study
from piescope.study.plan import ArmSteps, Compare, Plan, Ref, Step, make_plan
from piescope.study.spec import DENSE, Study
from piescope.study.steps import environment, perform

HERE = Path(__file__).parent
KEPT, SUFFIX = "replicates", ".zip.zst"
ARRAYS, TOLD = "arrays.safetensors", "models.json"
LEVELS = 128

HISTORY, HEADS = "history.csv", ("models", "claim", "verdict")

Arrays = dict[str, np.ndarray]
Line = tuple[int, str, str]
"""A row of the history."""


def piece_of(name: str, first: int, last: int) -> str:
    """A study file of replicates first to last alone, whose models are those of the whole study."""
    study = load_study(name)
    seeds = study.seeds[first : last + 1]
    assert len(seeds) == last + 1 - first > 0, f"{name} has replicates 0 to {len(study.seeds) - 1}"
    lines = [f'extends = "{name}"', f'name = "{study.name}"', f"replicates = {list(seeds)}"]
    for control, first_seed in fresh_seeds(study).items():
        lines += [f"[controls.{control}]", 'kind = "fresh_dense"', f"first_seed = {first_seed + first}"]
    if study.measures.prediction_depth is not None:
        lines += ["[measures.prediction_depth]", f"models = {len(seeds)}"]
    return "\n".join(lines) + "\n"


def fresh_seeds(study: Study) -> dict[str, int]:
    """The controls of fresh dense models, and the first seed of each."""
    found = {}
    for name in dict.fromkeys(arm.pruning for arm in study.arm_list() if study.is_fresh(arm.pruning)):
        control = study.control(name)
        assert isinstance(control, FreshDense) and control.first_seed is not None, f"{name} needs a first_seed"
        found[name] = control.first_seed
    return found


def coded(values: np.ndarray) -> Arrays:
    """``[models, examples]`` in levels of each model's range, and its lowest value and step, ``[models, 2]``."""
    low, steps = values.min(1, keepdims=True), np.ptp(values, axis=1, keepdims=True) / (LEVELS - 1)
    codes = np.divide(values - low, steps, out=np.zeros_like(values), where=steps > 0)
    return {"": codes.round().astype(np.uint8), "/levels": np.concatenate([low, steps], axis=1)}


def decoded(codes: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """What `coded` was given, to half a level."""
    return np.asarray(levels[:, :1] + codes * levels[:, 1:])


def told(item: ArmSteps, places: range, store: Store, truth: np.ndarray) -> Arrays:
    """What some of an arm's models say and how well they hold it, ``[models, ...]``."""
    said = [predicted.tensors(layout.PREDICTIONS) for predicted in load(store, item, "pruned", places)]
    labels = np.stack([each["logits"].argmax(1) for each in said])
    scores = [q_score(each["representations"]) for each in said]
    arrays = {
        "labels": labels.astype(np.uint8),
        "degenerate": np.array([int(is_degenerate(each["representations"]).sum()) for each in said]),
    }
    for name, values in {
        "z": [score.z for score in scores],
        "l1": [score.l1 for score in scores],
        "q_aaai24": [q_score_aaai24(each["representations"]) for each in said],
    }.items():
        arrays |= {f"{name}{part}": array for part, array in coded(np.stack(values)).items()}
    near = [depth.tensors(layout.KNN_LABELS)["knn_labels"] for depth in load(store, item, "pruned_depths", places)]
    if near:
        own = zip(near, labels, strict=True)
        arrays["depth"] = np.stack([prediction_depth(each, truth, "corti2022") for each in near]).astype(np.uint8)
        arrays["depth_baldock"] = np.stack([prediction_depth(*each, "baldock") for each in own]).astype(np.uint8)
    return arrays


def refs(item: ArmSteps, role: str, places: range) -> tuple[Ref, ...]:
    """What the comparison of an arm reads of some replicates."""
    return item.compare.parents[role][places.start : places.stop]


def load(store: Store, item: ArmSteps, role: str, places: range) -> list[Artefact]:
    """Their artefacts."""
    return [store.load(ref.kind, ref.key) for ref in refs(item, role, places)]


def keep(run: Path, name: str, first: int, last: int) -> bytes:
    """What replicates first to last say, in one file; refuses a run that has not all of them."""
    plan, store, places = make_plan(load_study(name)), Store(run), range(first, last + 1)
    maps = maps_of(plan) if first == 0 else {}
    roles = ("models", "pruned", "pruned_depths")
    needed = [plan.data.ref, *maps, *(ref for item in plan.arms for role in roles for ref in refs(item, role, places))]
    absent = [ref for ref in needed if not store.has(ref.kind, ref.key)]
    assert not absent, f"{run} lacks {len(absent)} of {len(needed)} steps"
    truth = store.load("data", plan.data.key).tensors(layout.IMAGES)["labels"]
    arrays, models, environments = Arrays(), dict[str, list[Any]](), list[Any]()
    for item in plan.arms:
        arrays |= {f"{item.arm}/{part}": array for part, array in told(item, places, store, truth).items()}
        made = load(store, item, "models", places)
        environments += [one.manifest.environment for one in made if one.manifest.environment not in environments]
        models[str(item.arm)] = [
            {
                "key": one.key,
                "environment": environments.index(one.manifest.environment),
                "zeros": one.read(layout.SPARSITY).decode(),
            }
            for one in made
        ]
        if item.arm.pruning == DENSE and first == 0:
            said = load(store, item, "pruned", range(1))[0].tensors(layout.PREDICTIONS)
            arrays[f"first/{item.arm}/logits"] = said["logits"]
            arrays[f"first/{item.arm}/representations"] = said["representations"].astype(np.float16)
    for ref in maps:
        arrays[f"first/maps/{ref.key}"] = store.load("project", ref.key).tensors(layout.PROJECTION)["embedding"]
    facts = {"models": models, "environments": environments}
    return packed({ARRAYS: as_tensors(arrays), TOLD: json.dumps(facts).encode()})


def maps_of(plan: Plan) -> dict[Ref, Step]:
    """The maps of a study, an objective's together."""
    return {item.maps.together.ref: item.maps.together for item in plan.arms if item.maps is not None}


def packed(files: Files) -> bytes:
    """Some files as one; equal files give equal bytes (for one version of Arrow)."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():  # compressed together: the files repeat each other
            archive.writestr(zipfile.ZipInfo(name), content)
    small: bytes = pa.Codec("zstd", compression_level=22).compress(held.getvalue(), asbytes=True)
    return small


def unpacked(content: bytes) -> tuple[Arrays, dict[str, Any]]:
    """What `keep` wrote: the arrays, and what is told of the models."""
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        held = io.BytesIO(stream.read())
    with zipfile.ZipFile(held) as archive:
        return safetensors.numpy.load(archive.read(ARRAYS)), json.loads(archive.read(TOLD))


class Replicates:
    """All that is kept of a study.

    Args:
        plan: of the study, with as many replicates as are kept.
        pieces: the files, in the order of their replicates.
    """

    def __init__(self, plan: Plan, pieces: list[bytes]) -> None:
        opened = [unpacked(piece) for piece in pieces]
        self.environments = [environment for _, facts in opened for environment in facts["environments"]]
        self._arrays = {
            key: array
            if key.startswith("first/")
            else np.concatenate([arrays[key] for arrays, _ in opened if key in arrays])
            for key, array in opened[0][0].items()
        }
        models = {
            str(item.arm): [one for _, facts in opened for one in facts["models"][str(item.arm)]] for item in plan.arms
        }
        for item in plan.arms:
            keys = [one["key"] for one in models[str(item.arm)]]
            planned = [ref.key for ref in item.compare.parents["models"]]
            assert keys == planned, f"{item.arm}: {len(keys)} models are kept, the study has {len(planned)}, or others"
        self._zeros = {
            arm: [RealisedSparsity.of(one["zeros"].encode()) for one in each] for arm, each in models.items()
        }
        self._plan, self._of = plan, {ref: item for item in plan.arms for ref in item.compare.parents["pruned"]}

    def array(self, item: ArmSteps, name: str) -> np.ndarray:
        """``[models, ...]`` of an arm."""
        return self._arrays[f"{item.arm}/{name}"]

    def scores(self, item: ArmSteps, name: str) -> np.ndarray:
        """``[models, examples]`` of an arm."""
        return decoded(self.array(item, name), self.array(item, f"{name}/levels"))

    def population(self, item: ArmSteps, truth: np.ndarray) -> Population:
        """What an arm's models say of the test images, and how well they hold them."""
        labels, z, l1 = self.array(item, "labels").astype(np.int64), self.scores(item, "z"), self.scores(item, "l1")
        depths = None
        if f"{item.arm}/depth" in self._arrays:
            depths = Depths(*(self.array(item, name).astype(np.int64) for name in ("depth", "depth_baldock")))
        return Population(
            labels=labels,
            correct=labels == truth,
            model_q=np.divide(z, l1, out=np.zeros_like(z), where=z > 0),
            model_q_aaai24=self.scores(item, "q_aaai24"),
            model_z=z,
            model_l1=l1,
            degenerate=int(self.array(item, "degenerate").sum()),
            depths=depths,
        )

    def compared(self, item: ArmSteps, data: Artefact) -> Files:
        """The files of an arm's comparison."""
        assert isinstance(item.compare.spec, Compare)
        truth = data.tensors(layout.IMAGES)["labels"]
        dense = next(
            other
            for other in self._plan.arms
            if (other.arm.objective, other.arm.pruning) == (item.arm.objective, DENSE)
        )
        fresh = dict.fromkeys(str(self._of[ref].arm) for ref in item.compare.parents["fresh"])
        return comparison(
            item.compare.spec,
            DataRecord.of(data.read(layout.DATA_FACTS)).ids,
            truth,
            self.population(dense, truth),
            self.population(item, truth),
            [labels for arm in fresh for labels in self._arrays[f"{arm}/labels"].astype(np.int64)],
            self._zeros[str(item.arm)],
        )

    def first_said(self, item: ArmSteps) -> Files:
        """What the first model of a dense arm says: the files of its predictions."""
        said = {name: self._arrays[f"first/{item.arm}/{name}"] for name in ("logits", "representations")}
        return {layout.PREDICTIONS: as_tensors({name: array.astype(np.float32) for name, array in said.items()})}

    def map_of(self, step: Step) -> Files:
        """The files of an objective's maps."""
        return {layout.PROJECTION: as_tensors({"embedding": self._arrays[f"first/maps/{step.key}"]})}


def build(study: Study, pieces: list[bytes], out: Path) -> None:
    """The folder of a run of all that is kept, with tables and page: as `write_run`, whose arguments these are."""
    write_run(study, pieces, out)
    assert build_report(out) is not None


def write_run(study: Study, pieces: list[bytes], out: Path) -> None:
    """The folder of a run of all that is kept.

    Args:
        study: with as many replicates as are kept.
        pieces: the files, in the order of their replicates.
        out: a folder that is not there yet.
    """
    plan, store = make_plan(study), Store(out)
    kept = Replicates(plan, pieces)
    out.mkdir(parents=True)
    data = perform(plan.data, store, "cpu", lambda images: None)

    def put(step: Step, files: Files) -> None:
        there = [ref for ref in dict.fromkeys(step.parent_refs()) if store.has(ref.kind, ref.key)]
        contents = {ref.key: store.load(ref.kind, ref.key).manifest.content for ref in there}
        keys = tuple(ref.key for ref in step.parent_refs())
        made_of = step.spec.model_dump(mode="json")
        store.write(step.kind, step.key, files, step.label, made_of, keys, environment("cpu"), contents)

    steps = {step.ref: step for step in plan.steps}
    for item in plan.arms:
        if item.arm.pruning == DENSE:
            put(steps[item.compare.parents["pruned"][0]], kept.first_said(item))
    for step in maps_of(plan).values():
        put(step, kept.map_of(step))
    for item in plan.arms:
        put(item.compare, kept.compared(item, data))
    each = {json.dumps(one, sort_keys=True): Environment.model_validate(one) for one in kept.environments}
    catalogue = catalogue_of(plan, store).model_copy(update={"environments": tuple(each.values())})
    write_file(layout.catalogue(out), catalogue.as_bytes())
    write_study(study, out)


def history(name: str, pieces: list[bytes]) -> list[Line]:
    """What a study says of each finding when the first pieces are all there is, then when more are; not of all of them.

    Returns:
        of each number of models and each finding its verdict.
    """
    lines: list[Line] = []
    for some in range(1, len(pieces)):
        held = [unpacked(piece)[1]["models"] for piece in pieces[:some]]
        models = sum(len(next(iter(each.values()))) for each in held)
        with tempfile.TemporaryDirectory() as scratch:
            own = Path(scratch) / "fewer.toml"
            own.write_text(piece_of(name, 0, models - 1), encoding="utf-8")
            write_run(load_study(str(own)), pieces[:some], Path(scratch) / "run")
            results = load_results(Path(scratch) / "run")
        assert results is not None
        lines += [(models, claim.id, claim.verdict) for claim in check_claims(results)]
    return lines


def pieces_of(name: str) -> list[bytes]:
    """The files that docs/results keeps of a study, in the order of their replicates."""
    return [path.read_bytes() for path in sorted((HERE / name / KEPT).glob(f"*{SUFFIX}"))]


def main(what: str, *rest: str) -> None:
    """Does one of the four."""
    match what, *rest:
        case "study", name, first, last:
            sys.stdout.write(piece_of(name, int(first), int(last)))
        case "keep", run, name, first, last:
            path = HERE / name / KEPT / f"{int(first):03}-{int(last):03}{SUFFIX}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(keep(Path(run), name, int(first), int(last)))
            sys.stdout.write(f"{path}: {path.stat().st_size:,} bytes\n")
        case "build", name, out:
            build(load_study(name), pieces_of(name), Path(out))
        case "history", name:
            rows = [HEADS, *history(name, pieces_of(name))]
            with (HERE / name / HISTORY).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
