"""Pages in a notebook and in a browser."""

from __future__ import annotations

import html
import os
import re
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import run_python
from piescope import notebooks
from piescope.notebooks import ShownPage, framed, in_notebook, open_in_browser, opened

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;"


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise notebooks.webbrowser.Error

    monkeypatch.setattr(notebooks.webbrowser, "get", none)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "a folder" / "report.html"
    path.parent.mkdir()
    path.write_text("<!doctype html><p>the page</p>")
    return path


def test_a_frame_holds_the_page_as_it_is_and_nothing_of_it_is_the_notebooks() -> None:
    shown = framed(f"<p>{HOSTILE}</p>", HOSTILE, instead=HOSTILE)
    held = re.search(r'<iframe srcdoc="([^"]*)" sandbox="" ', shown)
    assert held is not None and html.unescape(held[1]) == f"<p>{HOSTILE}</p>"
    outside = shown.replace(held[0], "")
    assert "<script" not in outside and "<img" not in outside and outside.count(html.escape(HOSTILE)) == 3


@pytest.mark.usefixtures("no_browser")
def test_without_a_browser_a_page_is_its_path(page: Path) -> None:
    shown = opened(page)
    assert not shown.is_open
    assert (str(shown), os.fspath(shown), repr(shown)) == (str(page), str(page), f"ShownPage({str(page)!r})")


def test_a_script_prints_nothing_and_waits_for_no_browser(page: Path, tmp_path: Path) -> None:
    """The browser would never end by itself, and it prints."""
    program = tmp_path / "fake browser"
    stop = tmp_path / "stop"
    program.write_text(f'#!/bin/sh\necho hello\nwhile [ ! -e "{stop}" ]; do sleep 0.05; done\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    code = (
        f"from pathlib import Path; from piescope.notebooks import opened; assert opened(Path({str(page)!r})).is_open"
    )
    done = run_python(code, env={**os.environ, "BROWSER": f"'{program}' %s"})
    stop.touch()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def in_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("in_a_kernel")
def test_a_notebook_shows_the_page_itself(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks, "open_in_browser", lambda page: pytest.fail("a window beside the notebook"))
    shown = opened(page)
    assert in_notebook() and not shown.is_open
    assert "allow-scripts" in shown._repr_html_() and "&lt;p&gt;the page&lt;/p&gt;" in shown._repr_html_()


def test_a_terminal_of_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))  # type: ignore[arg-type]
    assert not in_notebook()


def test_what_would_swell_a_notebook_is_named_instead(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks, "MOST_SHOWN", 10)
    told = ShownPage(page, is_open=False)._repr_html_()
    assert "iframe" not in told and str(page) in told


@pytest.mark.usefixtures("no_browser")
def test_where_there_is_no_browser_none_is_started(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks.subprocess, "Popen", lambda *given, **more: pytest.fail("started"))
    assert not open_in_browser(page)
