"""The documents as a whole: every link and anchor leads somewhere, every page is in the site, every word is in the glossary."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
import yaml

import piescope
from piescope.auditing.answers import FIGURES
from piescope.report.audit.measures import NAMES
from piescope.report.layout.glossary import words as page_words
from piescope.report.study.claim_parts import ClaimVerdict
from piescope.report.study.claims import check_claims
from piescope.report.study.results import load_results
from piescope.report.study.signal import Signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import paper_tables, rows_of
from piescope.report.study.words import OBJECTIVES, OBJECTIVES_IN_FULL, PRUNINGS
from piescope.store.audit_record import Answer, BudgetVerdict
from piescope.study.parse import load_study
from piescope.study.plan import make_plan

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
MADE_BY_MAKE = {DOCS / "live" / "digits.html"}


def prose(path: Path) -> str:
    """A document without its code."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^(?: {4,}|\t).*$", "", text, flags=re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Of a page's headings, as the site and its readers make them."""
    found: dict[str, int] = {}
    for title in re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE):
        plain = unicodedata.normalize("NFKD", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)).encode("ascii", "ignore")
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain.decode()).strip().lower())
        found[slug] = found.get(slug, 0) + 1
    return {slug if place == 0 else f"{slug}_{place}" for slug, times in found.items() for place in range(times)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(path))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists() or target in MADE_BY_MAKE, f"{link}: no such file"
        if path.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
            pytest.fail(f"{link} leads out of the site")
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


def test_every_page_is_in_the_site_and_nothing_of_it_comes_from_elsewhere() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    listed = [
        page for entry in site["nav"] for page in ([entry] if isinstance(entry, str) else next(iter(entry.values())))
    ]
    assert sorted(listed) == sorted(str(path.relative_to(DOCS)) for path in PAGES)
    assert site["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css", "repo_url", "extra"} & site.keys()  # no counters, no scripts of others


def test_the_reference_has_every_public_name() -> None:
    told = re.findall(r"^::: piescope\.(\w+)$", (DOCS / "reference.md").read_text(), flags=re.MULTILINE)
    assert sorted(told) == sorted(set(piescope.__all__) - {"__version__"})


def test_the_readme_is_short_and_begins_with_the_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert text.index("docs/images/page.png") < text.index("## ")
    assert not re.findall(r"@[A-Z]+@|TODO|TBD", text)


PLAIN = {
    "paper", "quantity", "this run", "difference", "comparison", "class", "change", "models", "dense models", "score", "arms",
    "non-pie", "pie, dense",
}  # fmt: skip
"""Heads of columns that need no explanation, or are one of a word that has it."""


def glossary() -> set[str]:
    """Headings, and the words that are set in italics where another is explained."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^### (.+)$", text, flags=re.MULTILINE) + re.findall(r"\*([^*\n]+)\*", text)
    return {word.lower() for word in words}


def known(word: str, words: set[str]) -> bool:
    """Whether a word, its singular or its full name is explained."""
    plain = re.sub(r" \[95 %\]$", "", word).strip().lower()
    full = {"q": "q-score", "z": "z-score", "‖h‖₁": "l1 norm"}.get(plain, plain)
    return bool({plain, plain.removesuffix("s"), full} & words)


def test_every_word_of_tables_and_verdicts_is_in_the_glossary(stored_run: Path) -> None:
    results = load_results(stored_run)
    assert results is not None
    signal = Signal(results)
    claims = check_claims(results, signal=signal)
    tables = {**paper_tables(results, rows_of(results, claims)), **signal_tables(signal)}
    names = {*results.class_names, *(f"{OBJECTIVES[each]}, error" for each in results.objectives())}
    heads = {head for table in tables.values() for head in table.head} - names
    words = {
        *heads, *OBJECTIVES.values(), *OBJECTIVES_IN_FULL.values(), *PRUNINGS.values(), *NAMES.values(),
        *get_args(Answer), *get_args(BudgetVerdict), *get_args(ClaimVerdict), *(sums.name.replace("cohen_", "cohen's ") for sums in FIGURES),
    }  # fmt: skip
    explained = glossary() | PLAIN
    assert len(heads) > 50
    missing = {word for word in words if not known(word, explained) and not re.fullmatch(r"p of .* lost", word)}
    assert missing == set()


@pytest.mark.parametrize("room", ["study", "audit"])
def test_every_word_that_a_page_explains_is_in_the_glossary(room: str) -> None:
    """Those under "How sure?"; one entry of a page may be about several words."""
    terms = [term for word in page_words(room) for term in re.split(r", (?!\])| and | beside the | \(", word.term)]
    explained = glossary() | {"its change", "the verdict", "the verdict of budgets", "[ , ]"}
    assert len(terms) > 15
    assert {term for term in terms if not known(term.rstrip(")"), explained)} == set()


def test_a_word_that_is_not_explained_is_found() -> None:
    words = {"lost", "q-score", "excess"}
    assert known("Excess [95 %]", words) and known("Q", words)
    assert not known("Unheard", words)


def test_numbers_of_steps_are_those_of_the_plans() -> None:
    study = load_study("corti2022-paper")
    whole = study.model_copy(update={"replicates_of": {}})
    text = (DOCS / "scaling.md").read_text(encoding="utf-8")
    assert f"`corti2022-paper` has {len(make_plan(study).steps):,}.\n" in text
    assert f"`corti2022-paper` with 30 models in every cell: {len(make_plan(whole).steps):,} steps" in text
