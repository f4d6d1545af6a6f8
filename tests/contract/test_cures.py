"""A cure that names a flag or a command names one that is there, in the command that says it."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from conftest import TINY, piescope_command, run_piescope, run_program, run_python
from piescope import version
from piescope.cli.app import app

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "piescope"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
FLAGS = {
    name: {
        option
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    | {"--help"}
    for name, command in COMMANDS.items()
}

SAID_BY = {
    # folder or file: the commands in which its messages are seen
    "audits.py": ["audit"],
    "auditing": ["audit"],
    "adapters": ["audit"],
    "reading": ["audit"],
    "cli/audit.py": ["audit"],
    "data/opening.py": ["audit"],
    "data": ["run", "data", "plan", "audit"],
    "study/spec.py": ["run", "plan"],
    "study/execute.py": ["run"],
    "study/parse.py": ["run", "plan"],
}
NOT_OURS = {"--force-reinstall", "--version", "--topk", "--include-index"}
"""Those of pip and timm, and the one of `piescope` itself."""


def literals() -> Iterator[tuple[str, str]]:
    """Every text of the source that is no docstring, with its file."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [value.value if isinstance(value, ast.Constant) else "{}" for value in node.values]
                yield str(path.relative_to(SOURCE)), "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
                yield str(path.relative_to(SOURCE)), node.value


def flags_in(text: str) -> set[str]:
    return {flag.rstrip("-") for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)} - NOT_OURS


def test_every_flag_that_a_message_names_is_a_flag_of_the_commands_that_say_it() -> None:
    checked = 0
    for file, text in literals():
        # `piescope data NAME --data-dir DIR` inside a message is about that command
        for command, rest in re.findall(r"`piescope ([a-z]+)([^`]*)`", text):
            assert command in COMMANDS, (file, text)
            assert flags_in(rest) <= FLAGS[command], (file, text)
        bare = re.sub(r"`piescope [^`]*`", "", text)
        place = next((name for name in SAID_BY if file == name or file.startswith(f"{name}/")), None)
        for flag in flags_in(bare):
            if place is None:
                known = {each for options in FLAGS.values() for each in options} | {"--data"}
                assert flag in known, (file, text)
            else:
                for command in SAID_BY[place]:
                    assert flag in FLAGS[command], (file, command, text)
            checked += 1
    assert checked > 60


@pytest.mark.sampled(8, heavy=True)
def test_every_command_that_a_message_names_is_there() -> None:
    named = [(file, command) for file, text in literals() for command in re.findall(r"`piescope ([a-z][a-z-]*)", text)]
    assert len(named) >= 8
    assert [each for each in named if each[1] not in COMMANDS] == []


