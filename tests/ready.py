"""An interpreter that has loaded what commands load, and becomes one of them when asked, by a fork: a new interpreter without its second of imports.

What a command does to its own process (folder, environment, signals, streams, its end) stays its own. Run as a program
it reads one request a line, {"arguments", "prelude", "cwd", "env", "out", "err"}, and answers each with the command's exit code and
processor seconds.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, NoReturn

LOADED = (
    "numpy", "pyarrow.parquet", "pyarrow.csv", "pyarrow.json", "scipy.stats", "safetensors.numpy", "jinja2", "PIL.Image", "rich.console",
    "rich.table", "typer.rich_utils", "pydantic.type_adapter", "piescope.__main__", "piescope.cli.app", "piescope.cli.audit",
    "piescope.cli.planning", "piescope.audits", "piescope.study.parse", "piescope.study.execute", "piescope.study.tuning",
    "piescope.auditing.run", "piescope.auditing.verdict", "piescope.adapters.opening", "piescope.adapters.running",
    "piescope.adapters.torch_models", "piescope.report.audit.document", "piescope.report.audit.explorer", "piescope.report.layout.html",
    "piescope.report.layout.lines", "piescope.report.layout.markdown", "piescope.report.study.build", "matplotlib.figure",
    "matplotlib.backends.backend_svg", "matplotlib.backends.backend_pdf", "torch", "torch._dynamo",
)  # fmt: skip
"""All of a command's modules; torch loads the last one when operations of a model are counted."""


class Ready:
    """The client's end: starts the interpreter at the first command, which ends with this process.

    Attributes:
        processor_seconds: that its commands, and the programs that they waited for, have taken.
    """

    def __init__(self) -> None:
        self.processor_seconds = 0.0
        self._server: subprocess.Popen[str] | None = None

    def run(
        self, arguments: list[str], cwd: Path | None, env: dict[str, str], timeout: float, prelude: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Like subprocess.run of `piescope` with these arguments, after a prelude in Python."""
        server = self._started()
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            asked = {
                "arguments": arguments,
                "prelude": prelude,
                "cwd": str(cwd or Path.cwd()),
                "env": env,
                "out": str(out),
                "err": str(err),
            }
            assert server.stdin is not None and server.stdout is not None
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            answer = server.stdout.readline() if select.select([server.stdout], [], [], timeout)[0] else ""
            if not answer:
                server.kill()
                self._server = None
                raise subprocess.TimeoutExpired(arguments, timeout)
            code, seconds = answer.split()
            self.processor_seconds += float(seconds)
            return subprocess.CompletedProcess(arguments, int(code), out.read_text(), err.read_text())

    def _started(self) -> subprocess.Popen[str]:
        if self._server is None:
            pipe = subprocess.PIPE
            self._server = subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, text=True)
            atexit.register(self._stop, self._server)
        return self._server

    @staticmethod
    def _stop(server: subprocess.Popen[str]) -> None:
        server.communicate()


def serve() -> None:
    """Answers requests until there are no more."""
    import importlib

    for module in LOADED:
        importlib.import_module(module)
    templates = sys.modules["piescope.report.layout.html"].templates()
    for name in templates.list_templates(["html"]):
        templates.get_template(name)
    gc.freeze()  # a fork that collects garbage would copy all of it
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            end(become(asked))
        _, status, used = os.wait4(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {used.ru_utime + used.ru_stime}\n")
        sys.stdout.flush()


def become(asked: dict[str, Any]) -> int | str | None:
    """Does a command in this process."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    tempfile.tempdir = None
    sys.stdin, sys.stdout, sys.stderr = (
        stream(0, os.devnull, "r"),
        stream(1, asked["out"], "w"),
        stream(2, asked["err"], "w"),
    )
    sys.argv = ["piescope", *asked["arguments"]]
    from piescope.__main__ import main

    exec(asked["prelude"], {})
    try:
        main()
    except SystemExit as end:
        return end.code
    return 0


def end(code: int | str | None) -> NoReturn:
    """Ends this process as an interpreter does, but for taking down, one by one, what it never made."""
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1 if code else 0)


def stream(number: int, path: str, mode: str) -> IO[str]:
    """Standard input, output or error as a new interpreter would have it, from or to a file."""
    opened = os.open(path, os.O_RDONLY if mode == "r" else os.O_WRONLY | os.O_CREAT)
    os.dup2(opened, number)
    os.close(opened)
    return open(number, mode, encoding="utf-8", errors="backslashreplace" if number == 2 else "strict", closefd=False)


READY = Ready()
"""That of this process."""


if __name__ == "__main__":
    serve()
