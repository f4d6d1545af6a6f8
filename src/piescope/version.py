"""Which piescope this is, and how to have more of it installed. The version stands here and nowhere else."""

from __future__ import annotations

__version__ = "0.1.0"


def install_command(extra: str) -> str:
    """The command that adds an extra's libraries to this very installation.

    A name alone would ask an index for piescope, which may have another one, or none.

    Args:
        extra: ``"study"``, ``"models"`` or ``"onnx"``.

    Example:
        >>> install_command("onnx").startswith("python -m pip install ")
        True
    """
    from urllib.parse import unquote, urlsplit

    origin = _origin()
    url, folder = str(origin.get("url", "")), origin.get("dir_info")
    if url.startswith("file:"):
        place = unquote(urlsplit(url).path)
        editable = isinstance(folder, dict) and folder.get("editable") is True
        return f"python -m pip install {'-e ' if editable else ''}'{place}[{extra}]'"
    vcs = origin.get("vcs_info")
    if isinstance(vcs, dict):
        return f"python -m pip install 'piescope[{extra}] @ {vcs.get('vcs', 'git')}+{url}'"
    return f"python -m pip install 'piescope[{extra}]'"


STUDY = ("torch", "sklearn", "threadpoolctl", "faiss", "umap", "matplotlib", "tomli_w", "pooch", "requests")
"""What the extra ``study`` brings, by the names that are imported."""

EXTRAS = {**dict.fromkeys(STUDY, "study"), "ray": "ray", "submitit": "slurm"}
"""By the names that are imported, the extra that brings it."""


def missing_extra(error: ImportError) -> str | None:
    """The command that installs what could not be imported; None: it belongs to every installation.

    Args:
        error: as it was raised.

    Example:
        >>> missing_extra(ModuleNotFoundError("No module named 'faiss'", name="faiss")) == install_command("study")
        True
        >>> missing_extra(ModuleNotFoundError("No module named 'numpy'", name="numpy")) is None
        True
    """
    extra = EXTRAS.get((error.name or "").split(".")[0])
    return install_command(extra) if isinstance(error, ModuleNotFoundError) and extra else None


def _origin() -> dict[str, object]:
    """What pip noted of where piescope came from (PEP 610); empty: from an index."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        noted = distribution("piescope").read_text("direct_url.json")
        content = json.loads(noted) if noted else {}
    except (PackageNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
