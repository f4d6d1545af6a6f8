"""A study's folder as a value: its examples, its classes and what was forgotten, read when they are asked for."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.dataframes import Scalar, as_dataframe, table_of
from piescope.notebooks import ShownPage, opened
from piescope.problems import StudyError
from piescope.store import layout
from piescope.wording import counted, ranged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from piescope.dataframes import DataFrame
    from piescope.report.layout.blocks import Document
    from piescope.report.layout.canvas import Style, Width
    from piescope.report.study.results import Results
    from piescope.report.study.signal import Signal
    from piescope.store.catalogue import Catalogue
    from piescope.study.fitting import Unfit


class StudyRun:
    """What a study has produced so far. Nothing is read before it is asked for, and nothing is read twice.

    Attributes:
        folder: that `piescope run` wrote.

    Example:
        >>> StudyRun("runs/digits").folder.name
        'digits'
    """

    folder: Path

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Which arms are complete, and what was run: as the folder is now, not as it was when a run last wrote it down.

        Raises:
            StudyError: the folder holds no study.
            DamagedRecordError: it has no study.toml, and catalogue.json is damaged.
        """
        from piescope.store.catalogue import Catalogue as Kept

        kept = None if layout.study(self.folder).is_file() else Kept.read(layout.catalogue(self.folder))
        if kept is not None:
            return kept
        from piescope.store.artefacts import Store
        from piescope.study.catalogue import catalogue_of
        from piescope.study.folder import study_of
        from piescope.study.plan import make_plan

        return catalogue_of(make_plan(study_of(self.folder)), Store(self.folder))

    @cached_property
    def results(self) -> Results:
        """All that its report is made from, typed.

        Raises:
            StudyError: no arm is complete yet.
            CorruptArtefactError: a file is not what was written.
        """
        from piescope.report.study.results import load_results

        found = load_results(self.folder, self.catalogue)
        if found is None:
            raise self._nothing_complete()
        return found

    def _nothing_complete(self) -> StudyError:
        cure = shlex.join(["piescope", "run", str(layout.study(self.folder)), "--out", str(self.folder)])
        return StudyError.of(str(self.folder), "DIR", "no arm that is complete", "at least one", cure)

    @cached_property
    def _signal(self) -> Signal:
        from piescope.report.study.signal import Signal as Statistics

        return Statistics(self.results)

    @property
    def name(self) -> str:
        """The study's."""
        return self.catalogue.study

    @property
    def is_complete(self) -> bool:
        """Whether no arm is left to run."""
        return not self.catalogue.missing

    @property
    def examples(self) -> DataFrame:
        """One row per (arm, example), as results/examples.parquet has them; labels are class ids."""
        from piescope.report.study.frames import examples_table

        return as_dataframe(examples_table(self.results))

    @property
    def pies(self) -> DataFrame:
        """One row per PIE of a pruned arm: class names ``true``, ``before`` and ``after``, by modal labels.

        ``kind`` is ``lost``, ``won back`` or ``moved``; ``confirmed``: the votes changed beyond chance.
        """
        from piescope.report.study.frames import pies_table

        return as_dataframe(pies_table(self.results))

    @property
    def classes(self) -> DataFrame:
        """What each class lost in each pruned arm: ``pies``, and the columns of results/tables/class_impact.csv."""
        from piescope.report.study.signal_rows import ClassImpactRow

        return as_dataframe(table_of(self._class_rows, (*ClassImpactRow.columns(), "pies")))

    @cached_property
    def _class_rows(self) -> list[dict[str, Scalar]]:
        from piescope.report.study.frames import class_rows

        pies = {(row.arm, row.label): row.pies for row in class_rows(self.results)}
        return [{**row.cells(), "pies": pies[row.arm, row.label]} for row in self._signal.class_impact()]

    def figure(self, number: int, style: Style = "paper", width: Width = "page") -> Figure:
        """A figure of matplotlib; nothing is shown by this.

        Args:
            number: 1 to 7 as in the paper, 8 to 11 of signal and noise.
            style: for a paper's page, or large for a slide (``"talk"``).
            width: of a ``"column"``, or of the whole ``"page"``.

        Raises:
            ValueError: there is no figure of that number.
        """
        from piescope.report.study.figures import draw

        return draw(self._signal, number, style, width).figure

    def plot(self, style: Style = "paper", width: Width = "column") -> Figure:
        """Examples forgotten against sparsity, a line an arm, as a matplotlib Figure.

        Grey: what other seeds alone would change on average, with its 95 % interval. Pale: not clearly more than that.
        """
        from piescope.report.study.figures import draw

        return draw(self._signal, 11, style, width).figure

    def explore(self) -> ShownPage:
        """Its page, made anew where it is missing or stale: in a notebook shown, elsewhere opened in the browser.

        Waits for no browser and prints nothing; where there is none, the answer is the page's path.

        Raises:
            StudyError: no arm is complete yet.
        """
        if not has_fresh_page(self.folder) and write_page(self.folder) is None:
            raise self._nothing_complete()
        return opened(layout.report(self.folder))

    def _repr_html_(self) -> str:
        """The first screen of its page."""
        if not self.catalogue.arms:
            return f"<code>{escape(repr(self))}</code>"
        from piescope.report.layout.blocks import Document
        from piescope.report.layout.html import in_a_cell
        from piescope.report.study.answer import answer

        return in_a_cell(Document("study", self.results.study.title, answer(self.results, self._signal), (), ()), self)

    def __repr__(self) -> str:
        catalogue = self.catalogue
        done, missing = len(catalogue.arms), len(catalogue.missing)
        facts = [counted(done, "arm") if self.is_complete else f"{done} of {counted(done + missing, 'arm')}"]
        if catalogue.described is not None:
            sizes = [len(arm.seeds) + len(arm.lost) for arm in catalogue.arms]
            facts.append(f"{ranged(sizes or [catalogue.described.models_per_arm], 'model')} each")
        if catalogue.data is not None:
            facts.append(counted(self._number_of_examples, "example"))
        return f"StudyRun({self.name!r}: {', '.join([*facts, *(['complete'] if self.is_complete else [])])})"

    @cached_property
    def _number_of_examples(self) -> int:
        from piescope.store.artefacts import Store
        from piescope.store.step_records import DataRecord

        data = Store(self.folder).load("data", self.catalogue.data or "")
        return DataRecord.of(data.read(layout.DATA_FACTS)).test_examples


