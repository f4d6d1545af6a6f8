"""Code that its user trusts: ``FILE.py:function``. The one place where an audit executes anything of others."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from piescope.adapters.protocol import ModelError, summary
from piescope.problems import InputError


def call_function(path: Path, function: str) -> Any:
    """Executes the file and calls the function without arguments; its folder can be imported from meanwhile.

    Raises:
        ModelError: no such file or function, or it fails; the message names the line.
    """
    where = f"{path.name}:{function}"
    if not path.is_file():
        raise ModelError.of(where, path.name, "no such file", "a Python file", "check the path")
    name = f"_audited_{path.stem}_{abs(hash(str(path.resolve()))):x}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ModelError.of(where, path.name, "a file that Python cannot import", "a .py file", "rename it")
    module = importlib.util.module_from_spec(specification)
    folder = str(path.resolve().parent)
    before = set(sys.modules)
    sys.path.insert(0, folder)
    sys.modules[name] = module  # dataclasses and copies of its objects look their module up
    try:
        specification.loader.exec_module(module)
        made = getattr(module, function, None)
        if not callable(made):
            known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            expected = "one of: " + (", ".join(known[:8]) or "none is there")
            raise ModelError.of(where, function, "no such function", expected, "name a function that returns the model")
        return made()
    except InputError:
        raise
    except (Exception, SystemExit) as reason:
        lines = [frame for frame in traceback.extract_tb(reason.__traceback__) if Path(frame.filename) == path]
        place = f"{path.name}, line {lines[-1].lineno}" if lines else path.name
        expected = "a function that returns the model"
        raise ModelError.of(where, place, summary(reason), expected, "correct it") from reason
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        for other in set(sys.modules) - before - {name}:
            # another model's file may have neighbours of the same names
            if Path(getattr(sys.modules[other], "__file__", None) or "/").parent == Path(folder):
                del sys.modules[other]
