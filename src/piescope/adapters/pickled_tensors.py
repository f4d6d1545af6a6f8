"""What a pickle of torch.save says, read off its operations: none is carried out, nothing imported, called or made.

`torch.load(weights_only=True)` is no bound: it lets a pickle call what allocates (``bytearray(10**10)``, an expanded or
a sparse tensor of any size), and twice it let one run code (CVE-2025-32434, CVE-2026-24747).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

MOST_OPERATIONS = 1_000_000
"""A tensor takes about forty."""

MOST_MARKS = 10_000
"""Open at once; Python's pickler ends at a nesting of some hundreds."""

MOST_DIMENSIONS = 32


@dataclass(frozen=True)
class Storage:
    """Numbers that lie in the file.

    Attributes:
        key: what the file calls them.
        dtype: as torch names it, ``"float32"``.
        count: numbers of the whole.
        offset: numbers of the whole before a view of it begins.
    """

    key: str
    dtype: str
    count: int
    offset: int = 0


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as the file describes it; numbers, not bytes, count in ``offset`` and ``strides``."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class SparseTensor:
    """A tensor of zeros but for these values ``[nonzero]`` at these indices ``[dimension, nonzero]``."""

    indices: StoredTensor
    values: StoredTensor
    shape: tuple[int, ...]


@dataclass(frozen=True)
class OtherTensor:
    """A tensor that is no plain numbers: ``"quantised"``, ``"meta"`` ..."""

    kind: str


AnyTensor = StoredTensor | SparseTensor | OtherTensor


@dataclass(frozen=True)
class Named:
    """Something of Python's by its name; nothing is looked up."""

    name: str


@dataclass(frozen=True)
class NoTensor:
    """A value that is neither a tensor nor a container of them: a device, a set, bytes."""


class RunsCodeError(Exception):
    """A pickle that would call something beside what makes tensors; the argument is its name."""


PARAMETER = "torch.nn.parameter.Parameter"
STORAGES = {
    **{"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Bool": "bool"},
    **{"Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8"},
    **{"ComplexFloat": "complex64", "ComplexDouble": "complex128"},
    **{"QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32", "QUInt4x2": "quint4x2", "QUInt2x4": "quint2x4"},
}
"""Kinds of torch's storages and of what they are."""

OTHER_TENSORS = {
    "_rebuild_qtensor": "quantised",
    "_rebuild_meta_tensor_no_storage": "empty (meta)",
    "_rebuild_nested_tensor": "nested",
    "_rebuild_wrapper_subclass": "wrapped",
    "_rebuild_device_tensor_from_numpy": "device's own",
    "_rebuild_device_tensor_from_cpu_tensor": "device's own",
}

HARMLESS = {
    *("collections.Counter", "torch.device", "torch.serialization._get_layout", "_codecs.encode"),
    *("builtins.bytearray", "builtins.complex", "builtins.set"),
}
"""What checkpoints hold beside tensors; what it would make is left out."""


def followed(content: BytesIO, storages: dict[str, Storage] | None = None) -> Any:
    """What one pickle says; the stream is behind it then.

    Args:
        content: where it begins.
        storages: gets those that it names, by key.

    Returns:
        dicts, lists, tuples, texts and numbers; `AnyTensor` for tensors, `NoTensor` for other objects.

    Raises:
        RunsCodeError: it would call something that no tensor needs.
        ValueError: it is damaged, or of operations that torch.save does not write.

    Example:
        >>> import pickle
        >>> followed(BytesIO(pickle.dumps({"epoch": 3, "loss": [0.5]}, 2)))
        {'epoch': 3, 'loss': [0.5]}
    """
    machine = _Machine({} if storages is None else storages)
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if count >= MOST_OPERATIONS:
            _damaged(f"a pickle of more than {MOST_OPERATIONS:,} operations")
        if operation.name == "STOP":
            return machine.top(pops=True)
        if operation.name in _VALUES:
            machine.stack.append(argument)
        elif operation.name in _STEPS:
            _STEPS[operation.name](machine, argument)
        elif operation.name not in ("PROTO", "FRAME"):
            _damaged(f"an operation {operation.name}, which torch.save does not write")
    _damaged("a pickle without an end")


