"""Where a data set lies, and how it is fetched."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from made_pictures import packed, small_cifar
from piescope.data import locate, sources
from piescope.data.sources import load_source
from piescope.problems import DataError

# where it lies, and fetching


@pytest.fixture
def no_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("PIESCOPE_DATA", raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setenv("PIESCOPE_CACHE", str(cache))
    return cache


def test_the_cache_is_where_the_system_has_its_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pooch

    monkeypatch.delenv("PIESCOPE_CACHE", raising=False)
    for place in (None, str(tmp_path)):
        if place is not None:
            monkeypatch.setenv("XDG_CACHE_HOME", place)
        assert locate.cache_folder() == Path(pooch.os_cache("piescope"))
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path / "mine"))
    assert locate.cache_folder() == tmp_path / "mine"


def test_the_order_of_places(no_places: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert locate.places(None) == [no_places]
    monkeypatch.setenv("PIESCOPE_DATA", str(tmp_path))
    assert locate.places(None) == [tmp_path, no_places]
    (tmp_path / "mine").mkdir()
    assert locate.places(tmp_path / "mine") == [tmp_path / "mine"]
    with pytest.raises(DataError, match="--data"):
        locate.places(tmp_path / "nowhere")
    monkeypatch.setenv("PIESCOPE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="PIESCOPE_DATA"):
        locate.places(None)


class Archive(http.server.BaseHTTPRequestHandler):
    content = b""
    cut_after: int | None = None
    asked: list[str]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        type(self).asked.append(asked or "all")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.cut_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[type[Archive], str]]:
    handler = type("Handler", (Archive,), {"asked": []})
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{listening.server_address[1]}/"
    listening.shutdown()
    thread.join()


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(
    no_places: Path, server: tuple[type[Archive], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    family, contents = small_cifar()
    layout = family.layouts[0]
    handler, address = server
    handler.content = packed(layout.folder, contents[layout.folder])
    handler.cut_after = 40_000
    monkeypatch.setattr(sources, "OFFICIAL_ADDRESS", address)
    with pytest.raises(DataError) as caught:
        sources.load_or_fetch(family, None, None)
    assert str(no_places / layout.archive) in str(caught.value)  # where to put it by hand
    kept = (no_places / f"{layout.archive}.partial").stat().st_size
    assert 40_000 - locate.CHUNK < kept <= 40_000
    handler.cut_after = None
    heard: list[tuple[int, int]] = []
    found = sources.load_or_fetch(family, None, lambda done, total: heard.append((done, total)))
    assert handler.asked == ["all", f"bytes={kept}-"]
    assert heard[-1] == (len(handler.content), len(handler.content))
    assert len(found.train) == 20
    assert not (no_places / f"{layout.archive}.partial").exists()
    sources.load_or_fetch(family, None, None)  # from the cache
    assert len(handler.asked) == 2


def test_what_comes_with_another_hash_is_thrown_away(
    no_places: Path, server: tuple[type[Archive], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    family, _ = small_cifar()
    handler, address = server
    handler.content = b"<html>please log in</html>"
    monkeypatch.setattr(sources, "OFFICIAL_ADDRESS", address)
    with pytest.raises(DataError, match="another hash"):
        sources.load_or_fetch(family, None, None)
    assert list(no_places.iterdir()) == []


def test_without_a_network_the_message_says_where_to_put_the_file(
    no_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "OFFICIAL_ADDRESS", "http://127.0.0.1:9/")
    with pytest.raises(DataError) as caught:
        load_source("cifar10")
    told = str(caught.value)
    assert str(no_places / "cifar-10-binary.tar.gz") in told
    assert "--data" in told
