"""What each kind of step does: read its parents, work, return its files. Runs in a worker; the one place with torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from piescope.data import draws
from piescope.data.batches import as_tensor, to_unit
from piescope.data.dataset import Splits
from piescope.data.locate import cache_folder
from piescope.data.sources import SOURCES
from piescope.machine import processor, versions
from piescope.models.build import ModelSpec
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.masks import target_zeros
from piescope.pruning.scope import NetworkPart, groups, prunable_parameters
from piescope.seeds import Seeds
from piescope.store import layout
from piescope.store.arithmetic import Arithmetic, arithmetic_in
from piescope.store.artefacts import Artefact, Store, as_tensors
from piescope.store.step_records import DataRecord, PrunedTensors, RealisedSparsity
from piescope.study.parents import Files, Parents
from piescope.study.plan import Compare, LoadData, Predict, ProbeDepth, ProjectTogether, PruneAndFinetune, Step, Train
from piescope.study.resuming import resumed
from piescope.study.spec import DataSpec, loss_of
from piescope.training.checkpoints import Checkpoints, When
from piescope.training.history import DivergedError
from piescope.training.loop import OnStep, TrainingData
from piescope.training.means import Means
from piescope.training.nearest import knn_labels_on
from piescope.training.predict import predict, probe_all
from piescope.training.recipe import Training
from piescope.training.stages import History, prune_and_finetune, train_contrastive, train_supervised

OnImages = Callable[[int], None]
"""Called with how many images were just pushed through the network."""


class DataChangedError(RuntimeError):
    """A data set is not what it was when the study began."""


def perform(step: Step, store: Store, device: str, on_images: OnImages, checkpoints: When | None = None) -> Artefact:
    """Does a step and publishes its artefact; does nothing if it is there.

    Args:
        step: what to do.
        store: of its parents, and for what it makes.
        device: ``"cpu"`` or ``"cuda"``.
        on_images: hears of images trained on.
        checkpoints: when a training leaves them; None: never. It goes on from the one that there is.
    """
    if store.has(step.kind, step.key):
        return store.load(step.kind, step.key)
    parents, chosen = Parents(step, store), arithmetic_in(store.out)
    here, place = environment(device, chosen), Place(device, chosen or Arithmetic())
    resumable = partial(resumed, step, parents, store.out, here, checkpoints)
    spec = step.spec
    match spec:
        case LoadData():
            files = _load_data(spec)
        case Train():
            files = resumable(lambda kept: _train(spec, parents, place, on_images, kept))
        case PruneAndFinetune():
            files = resumable(lambda kept: _prune_and_finetune(spec, parents, place, on_images, kept))
        case Predict():
            files = _predict(spec, parents, place)
        case ProbeDepth():
            files = _probe_depth(spec, parents, place)
        case ProjectTogether():
            files = _project(spec, parents)
        case Compare():
            from piescope.study.comparing import compare

            files = compare(spec, parents)
    made_of, keys = spec.model_dump(mode="json"), tuple(ref.key for ref in step.parent_refs())
    contents = parents.contents()
    made = store.write(step.kind, step.key, files, step.label, made_of, keys, here, contents)
    with suppress(OSError):  # what stays is removed with the leftovers
        layout.checkpoint(store.out, step.key).unlink()
    return made


LIBRARIES = ("numpy", "scipy", "scikit-learn", "faiss-cpu", "umap-learn", "numba")
"""Those whose versions shape results, beside torch."""


@dataclass(frozen=True)
class Place:
    """Where networks run, and how they compute."""

    device: str
    arithmetic: Arithmetic

    @property
    def means(self) -> Means:
        """How trainings do their steps here."""
        queued = torch.device(self.device).type != "cpu"
        return Means(queued, self.arithmetic.compiled, queued and self.arithmetic.captured)


def environment(device: str, chosen: Arithmetic | None = None) -> dict[str, Any]:
    """What a bitwise promise hangs on: device type, draws, pack size, the processor and what is used of it, libraries.

    Args:
        device: where networks run.
        chosen: how they compute, where the folder keeps what was chosen.
    """
    is_queued = Place(device, chosen or Arithmetic()).means.queued
    return {
        **({} if chosen is None else chosen.model_dump()),
        **({"draws": draws.NAME} if is_queued else {}),
        "device": torch.device(device).type,
        "torch": torch.__version__,
        "pack_size": 1,
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "processor": processor(),
        "libraries": dict(_libraries()),
    }


@cache
def _libraries() -> dict[str, str]:
    """Of this process: looked up in files once."""
    return versions(LIBRARIES)


def set_up_worker(device: str) -> None:
    """Makes this process a worker: deterministic, and on a CPU one thread."""
    # as use_deterministic_algorithms(True), which loads a compiler that few runs need: most of a second
    torch.set_deterministic_debug_mode("error")
    # no operation of ours reads memory that nobody wrote, so none needs to be filled with NaN before
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_flush_denormal(True)  # momentum behind dead weights decays into denormals, which are slow
    if torch.device(device).type == "cpu":
        torch.set_num_threads(1)
    else:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False


@lru_cache(maxsize=1)
def _splits(spec: DataSpec) -> Splits:
    return spec.load()


@lru_cache(maxsize=1)
def _fingerprint(spec: DataSpec) -> str:
    return _splits(spec).fingerprint()


def _data(spec: DataSpec, parents: Parents) -> Splits:
    known = DataRecord.of(parents.one("data").read(layout.DATA_FACTS)).fingerprint
    fingerprint = _fingerprint(spec)
    if fingerprint != known:
        raise DataChangedError(
            f"data set {spec.source!r} has fingerprint {fingerprint[:12]}..., this study began with "
            f"{known[:12]}...: restore the data, or start again with --fresh"
        )
    return _splits(spec)


def _load_data(spec: LoadData) -> Files:
    splits = _splits(spec.data)
    record = DataRecord(
        source=spec.data.source,
        about=SOURCES[spec.data.source].about,
        fingerprint=splits.fingerprint(),
        duplicates=splits.duplicates(),
        train_examples=len(splits.train),
        test_examples=len(splits.test),
        image_shape=splits.test.image_shape,
        class_names=splits.test.class_names,
        ids=splits.test.ids,
    )
    return {
        layout.IMAGES: as_tensors({"images": splits.test.images, "labels": splits.test.labels}),
        layout.DATA_FACTS: record.as_bytes(),
    }


@lru_cache(maxsize=1)
def _on_device(spec: DataSpec, device: str) -> tuple[Tensor, Tensor]:
    train = _splits(spec).train
    return as_tensor(train.images).to(device), torch.from_numpy(train.labels).to(device)


def _training_data(spec: DataSpec, parents: Parents, place: Place) -> TrainingData:
    _data(spec, parents)
    images, labels = _on_device(spec, place.device)
    return TrainingData(images, labels, spec.normalisation, place.means)


def network_of(
    spec: ModelSpec, image_shape: tuple[int, int, int], num_classes: int, place: Place, generator: torch.Generator
) -> WideResNet:
    """A network of new in its place, as trainings have it."""
    return to_train(_placed(spec.build(image_shape, num_classes, generator), place), place)


def _placed(model: WideResNet, place: Place) -> WideResNet:
    is_usual = place.arithmetic.memory_format == "channels_last"
    memory_format = torch.channels_last if is_usual else torch.contiguous_format
    return model.to(place.device).to(memory_format=memory_format)  # type: ignore[call-overload]


def to_train(model: WideResNet, place: Place) -> WideResNet:
    """A network whose trainings go through torch.compile, if that was chosen.

    What a process has compiled before has no say in what it compiles next: sizes stay as they are, and there is no
    number after which it stops.
    """
    if place.arithmetic.compiled:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
        inductor: Any = import_module("torch._inductor.config")
        inductor.deterministic = True
        dynamo: Any = import_module("torch._dynamo.config")
        dynamo.recompile_limit = dynamo.accumulated_recompile_limit = sys.maxsize
        model.features = torch.compile(model.features, dynamic=False)  # type: ignore[method-assign]
    return model


def _trained(spec: PruneAndFinetune | Predict | ProbeDepth, parents: Parents, place: Place) -> WideResNet:
    facts = spec.data.facts
    model = spec.model.build(facts.image_shape, facts.num_classes, None)
    arrays = parents.one("model").tensors(layout.MODEL)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return _placed(model, place)


def _reporter(on_images: OnImages) -> OnStep:
    return lambda _step, _steps, images: on_images(images)


def _train(spec: Train, parents: Parents, place: Place, on_images: OnImages, checkpoints: Checkpoints | None) -> Files:
    seeds = Seeds(spec.study_seed, spec.replicate)
    data, facts = _training_data(spec.data, parents, place), spec.data.facts
    model = network_of(spec.model, facts.image_shape, facts.num_classes, place, seeds.torch("weights"))
    on_step = _reporter(on_images)
    if isinstance(spec.training, Training):
        history = train_supervised(model, data, spec.training, seeds, spec.pruning, spec.sparsity, on_step, checkpoints)
        parts: list[NetworkPart] = ["all"]
    else:
        pairs, pruned = loss_of(spec.objective) == "supcon", (spec.pruning, spec.sparsity)
        history = train_contrastive(model, data, spec.training, seeds, pairs, *pruned, on_step, checkpoints)
        parts = ["encoder", "head"]
    if spec.pruning is not None and not spec.pruning.prune_head:
        parts = ["encoder"]
    names = [] if spec.pruning is None else _pruned_groups(model, spec.pruning.biases, spec.pruning.scope, parts)
    trained = spec.training if isinstance(spec.training, Training) else spec.training.encoder
    return _model_files(model, history, spec.sparsity, names, trained)


def _prune_and_finetune(
    spec: PruneAndFinetune, parents: Parents, place: Place, on_images: OnImages, checkpoints: Checkpoints | None
) -> Files:
    data = _training_data(spec.data, parents, place)
    model = to_train(_trained(spec, parents, place), place)
    seeds = Seeds(spec.study_seed, spec.replicate)
    history = prune_and_finetune(model, data, spec.pruning, spec.sparsity, seeds, _reporter(on_images), checkpoints)
    parts: list[NetworkPart] = ["all" if spec.pruning.prune_head else "encoder"]
    names = _pruned_groups(model, spec.pruning.biases, spec.pruning.scope, parts)
    return _model_files(model, history, spec.sparsity, names, spec.pruning.finetune)


def _pruned_groups(model: WideResNet, biases: bool, scope: Any, parts: list[NetworkPart]) -> list[list[str]]:
    """Tensors that shared one sparsity target, as the trainings in `stages` prune them."""
    return [group for part in parts for group in groups(list(prunable_parameters(model, biases, part)), scope)]


def _model_files(
    model: WideResNet, history: History, sparsity: float, names: list[list[str]], trained: Training
) -> Files:
    state = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in model.state_dict().items()}
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise DivergedError(f"{name} holds NaN or infinity after training; {trained.against_divergence}")
    realised = []
    for group in names:
        weights = sum(state[name].size for name in group)
        zeros = sum(int((state[name] == 0).sum()) for name in group)
        target = target_zeros(sparsity, weights)
        realised.append(PrunedTensors(names=tuple(group), weights=weights, zeros=zeros, target=target))
    return {
        layout.MODEL: as_tensors(state),
        layout.HISTORY: as_tensors({stage: np.array(losses, np.float32) for stage, losses in history.items()}),
        layout.SPARSITY: RealisedSparsity(sparsity=sparsity, groups=tuple(realised)).as_bytes(),
    }


def _predict(spec: Predict, parents: Parents, place: Place) -> Files:
    images = as_tensor(_data(spec.data, parents).test.images).to(place.device)
    logits, representations = predict(_trained(spec, parents, place), images, spec.data.normalisation)
    return {layout.PREDICTIONS: as_tensors({"logits": logits, "representations": representations})}


def _probe_depth(spec: ProbeDepth, parents: Parents, place: Place) -> Files:
    splits, device = _data(spec.data, parents), place.device
    model = _trained(spec, parents, place)
    bank, asked = (as_tensor(half.images).to(device) for half in (splits.train, splits.test))
    augment = None
    if spec.augmentation_of is not None:
        generator, recipe = Seeds(spec.study_seed, spec.replicate).torch("knn bank"), spec.augmentation_of.augmentation

        def augment(images: Tensor) -> Tensor:
            return recipe.apply(to_unit(images), generator)

    banks = probe_all(model, bank, spec.data.normalisation, spec.points, augment)
    queries = probe_all(model, asked, spec.data.normalisation, spec.points)
    labels = [
        knn_labels_on(device, points, splits.train.labels, query, spec.k)
        for points, query in zip(banks, queries, strict=True)
    ]
    return {layout.KNN_LABELS: as_tensors({"knn_labels": np.stack(labels).astype(np.int16)})}


def _project(spec: ProjectTogether, parents: Parents) -> Files:
    from piescope.measure.projection import umaps_together

    maps = umaps_together(
        [_mean_representations(parents.all(str(place))) for place in range(spec.arms)],
        *(spec.seed, spec.neighbours, spec.min_dist),
    )
    return {layout.PROJECTION: as_tensors({"embedding": maps})}


def _mean_representations(predictions: list[Artefact]) -> np.ndarray:
    of_models = [made.tensors(layout.PREDICTIONS)["representations"] for made in predictions]
    return np.asarray(np.mean(of_models, axis=0, dtype=np.float64), np.float32)