def _damaged(why: str) -> NoReturn:
    raise ValueError(why)


class _Machine:
    """A pickle's stack and memory."""

    def __init__(self, storages: dict[str, Storage]) -> None:
        self.storages = storages
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memory: dict[int, Any] = {}

    def top(self, pops: bool = False) -> Any:
        if not self.stack:
            _damaged("a pickle that takes what is not there")
        return self.stack.pop() if pops else self.stack[-1]

    def pop(self, kind: type) -> Any:
        value = self.top(pops=True)
        return value if type(value) is kind else _damaged(f"a {type(value).__name__} for a {kind.__name__}")

    def since_mark(self) -> list[Any]:
        if not self.below:
            _damaged("a pickle that takes what is not there")
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: Any) -> None:
        if len(self.below) >= MOST_MARKS:
            _damaged(f"a pickle of more than {MOST_MARKS:,} values within each other")
        self.below.append(self.stack)
        self.stack = []

    def remember(self, place: int) -> None:
        self.memory[place] = self.top()

    def recall(self, place: int) -> None:
        if place not in self.memory:
            _damaged("a pickle that recalls what it has not seen")
        self.stack.append(self.memory[place])

    def tuple_since_mark(self, _: Any) -> None:
        items = tuple(self.since_mark())
        self.stack.append(items)

    def tuple_of(self, size: int) -> None:
        self.stack.append(tuple([self.top(pops=True) for _ in range(size)][::-1]))

    def extend(self, items: list[Any]) -> None:
        made = self.top()
        if type(made) is list:
            made.extend(items)
        elif not isinstance(made, NoTensor):
            _damaged("items of what is no list")

    def put(self, items: list[Any]) -> None:
        made = self.top()
        if type(made) is dict:
            made.update(_pairs(list(zip(items[::2], items[1::2], strict=True))))
        elif not isinstance(made, NoTensor):
            _damaged("items of what is no dict")

    def named(self, argument: str) -> None:
        name = argument.replace(" ", ".", 1).replace("__builtin__.", "builtins.")  # as the protocol has it
        if _dtype(name) is None and name not in _CALLED and name not in HARMLESS:
            raise RunsCodeError(name)
        self.stack.append(Named(name))

    def reduce(self, _: Any) -> None:
        arguments, what = self.pop(tuple), self.pop(Named)
        self.stack.append(_called(what, arguments))

    def build(self, _: Any) -> None:
        self.top(pops=True)  # attributes of what is below: no weights

    def stored(self, _: Any) -> None:
        said = self.pop(tuple)
        if said[:1] != ("storage",) or len(said) not in (5, 6) or type(said[1]) is not Named:
            _damaged("a persistent id that is no storage")
        _, kind, key, _, count, *view = said
        dtype, first = _dtype(kind.name), 0
        if view and view[0] is not None:
            _, first, _ = view[0]
        if dtype is None or not isinstance(key, str):
            _damaged("a storage of no kind, or without a name")
        storage = Storage(key, dtype, _whole(count), _whole(first))
        self.storages[key] = storage
        self.stack.append(storage)


def _whole(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 1 << 62 else _damaged(f"a size of {str(value)[:30]}")


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) > MOST_DIMENSIONS:
        _damaged("a tensor without a shape, or of too many dimensions")
    return tuple(map(_whole, value))


def _pairs(items: Any) -> dict[Any, Any]:
    """A dict of a list, which is empty then: read again and again it would be as many dicts.

    Names are texts or numbers: the hash of a tuple of tuples may take for ever.
    """
    if not isinstance(items, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in items):
        _damaged("a dict that is made of no pairs")
    if not all(isinstance(key, str | int | float | None) for key, _ in items):
        _damaged("names that are neither text nor numbers")
    made = dict(items)
    items.clear()
    return made


