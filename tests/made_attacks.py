"""Files that would run code, or take far more memory than they are large: what an audit may be given by anybody.

Code that any of them ran would make the file `mark`, which must never exist.
"""

from __future__ import annotations

import inspect
import pickle
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from conftest import run_program, yardstick

HUGE = 10**10


class Calls:
    """Pickled, it is a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def calls_of(mark: Path) -> dict[str, Calls]:
    """Ways in which a pickle runs code of its own."""
    import builtins
    import os
    import runpy
    import shutil
    import subprocess

    command = f"touch '{mark}'"
    code = f"open({str(mark)!r}, 'w')"
    return {
        "system": Calls(os.system, command),
        "popen": Calls(os.popen, command),
        "subprocess": Calls(subprocess.check_call, ["touch", str(mark)]),
        "eval": Calls(builtins.eval, code),
        "exec": Calls(builtins.exec, code),
        "open": Calls(builtins.open, str(mark), "w"),
        "getattr": Calls(builtins.getattr, "", "format"),
        "import": Calls(builtins.__import__, "os"),
        "copy": Calls(shutil.copy, __file__, str(mark)),
        "runpy": Calls(runpy.run_path, __file__),
        "torch.load": Calls(torch.load, str(mark)),
        "torch.save": Calls(torch.save, 0, str(mark)),
        "torch.hub": Calls(torch.hub.load, "hostile", "hostile"),
        "from_file": Calls(torch.from_file, str(mark), True, 8),
        "lambda": Calls(pickle.loads, pickle.dumps(Calls(os.system, command))),
    }


def running_checkpoints(folder: Path, mark: Path) -> Iterator[Path]:
    """Checkpoints that would run code, in each container that torch has had."""
    for name, call in calls_of(mark).items():
        for zipped in (True, False):
            path = folder / f"{name}-{'zip' if zipped else 'old'}.pt"
            torch.save({"conv1.weight": torch.zeros(2), "x": call}, path, _use_new_zipfile_serialization=zipped)
            yield path
        for protocol in (0, 2, 4):
            (path := folder / f"{name}-{protocol}.bin").write_bytes(pickle.dumps({"x": call}, protocol))
            yield path
    torch.jit.script(nn.Linear(2, 2)).save(folder / "script.pt")
    yield folder / "script.pt"
    with zipfile.ZipFile(folder / "program.pt2", "w") as archive:  # as torch.export has it, which takes seconds to load
        archive.writestr("program/archive_format", "pt2")
        archive.writestr("program/models/model.json", "{}")
    yield folder / "program.pt2"
    torch.save(nn.Linear(2, 2), folder / "whole.ckpt")
    yield folder / "whole.ckpt"
    (folder / "weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    yield folder / "weights.h5"
    (folder / "names.pt").write_bytes(b"cos\nsystem\n(S'" + f"touch {mark}".encode() + b"'\ntR.")
    yield folder / "names.pt"


def large_checkpoints(folder: Path) -> dict[str, Path]:
    """Checkpoints of a few kB whose tensors are gigabytes, or whose reading takes for ever; by what they do."""
    made: dict[str, Path] = {}

    def saved(name: str, value: Any, **how: Any) -> None:
        made[name] = folder / f"{name}.pt"
        torch.save({"conv1.weight": value} if not isinstance(value, dict) else value, made[name], **how)

    one = torch.ones(1)
    saved("expanded", one.expand(HUGE))
    saved("expanded-old", one.expand(HUGE), _use_new_zipfile_serialization=False)
    saved("expanded-half", one.half().expand(HUGE))
    saved("expanded-within", {"state_dict": {"model.conv1.weight": one.expand(HUGE)}})
    saved("overlapping", torch.as_strided(torch.ones(2000), (1000, 1000, 1000), (1, 1, 0)))
    tied = torch.zeros(500_000, dtype=torch.half)
    saved("tied", {f"{number}.weight": tied for number in range(2_000)})
    saved("meta", torch.empty(HUGE, device="meta"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to give quantised tensors up
        saved("sparse", torch.sparse_coo_tensor(torch.zeros(1, 1, dtype=torch.long), one, (HUGE,)))
        crow, column = torch.tensor([0, 1]), torch.tensor([0])
        saved("sparse-rows", torch.sparse_csr_tensor(crow, column, one, (1, HUGE)))
        saved("quantised", torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8))
    saved("bytes", Calls(bytearray, HUGE))
    saved("made", Calls(torch.FloatTensor, HUGE))
    saved("made-plain", Calls(torch.Tensor, HUGE))
    saved("shape", Calls(torch.Size, [HUGE] * 40))
    _pickles(folder, made)
    _archives(folder, made)
    header = b'{"conv1.weight":{"dtype":"F32","shape":[10000000000],"data_offsets":[0,40000000000]}}'
    (folder / "promised.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    made["promised"] = folder / "promised.safetensors"
    deep = b'{"a":' + b"[" * 2**23
    (folder / "deep.safetensors").write_bytes(struct.pack("<Q", len(deep)) + deep)
    made["deep"] = folder / "deep.safetensors"
    return made


def _pickles(folder: Path, made: dict[str, Path]) -> None:
    """Pickles that torch.save would not write."""
    twice = b"".join(b"h" + bytes([place]) + b"\x86q" + bytes([place + 1]) for place in range(60))
    for name, content in {
        "hashed": b"\x80\x02}X\x01\x00\x00\x00aq\x00" + twice + b"K\x01s.",  # a key whose hash takes 2^60 steps
        "operations": b"\x80\x02" + b"N" * 2**23 + b".",
        "marks": b"\x80\x02" + b"(" * 2**23 + b".",
        "memory": b"\x80\x02}r\xff\xff\xff\x7f.",
        "text": b"\x80\x02X\xff\xff\xff\x7fa.",
        "number": b"\x80\x02\x8b" + struct.pack("<I", 2**22) + b"\x7f" * 2**22 + b".",
    }.items():
        made[name] = folder / f"{name}.pt"
        with zipfile.ZipFile(made[name], "w") as archive:
            archive.writestr("archive/data.pkl", content)


def _archives(folder: Path, made: dict[str, Path]) -> None:
    """Archives that unpack to more, or lie of what is in them."""
    whole = folder / "whole.pt"
    torch.save({"conv1.weight": torch.zeros(1_000_000)}, whole)
    with zipfile.ZipFile(whole) as archive:
        content = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    whole.unlink()
    for name, how in {"packed": zipfile.ZIP_DEFLATED, "packed-lzma": zipfile.ZIP_LZMA}.items():
        made[name] = folder / f"{name}.pt"
        with zipfile.ZipFile(made[name], "w", how) as archive:
            for entry, data in content.items():
                archive.writestr(entry, data)
    made["nested"] = folder / "nested.pt"
    with zipfile.ZipFile(made["nested"], "w") as archive:
        archive.write(made["packed"], "archive/data.pkl")
    made["twice"] = folder / "twice.pt"
    with warnings.catch_warnings(), zipfile.ZipFile(made["twice"], "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there already
        for _ in range(2):
            archive.writestr("archive/data.pkl", b"\x80\x02}.")
    made["entries"] = folder / "entries.pt"
    with zipfile.ZipFile(made["entries"], "w") as archive:
        for number in range(20_000):
            archive.writestr(f"archive/data/{number}", b"")
    small = next(data for entry, data in content.items() if entry.endswith("data.pkl"))
    for name, change in LIES.items():
        made[name] = folder / f"{name}.pt"
        with zipfile.ZipFile(made[name], "w") as archive:
            archive.writestr("archive/data.pkl", small)
            archive.writestr("archive/data/0", bytes(1000))
        made[name].write_bytes(change(made[name].read_bytes()))


def _directory(content: bytes, place: int, number: int, last: bool = True) -> bytes:
    """Another number in the list of entries."""
    entry = content.rindex(b"PK\x01\x02") if last else content.index(b"PK\x01\x02")
    return content[: entry + place] + struct.pack("<I", number) + content[entry + place + 4 :]


LIES: dict[str, Callable[[bytes], bytes]] = {
    "size": lambda content: _directory(_directory(content, 24, 2**31), 20, 2**31),
    "overlap": lambda content: _directory(content, 42, 0),
    "outside": lambda content: _directory(content, 42, 2**31),
    "list": lambda content: content[:-10] + struct.pack("<I", 2**31) + content[-6:],
}
"""Archives that say other sizes and places than they have."""

YARDSTICK = inspect.getsource(yardstick)
"""To say how long other work took on any machine; of a program that imports time."""

READ_EACH = """
import resource, sys, time
from pathlib import Path
{yardstick}
resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))  # what allocates as asked ends here, and not with the machine
{imports}
from piescope.problems import InputError

def peak():
    "MB of this program alone; ru_maxrss would begin with what its parent held."
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024

unit = yardstick()
for name in sys.argv[1:]:
    start = time.process_time()
    try:
        {read}
        said = "read"
    except InputError as error:
        said = str(error).replace(chr(10), " ")
    except Exception as error:
        said = f"raised {{type(error).__name__}}: {{error}}"
    print(time.process_time() - start, peak(), said[:300].replace(chr(9), " "), sep=chr(9), flush=True)
print(max(unit, yardstick()))
"""


def measured(paths: list[Path], imports: str, read: str) -> list[tuple[float, int, str]]:
    """Each file read in one process of its own: time in yardsticks, MB at most so far, and what was said.

    Args:
        paths: the files.
        imports: lines that the process begins with.
        read: an expression of ``Path(name)``.
    """
    code = READ_EACH.format(imports=imports, read=read, yardstick=YARDSTICK)
    done = run_program([sys.executable, "-c", code, *paths])
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]
    *rows, unit = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(paths)
    return [(float(seconds) / float(unit[0]), int(megabytes), said) for seconds, megabytes, said in rows]