def test_flags_in_the_documents_are_there() -> None:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for command, rest in re.findall(
            r"^ {4}[ $]*piescope ([a-z]+)(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert command in COMMANDS, (path.name, command)
            assert flags_in(rest.split("#")[0]) <= FLAGS[command], (path.name, command, rest)


def test_a_flag_means_one_thing() -> None:
    """--data names a data set, --data-dir says where it lies; what --data was in other commands is accepted and not shown."""
    assert "--data" in FLAGS["audit"]
    for command in ("run", "plan", "data", "audit"):
        assert "--data-dir" in FLAGS[command]
    for command in ("run", "plan", "data"):
        assert "--data" not in FLAGS[command]


def test_the_former_flag_still_works(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    for command in (["data", "cifar10"], ["run", "cifar10-small", "--out", tmp_path / "out"]):
        for flag in ("--data", "--data-dir"):
            done = run_piescope(*command, flag, missing)
            assert done.returncode == 2
            assert "nothing there" in done.stderr
        done = run_piescope(*command, "--data", "cifar10", cwd=tmp_path)
        assert done.returncode == 2
        assert "--data-dir DIR" in done.stderr
        done = run_piescope(*command, "--data", missing, "--data-dir", missing)
        assert done.returncode == 2
        assert "leave --data out" in done.stderr


def test_plan_looks_at_the_data_where_it_is_told_to(tmp_path: Path) -> None:
    study = tmp_path / "mine.toml"
    study.write_text(
        TINY.read_text().replace('source = "digits"', 'source = "arrays"\nholds = { train_examples = 20, test_examples = 20, image_shape = [1, 8, 8], num_classes = 10 }')
    )  # fmt: skip
    done = run_piescope("plan", study, "--data-dir", tmp_path / "nowhere")
    assert done.returncode == 2, done.stdout


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ("", "python -m pip install 'piescope[onnx]'"),
        ("no json", "python -m pip install 'piescope[onnx]'"),
        ('{"url": "file:///home/me/my%20work", "dir_info": {"editable": true}}', "python -m pip install -e '/home/me/my work[onnx]'"),
        ('{"url": "file:///home/me/piescope", "dir_info": {}}', "python -m pip install '/home/me/piescope[onnx]'"),
        ('{"url": "file:///tmp/piescope-0.1.0-py3-none-any.whl", "archive_info": {}}', "python -m pip install '/tmp/piescope-0.1.0-py3-none-any.whl[onnx]'"),
        ('{"url": "https://example.org/p.git", "vcs_info": {"vcs": "git"}}', "python -m pip install 'piescope[onnx] @ git+https://example.org/p.git'"),
    ],
)  # fmt: skip
def test_libraries_are_added_to_the_installation_that_asks(
    origin: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noted:
        def read_text(self, _name: str) -> str:
            return origin

    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: Noted())
    assert version.install_command("onnx") == command


@pytest.mark.sampled(8, heavy=True)
def test_the_command_for_a_checkout_names_this_checkout_and_an_extra_that_it_has() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {extra for _, text in literals() for extra in re.findall(r"piescope\[(\w+)\]", text)}
    source = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    asked |= set(re.findall(r'install_command\("(\w+)"\)', source))
    asked |= set(re.findall(r' library\([^()]*, "(\w+)"\)', source))  # of adapters: what only some models need
    assert asked <= extras.keys()
    assert {"models", "onnx"} <= asked
    noted = version._origin()
    if noted.get("dir_info") == {"editable": True}:
        assert version.install_command("models") == f"python -m pip install -e '{ROOT}[models]'"


@pytest.mark.sampled(8, heavy=True)
def test_a_missing_library_is_told_with_that_command(tmp_path: Path) -> None:
    for library, text in (
        ("timm", "timm:resnet18"),
        ("transformers", "hf:google/vit"),
        ("onnxruntime", "onnx:net.onnx"),
    ):
        (tmp_path / f"{library}.py").write_text(f"raise ImportError('no {library}', name='{library}')\n")
        (tmp_path / "net.onnx").write_bytes(b"\x08\x07" + bytes(100))
        done = run_program(  # a new interpreter, which has not loaded the libraries yet
            piescope_command("audit", text, text, "--data", "digits", "--out", tmp_path / "out"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        assert done.returncode == 2, done.stderr
        assert "python -m pip install" in done.stderr


def test_the_version_stands_in_one_place_and_is_said_without_torch() -> None:
    import importlib.metadata

    import piescope

    assert piescope.__version__ == version.__version__ == importlib.metadata.version("piescope")
    code = "import sys; sys.argv = ['piescope', '--version']\nfrom piescope.__main__ import main\ntry:\n    main()\nexcept SystemExit as end:\n    print(end.code, [m for m in ('torch', 'numpy', 'pydantic', 'pyarrow') if m in sys.modules])"
    done = run_python(code)
    assert done.stdout == f"piescope {version.__version__}\n0 []\n", done.stderr
    said = [path for path in SOURCE.rglob("*.py") if re.search(r"[\"']\d+\.\d+\.\d+[\"']", path.read_text())]
    assert said == [SOURCE / "version.py"]
    assert json.dumps(version.__version__) not in (ROOT / "pyproject.toml").read_text()