def _dtype(name: str) -> str | None:
    """Of a kind of storage, or of a dtype's own name; None: it is neither."""
    module, _, last = name.rpartition(".")
    if module in ("torch", "torch.storage", "torch.cuda"):
        if last in ("UntypedStorage", "_UntypedStorage"):
            return "uint8"
        kind = STORAGES.get(last.removesuffix("Storage")) if last.endswith("Storage") else None
        return kind or (last if module == "torch" and last in DTYPES else None)
    return None


DTYPES = {*STORAGES.values(), "uint16", "uint32", "uint64"} | {
    f"float8_{kind}" for kind in ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu")
}


def _called(what: Named, arguments: tuple[Any, ...]) -> Any:
    """What a call would give, told from its arguments."""
    if what.name in HARMLESS or what.name not in _CALLED:
        return NoTensor()
    try:
        return _CALLED[what.name](*arguments)
    except (TypeError, IndexError) as reason:
        raise ValueError(f"{what.name} of other arguments than torch.save writes") from reason


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor | OtherTensor:
    named = next((_dtype(part.name) for part in rest if isinstance(part, Named)), None)
    if not isinstance(storage, Storage) or len(_sizes(shape)) != len(_sizes(strides)):
        _damaged("a tensor without a storage, or with other strides than sizes")
    dtype = named or storage.dtype
    if dtype.startswith("q"):
        return OtherTensor("quantised")
    return StoredTensor(storage, dtype, _whole(offset), _sizes(shape), _sizes(strides))


def _sparse(_layout: Any, data: Any) -> SparseTensor | OtherTensor:
    """COO: indices, values, shape. The compressed layouts have more parts."""
    indices, values, shape, *_ = data
    if isinstance(indices, StoredTensor) and isinstance(values, StoredTensor) and isinstance(shape, tuple):
        return SparseTensor(indices, values, _sizes(shape))
    return OtherTensor("sparse (compressed)")


def _of_type(function: Any, _type: Any, arguments: Any, _state: Any) -> Any:
    if not isinstance(function, Named) or not isinstance(arguments, tuple) or function.name not in _REBUILT:
        _damaged("a tensor of a class of its own")
    return _called(function, arguments)


def _other(kind: str) -> Callable[..., OtherTensor]:
    return lambda *_: OtherTensor(kind)


_REBUILT: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    **{f"torch._utils.{name}": _other(kind) for name, kind in OTHER_TENSORS.items()},
}

_CALLED: dict[str, Callable[..., Any]] = {
    **_REBUILT,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch._utils._rebuild_parameter_with_state": lambda data, *_: data,
    PARAMETER: lambda data, *_: data,
    "torch.Tensor": lambda *_: NoTensor(),
    "torch.Size": lambda sizes=(): _sizes(sizes),
    "collections.OrderedDict": lambda items=None: {} if items is None else _pairs(items),
    **{f"torch.per_{kind}": lambda *_: NoTensor() for kind in ("tensor_affine", "channel_affine", "tensor_symmetric")},
    **{f"torch.per_{kind}": lambda *_: NoTensor() for kind in ("channel_symmetric", "channel_affine_float_qparams")},
}

_VALUES = {
    *("NONE", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINSTRING", "SHORT_BINSTRING", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
}
"""Operations that put their argument on the stack; NONE has none."""

_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "MARK": _Machine.mark,
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "EMPTY_SET": lambda machine, _: machine.stack.append(NoTensor()),
    "TUPLE": _Machine.tuple_since_mark,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.extend([machine.top(pops=True)]),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.put([machine.top(pops=True), machine.top(pops=True)][::-1]),
    "SETITEMS": lambda machine, _: machine.put(machine.since_mark()),
    "GLOBAL": _Machine.named,
    "STACK_GLOBAL": lambda machine, _: machine.named(" ".join((machine.pop(str), machine.pop(str))[::-1])),
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.stored,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": lambda machine, _: machine.remember(len(machine.memory)),
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
}
