"""Machine code that numba makes of UMAP is kept for the next process: seven seconds of a processor in each one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from piescope.machine import versions

LIBRARIES = ("umap", "pynndescent")
"""Packages whose functions numba compiles."""

MADE_OF = ("umap-learn", "pynndescent", "numba", "llvmlite", "numpy", "scipy")
"""Code of other versions of these is never used: a function holds those that it calls, from other files."""


def keep_compiled(packages: Sequence[str] = LIBRARIES) -> None:
    """Lets numba keep what it compiles, to be called once the library is imported.

    Where numba keeps such code: NUMBA_CACHE_DIR, beside the library, or in the user's cache. Without a place to write
    all is compiled as before.

    Args:
        packages: whose functions.
    """
    caching: Any = import_module("numba.core.caching")
    functions: Any = import_module("numba.core.registry").CPUDispatcher
    of_versions = tuple(sorted(versions(MADE_OF).items()))

    class Kept(caching.FunctionCache):  # type: ignore[misc]
        """One function's code; a full disk or a damaged file is a reason to compile, not to end."""

        def load_overload(self, *asked: Any) -> Any:
            try:
                return super().load_overload(*asked)
            except Exception:
                with suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, *made: Any) -> None:
            with suppress(OSError):
                super().save_overload(*made)

        def _index_key(self, *of: Any) -> tuple[Any, ...]:
            return (*super()._index_key(*of), of_versions)

    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in packages]
    for function in [value for module in modules for value in vars(module).values()]:
        if isinstance(function, functions) and isinstance(function._cache, caching.NullCache):
            with suppress(RuntimeError):  # no place to write
                function._cache = Kept(function.py_func)
