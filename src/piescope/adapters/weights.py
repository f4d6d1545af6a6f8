"""A state_dict from a file that nobody vouches for: looked at before it is opened, and never executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from piescope.adapters.pickled_tensors import OtherTensor, SparseTensor, StoredTensor
from piescope.adapters.protocol import ModelError
from piescope.adapters.torch_files import open_torch_file
from piescope.adapters.weight_files import kind_of_weights

SHOWN = 5
"""Names listed one by one; the rest are counted."""

NESTED = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""Under which keys training scripts keep the state_dict, the usual ones first."""

DEEPEST = 3
"""A state_dict within so many others is not looked for."""

PREFIXES = ("module", "_orig_mod", "model", "net", "network")
"""What DataParallel, torch.compile, Lightning and others put before all names."""


@dataclass
class State:
    """Tensors by name, and sentences on what was done to get them."""

    source: str
    tensors: dict[str, Tensor]
    notes: list[str] = field(default_factory=list)


def read_state(path: Path) -> State:
    """The tensors of a file as a plain state_dict of finite float32 numbers (and whole ones), masks merged.

    Raises:
        ModelError: damaged, of another kind, code in it, no state_dict, NaN; see `kind_of_weights`.
    """
    kind = kind_of_weights(path)
    state = State(path.name, *_unwrapped(_safetensors(path), path.name)) if kind == "safetensors" else _pickled(path)
    _strip_compiled(state)
    _merge_masks(state)
    _check_numbers(state)
    return state


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, AttributeError) as reason:
        found = f"a malformed safetensors file ({reason})"
        raise ModelError.of(path.name, path.name, found, "a whole one", "download or save it again") from None


def _pickled(path: Path) -> State:
    """What torch.save wrote: no object of its pickle is made, and of its tensors only the state_dict is read."""
    file = open_torch_file(path)
    described, notes = _unwrapped(file.content, path.name, (StoredTensor, SparseTensor, OtherTensor))
    file.check(described)
    tensors = {name: _as_tensor(file.array(tensor), tensor) for name, tensor in described.items()}
    return State(path.name, tensors, notes)


def _as_tensor(array: np.ndarray, described: StoredTensor | SparseTensor) -> Tensor:
    """The numbers as torch has them; those that NumPy has no type for come as their bits."""
    stored = described.values if isinstance(described, SparseTensor) else described
    tensor, kind = torch.from_numpy(array), getattr(torch, stored.dtype)
    return tensor if tensor.dtype == kind else tensor.view(kind)


def _unwrapped(value: Any, source: str, kinds: Any = Tensor) -> tuple[dict[str, Any], list[str]]:
    """The state_dict in what was saved, itself or under one of the usual keys, and what is said of that."""
    notes = []
    for _ in range(DEEPEST):
        if not isinstance(value, Mapping):
            break
        tensors = {name: tensor for name, tensor in value.items() if isinstance(tensor, kinds)}
        inner = next((key for key in NESTED if isinstance(value.get(key), Mapping) and value[key]), None)
        if inner is None or len(tensors) > len(value) - len(tensors):
            if not tensors:
                break
            if not all(isinstance(name, str) for name in tensors):
                raise ModelError.of(source, source, "tensors without names", "a state_dict", "save model.state_dict()")
            left = sorted(map(str, set(value) - set(tensors)))
            if left:
                notes.append(f"{source}: left out what is no tensor: {_listed(left)}")
            return tensors, notes
        notes.append(f"{source}: took its {inner!r}")
        value = value[inner]
    else:
        found, expected = (
            f"a state_dict within {DEEPEST} others, or more",
            "a state_dict, or a checkpoint that holds it",
        )
        raise ModelError.of(source, source, found, expected, "torch.save(model.state_dict(), 'model.pt')")
    found = f"a {type(value).__name__}" + (
        f" with {_listed(sorted(map(str, value)))}" if isinstance(value, Mapping) and value else ""
    )
    raise ModelError.of(
        source, source, found, "a state_dict: tensors by name", "save model.state_dict(), not the model"
    )


def _strip_compiled(state: State) -> None:
    """torch.compile's mark is no part of any name, wherever it stands."""
    renamed = {".".join(part for part in name.split(".") if part != "_orig_mod"): name for name in state.tensors}
    if list(renamed) != list(state.tensors) and len(renamed) == len(state.tensors):
        state.tensors = {new: state.tensors[old] for new, old in renamed.items()}
        state.notes.append(f"{state.source}: took the prefix '_orig_mod.' off (torch.compile)")


