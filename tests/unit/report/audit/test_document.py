"""The documents of every kind of audit, whatever is missing and however names are spelt."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from conftest import at_most
from made_audit import CASES, page, pictures, printed, short, text_of, without_numbers
from piescope import wording
from piescope.report.audit import headlines
from piescope.store.audit_record import AuditRecord


def test_missing_numbers_are_dashes_and_never_zeros() -> None:
    assert {
        wording.number(None),
        wording.count(None),
        wording.p_value(None),
        wording.percent(None),
        wording.with_interval(None, 1, 2),
    } == {"–"}
    content = without_numbers(CASES["population"], np.random.default_rng(0), 1.0)
    written = re.sub(r"<svg.*?</svg>", "", page(content))  # axes have a 0
    said = text_of(written).split("How to read each measure")[0].split("How the files were read")[0]
    said = said.replace("excludes 0.", "")  # our own words
    numbers = set(re.findall(r"(?<![\w-])\d[\d,.]*\d|(?<![\w-])\d", re.sub(r"test-\d+", "", said)))
    assert not {number for number in numbers if number.strip(".") in ("0", "0.0", "0.00", "0.000")}
    assert "None" not in said and "nan" not in said.lower()


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_audit_gives_a_page(name: str) -> None:
    content = CASES[name]
    before = json.dumps(content)
    images = pictures(content) if name in ("probabilities", "hostile") else {}
    page(content, images)
    with at_most(2):  # 0.05 to 0.17 s
        written = page(content, images)
    assert json.dumps(content) == before  # nothing is changed on the way
    assert written == page(content, images)
    said = text_of(written)
    assert headlines.headline(AuditRecord.of(content))[0][:40].replace(wording.SPACE, " ") in said.replace(
        wording.SPACE, " "
    )
    assert written.count("<table") == written.count("</table>")
    assert written.count("<details") == written.count("</details>")
    for bad in ("<script", " style=", "None", "nan", "inf ", ' onerror=alert(1)>"'):
        assert bad not in re.sub(r"data:[^\"]*", "", written).replace("&lt;script", "").replace("None of the", ""), bad
    assert not re.search(r"(src|href)=\"(?!data:|#)", written)
    ids = re.findall(r' id="([^"]+)"', written)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', written)) <= set(ids)  # no link of the contents leads nowhere


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", ["probabilities", "population", "what-if", "no true labels", "hostile"])
def test_any_number_may_be_missing(name: str, share: float) -> None:
    for seed in range(3):
        content = without_numbers(CASES[name], np.random.default_rng(seed), share)
        assert "None" not in text_of(page(content)).replace("None of the", "")
        assert "None" not in short(content).replace("None of the", "")
        assert "None" not in "\n".join(printed(content, 60)).replace("None of the", "")


def test_nothing_heavy_is_imported() -> None:
    imports = "import piescope.report.audit.document, sys; from piescope.report.layout import html, lines, markdown"
    heavy = "{'torch', 'numpy', 'scipy', 'matplotlib', 'pandas', 'pyarrow', 'PIL', 'sklearn'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; print({heavy})"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_hostile_names_stay_text() -> None:
    written = page(CASES["hostile"], pictures(CASES["hostile"]))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    assert "<script" not in written and "<img src=x" not in written
    assert "{{ 7 * 7 }}" in html.unescape(written) and "49 {% raw" not in written
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written)
    assert r"\u202egnp.exe" in html.unescape(written)
    assert all(part.startswith("iVBORw0KGgo") for part in re.findall(r"data:image/png;base64,([^\"]+)", written))


def test_the_policy_admits_the_one_style_sheet_and_nothing_else() -> None:
    import base64
    import hashlib

    written = page(CASES["labels"])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', written)
    (css,) = re.findall(r"<style>(.*?)</style>", written, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