def has_fresh_page(folder: Path) -> bool:
    """Whether a study's page is there, of what is stored now, and made by this version."""
    if layout.report(folder).is_file() and not layout.catalogue(folder).is_file():
        return True  # it ships as it is
    from piescope.report.study.build import is_current
    from piescope.study.catalogue import refresh_catalogue

    refresh_catalogue(folder)
    return is_current(folder)


def write_page(
    folder: Path, into: Path | None = None, tell_unfit: Callable[[list[Unfit]], object] = list
) -> Document | None:
    """Writes a study's results and page anew; what it says, or None where no arm is complete yet.

    Args:
        folder: of the study.
        into: the folder to write to, and nothing is written to the study's; left out: the study's.
        tell_unfit: called with the finished steps that are damaged or made of earlier results, which are not reported.

    Raises:
        StudyError: ``into`` holds other files than such results.
    """
    from piescope.report.study.build import build_report
    from piescope.store.artefacts import Store
    from piescope.study.catalogue import catalogue_of, look_at, refresh_catalogue
    from piescope.study.folder import study_of
    from piescope.study.plan import make_plan

    if into is None:
        tell_unfit(refresh_catalogue(folder).unfit)
        return build_report(folder)
    check_place(into)
    plan, store = make_plan(study_of(folder)), Store(folder)
    fit = look_at(plan, store)
    tell_unfit(fit.unfit)
    return build_report(folder, into, catalogue_of(plan, store, fit))


def check_place(into: Path) -> None:
    """Results beside a study go to a folder that is new, empty, or has such results.

    Raises:
        StudyError: it is another.
    """
    from piescope.store.ownership import holds_a_study
    from piescope.store.run_records import DamagedRecordError, ResultsManifest

    if not os.path.lexists(into):
        return
    if into.is_dir() and next(into.iterdir(), None) is None:
        return
    with suppress(DamagedRecordError):
        if not holds_a_study(into) and ResultsManifest.read(layout.results_manifest(into)) is not None:
            return
    found = "a folder with other files" if into.is_dir() else "a file"
    raise StudyError.of(str(into), "--out", found, "a new or empty folder", "give another --out")