def without_prefixes(state: State, expected: Iterable[str]) -> State:
    """The state with what stands before all of its names taken off, as long as that makes more names fit."""
    wanted = set(expected)
    tensors, taken = state.tensors, []
    while True:
        first = {name.split(".", 1)[0] for name in tensors}
        prefix = next(iter(first)) if len(first) == 1 else ""
        if prefix not in PREFIXES or not all("." in name for name in tensors):
            break
        shorter = {name.split(".", 1)[1]: tensor for name, tensor in tensors.items()}
        if prefix not in ("module", "_orig_mod") and len(wanted & set(shorter)) <= len(wanted & set(tensors)):
            break
        tensors = shorter
        taken.append(prefix)
    if not taken:
        return state
    prefixes = "".join(f"{prefix}." for prefix in taken)
    return State(state.source, tensors, [*state.notes, f"{state.source}: took the prefix {prefixes!r} off all names"])


def _merge_masks(state: State) -> None:
    """Pruned weights as they act: ``weight_orig * weight_mask``, as torch.nn.utils.prune does before each pass."""
    merged, nonzero = 0, 0
    for name in list(state.tensors):
        if name.endswith("_mask"):
            target, original = name.removesuffix("_mask"), name.removesuffix("_mask") + "_orig"
        elif not name.endswith(".0.mask"):
            continue
        else:  # parametrizations.weight.0.mask beside parametrizations.weight.original
            inside = name.removesuffix(".0.mask")
            before, _, last = inside.rpartition("parametrizations.")
            target, original = before + last, f"{inside}.original"
        masked = original if original in state.tensors else target
        if masked not in state.tensors:
            continue
        mask, weight = state.tensors.pop(name), state.tensors.pop(masked)
        if mask.shape != weight.shape or not bool(((mask == 0) | (mask == 1)).all()):
            found = f"a mask {list(mask.shape)} for a weight {list(weight.shape)}, or values other than 0 and 1"
            cure = "prune.remove(module, 'weight') where it was made, and save again"
            raise ModelError.of(state.source, name, found, "0 and 1 in the weight's shape", cure)
        nonzero += int(((weight != 0) & (mask == 0)).sum())
        state.tensors[target] = torch.where(mask.bool(), weight, torch.zeros_like(weight))
        merged += 1
    if merged:
        state.notes.append(
            f"{state.source}: merged {merged} pruning masks into their weights ({nonzero:,} masked weights were not 0)"
        )


def _check_numbers(state: State) -> None:
    error = ModelError(state.source)
    kinds = set()
    for name, tensor in state.tensors.items():
        if tensor.is_complex():
            error.add(name, "complex numbers", "real ones", "give weights of a classifier")
            break
        if tensor.is_floating_point():
            if tensor.dtype != torch.float32:
                kinds.add(str(tensor.dtype).removeprefix("torch."))
                tensor = tensor.to(torch.float32)
            wrong = int((~torch.isfinite(tensor)).sum())
            if wrong and len(error.problems) < SHOWN:
                found = f"NaN or infinity in {wrong:,} of {tensor.numel():,} weights"
                error.add(name, found, "finite weights", "take a checkpoint from before training diverged")
        state.tensors[name] = tensor
    error.raise_if_any()
    if kinds:
        state.notes.append(f"{state.source}: {', '.join(sorted(kinds))} weights become float32")


def fill(module: nn.Module, state: State, architecture: str) -> tuple[str, ...]:
    """Loads a state into a module, every tensor of it; returns what is to be said.

    Raises:
        ModelError: names that are missing or left over, shapes that differ.
    """
    own = module.state_dict()
    state = without_prefixes(state, own)
    for name, tensor in own.items():  # a count that was saved as an array of one
        count = state.tensors.get(name)
        if count is not None and tensor.ndim == 0 and count.numel() == 1:
            state.tensors[name] = count.reshape(())
    optional = {name for name in own if name.endswith("num_batches_tracked")}
    missing = sorted(set(own) - set(state.tensors) - optional)
    unexpected = sorted(set(state.tensors) - set(own))
    both = [(name, state.tensors[name].shape, own[name].shape) for name in own if name in state.tensors]
    shapes = [f"{name} {list(stored)} for {list(wanted)}" for name, stored, wanted in both if stored != wanted]
    error = ModelError(state.source)
    cure = "name the architecture that these weights belong to: ARCHITECTURE@FILE or --architecture"
    for what, wrong in {"missing": missing, "unexpected": unexpected, "differ": shapes}.items():
        if wrong:
            where, parts = ("shapes", "shapes") if what == "differ" else ("names", "tensors")
            error.add(where, f"{len(wrong)} {what}: {_listed(wrong)}", f"the {parts} of {architecture}", cure)
    error.raise_if_any()
    counts = {name: torch.zeros((), dtype=torch.int64) for name in optional}
    module.load_state_dict({**counts, **state.tensors}, assign=any(tensor.is_meta for tensor in own.values()))
    return tuple(state.notes)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
