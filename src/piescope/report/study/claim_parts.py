"""A claim and the comparisons that speak for or against it, each with its interval; what verdict follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from piescope.measure.intervals import FEWEST_UNITS, Interval
from piescope.report.study.rows import ArmKey, Bounds, finite
from piescope.report.study.words import pruning_name
from piescope.wording import as_percent, capital, listed, significant

LEVEL = 0.025
"""One-sided: a 95 % interval on the right side of zero."""

ClaimVerdict = Literal["supported", "contradicted", "confounded", "undecided at this scale", "not measured"]

SUPPORTED: ClaimVerdict = "supported"
CONTRADICTED: ClaimVerdict = "contradicted"
CONFOUNDED: ClaimVerdict = "confounded"
UNDECIDED: ClaimVerdict = "undecided at this scale"
NOT_MEASURED: ClaimVerdict = "not measured"
"""The run lacks what it takes; only of a claim, not of a part."""

MANY_TIMES = 10
"""As many models as there are, beyond which nothing is foretold."""

NAMED = 2
"""Comparisons that a reason names."""

ClaimedSide = Literal["above", "below"]
"""Of zero, on which an effect should lie."""


def named(arm: ArmKey, to: ArmKey | None = None) -> str:
    """A pruning at a sparsity, or from one to another."""
    text = f"{pruning_name(arm.pruning)}, {as_percent(arm.sparsity)}"
    return text if to is None else f"{text} to {as_percent(to.sparsity)}"


@dataclass(frozen=True)
class Part:
    """One comparison that a claim makes.

    Attributes:
        about: which arms; of comparisons of the paper's each says another.
        effect: what is measured, with its unit.
        claimed: which side of zero the effect should lie on.
        estimate: the effect; of its logarithm where ``is_ratio``.
        paper: the effect in the paper's tables, where it can be had.
        is_ratio: the effect is told as a ratio, and one is its zero.
        fair: what it leaves aside that the paper's comparison of the same arms has in it, too: "beyond seed noise".
        models: of each arm.
        why: there is no interval; empty where that follows from the models or there is one.
        beside: of a fair one, what the paper's is ``about``, where that is not the same.
        whole: of a fair one, the paper's effect in its unit, where that is not the same.
    """

    about: str
    effect: str
    claimed: ClaimedSide
    estimate: Interval
    paper: float | None = None
    is_ratio: bool = False
    fair: str = ""
    models: int = 0
    why: str = ""
    beside: str = ""
    whole: float | None = None

    @property
    def p_for(self) -> float:
        """One-sided p-value of the claimed side."""
        return self.estimate.p_above if self.claimed == "above" else self.estimate.p_below

    @property
    def p_against(self) -> float:
        """One-sided p-value of the other side."""
        return self.estimate.p_below if self.claimed == "above" else self.estimate.p_above

    @property
    def is_excepted(self) -> bool:
        """Whether the paper's own numbers lie on the other side: what it says is not said of these arms."""
        beyond = None if self.paper is None else self.paper - self.is_ratio
        return beyond is not None and (beyond < 0 if self.claimed == "above" else beyond > 0)

    @property
    def verdict(self) -> ClaimVerdict:
        """Of this part alone."""
        return verdict_of([self])

    @property
    def reason(self) -> str:
        """Why there is no interval; empty where there is one."""
        if np.isfinite(self.estimate.error):
            return ""
        few = f"no interval of fewer than {FEWEST_UNITS} models"
        return self.why or (
            few if self.models < FEWEST_UNITS else "no interval, as nothing varies or it is not defined"
        )

    @property
    def would_decide(self) -> str:
        """How many models might make the interval clear of zero, the effect staying as it is; empty where not known."""
        most = MANY_TIMES * self.models
        enough = None if self.reason else self.estimate.models_to_be_clear(self.models, most)
        return "" if enough is None else f"about {rounded_up(enough)} models"

    @property
    def told(self) -> str:
        """The effect and its interval in brief."""
        return significant(*self.bounds, is_ratio=self.is_ratio)

    @property
    def bounds(self) -> Bounds:
        """Effect and interval as they are shown: ratios as ratios; None where there is none."""
        ends = self.estimate.value, self.estimate.low, self.estimate.high
        return Bounds(*(finite(np.exp(end) if self.is_ratio else end) for end in ends))


@dataclass(frozen=True)
class Claim:
    """One finding of the paper.

    Attributes:
        id: C1 to C15.
        statement: what the paper says.
        parts: its comparisons in this run.
        missing: what the run lacks for it; then it has no parts.
        note: what its verdict does not say.
        needs_fair: what is lacking where it has no fair comparison; empty where it needs none.
        lacking: arms of the study that are not there yet, so that it cannot hold of all.
    """

    id: str
    statement: str
    parts: tuple[Part, ...]
    missing: str = ""
    note: str = ""
    needs_fair: str = ""
    lacking: str = ""

    @property
    def verdict(self) -> ClaimVerdict:
        """Of the paper's comparisons, where the fair ones beside them say the same."""
        if self.missing:
            return NOT_MEASURED
        said = verdict_of(self._papers)
        if said == UNDECIDED or (said == SUPPORTED and self.lacking):
            return UNDECIDED
        if not self.needs_fair:
            return said
        if not any(part.fair for part in self.parts):
            return UNDECIDED
        judged = [self._judged(part) for part in self._speaking]
        holds, is_confounded = (all, any) if said == SUPPORTED else (any, all)
        if holds(each == said for each in judged):
            return said
        confounded = is_confounded(each == CONFOUNDED for each in judged)
        return CONFOUNDED if confounded and not self._not_to_be_had else UNDECIDED

    @property
    def verdict_in_paper(self) -> ClaimVerdict | None:
        """Of those comparisons alone whose numbers the paper prints, and the fair ones beside them; None: none."""
        printed = [part for part in self.parts if not part.fair and part.paper is not None]
        beside = [part for paper in printed for part in self._beside(paper)]
        return replace(self, parts=(*printed, *beside)).verdict if printed else None

    def _judged(self, paper: Part) -> ClaimVerdict:
        """What a comparison of the paper's says once its fair ones are heard; what has none needs none."""
        found = {self._fairly(paper, fair) for fair in self._beside(paper)}
        return next((each for each in (CONFOUNDED, UNDECIDED) if each in found), verdict_of(self._papers))

    def _fairly(self, paper: Part, fair: Part) -> ClaimVerdict:
        """Likewise by one of its fair ones: it says the same, its interval leaves the paper's out, or neither."""
        said = verdict_of(self._papers)
        p_value = fair.p_for if said == SUPPORTED else fair.p_against * len(self._papers)
        if p_value < LEVEL:
            return said
        whole, found = paper.estimate.value if fair.whole is None else fair.whole, fair.estimate
        return CONFOUNDED if (found.high < whole if whole > 0 else found.low > whole) else UNDECIDED

    def _beside(self, paper: Part) -> list[Part]:
        return [part for part in self.parts if part.fair and (part.beside or part.about) == paper.about]

    @property
    def _speaking(self) -> list[Part]:
        """The paper's comparisons that its verdict comes from: all that are for it, else those clearly against."""
        papers = self._papers
        return papers if verdict_of(papers) == SUPPORTED else [p for p in papers if p.p_against * len(papers) < LEVEL]

    @property
    def _not_to_be_had(self) -> list[str]:
        """Kinds of fair comparisons that have no interval somewhere, and why."""
        lacks = []
        for kind, parts in self._fair().items():
            without = [part for part in parts if part.reason]
            everywhere = len(without) == sum(part.fair == kind for part in self.parts)
            where = "" if everywhere else f" ({_named(without)})"
            lacks += [f"{kind}{where} there is {without[0].reason}"] if without else []
        return lacks

    def counts(self, part: Part) -> bool:
        """Whether one of its comparisons can speak for or against it: not those that the paper's own numbers except."""
        return part in self._papers or any(part in self._beside(paper) for paper in self._papers)

    @property
    def _papers(self) -> list[Part]:
        """Those that speak for or against it."""
        return [part for part in self.parts if not part.fair and not part.is_excepted]

    def _fair(self, verdict: ClaimVerdict | None = None) -> dict[str, list[Part]]:
        """The fair comparisons beside those that speak, by what they leave aside; those of one verdict only, or all."""
        kinds: dict[str, list[Part]] = {}
        for paper in self._speaking:
            for fair in self._beside(paper):
                if verdict in (None, self._fairly(paper, fair)):
                    kinds.setdefault(fair.fair, []).append(fair)
        return kinds

    @property
    def reason(self) -> str:
        """What it lacks, why it is undecided or confounded, or what is against it; empty where it is supported."""
        if self.missing:
            return f"needs {self.missing}"
        if not self._papers:
            return "no comparison counts: the paper's own numbers lie on the other side"
        said, verdict = verdict_of(self._papers), self.verdict
        if said == UNDECIDED:
            return _unclear(self._papers)
        if verdict == CONTRADICTED:
            return _against([part for part in self._speaking if not self.needs_fair or self._judged(part) == said])
        if verdict == SUPPORTED:
            return ""
        speak = f"the paper's comparisons speak {'for' if said == SUPPORTED else 'against'} it"
        if len(self._speaking) < len(self._papers):
            speak = f"{len(self._speaking)} of {len(self._papers)} comparisons like the paper's against it"
        if said == SUPPORTED and self.lacking:
            return f"{speak}, but there is no {self.lacking} yet"
        number = {kind: len(parts) for kind, parts in self._fair().items()}
        if verdict == CONFOUNDED:
            apart = self._fair(CONFOUNDED).items()
            return "; ".join([speak, *(f"{kind} {_do_not(parts, number[kind], said)}" for kind, parts in apart)])
        unclear = [f"{kind} {_unclear_of(parts, number[kind])}" for kind, parts in self._fair(UNDECIDED).items()]
        return f"{speak}, but {'; '.join(self._not_to_be_had or unclear) or self.needs_fair}"

    @property
    def kind(self) -> str:
        """The verdict's first word."""
        return self.verdict.split()[0]

    @property
    def effects(self) -> list[str]:
        """The parts in brief: a sentence for each effect, with its first four values."""
        values: dict[str, list[str]] = {}
        for part in self.parts:
            if part.bounds.value is not None:
                values.setdefault(part.effect, []).append(f"{part.about}: {part.told}")
        return [f"{capital(effect)}: {_first_four(texts)}." for effect, texts in values.items()]


def _do_not(parts: list[Part], number: int, said: ClaimVerdict) -> str:
    """Which fair comparisons, of so many, do not say what the paper's do."""
    other = CONTRADICTED if said == SUPPORTED else SUPPORTED
    if len(parts) == number and all(part.verdict == other for part in parts):
        return f"they speak {'against' if said == SUPPORTED else 'for'} it"
    return f"{len(parts)} of {number} {'does' if len(parts) == 1 else 'do'} not: {_named(parts)}"


def _named(parts: list[Part]) -> str:
    return listed([part.about for part in parts], NAMED)


def _against(clear: list[Part]) -> str:
    """The comparison that lies most clearly on the other side, with its effect, and how many more do."""
    first = min(clear, key=lambda part: part.p_against)
    more = f" and {len(clear) - 1} more" if len(clear) > 1 else ""
    return f"against it: {first.about}{more}; {first.effect}: {first.told}"


def _unclear(parts: list[Part]) -> str:
    """How many comparisons are not clear, which, and what would decide them."""
    unclear = [part for part in parts if part.verdict == UNDECIDED]
    against = [part for part in parts if part.verdict == CONTRADICTED]
    alone = f"; {len(against)} against it if taken alone" if against else ""
    if unclear:
        return _unclear_of(unclear, len(parts)) + alone
    return f"{len(parts) - len(against)} of {len(parts)} for it{alone}: {_named(against)}"


def _unclear_of(unclear: list[Part], number: int) -> str:
    """Which of so many comparisons are not clear, unless all, and why or what would decide them, once if alike."""
    whys = [part.reason.removeprefix("no interval of ") or part.would_decide for part in unclear]
    told = [f" ({why})" if why else "" for why in whys]
    of_all, told = (told[0], [""] * len(told)) if len(set(told)) == 1 < len(told) else ("", told)
    named = [part.about + why for part, why in zip(unclear, told, strict=True)]
    which = f": {listed(named, NAMED)}" if len(unclear) < number or any(told) else ""
    return f"{len(unclear)} of {number} unclear{of_all}{which}"


def _first_four(texts: list[str]) -> str:
    return "; ".join([*texts[:4], *([f"and {len(texts) - 4} more"] if len(texts) > 4 else [])])


def rounded_up(models: int) -> int:
    """To what such a number can say: two digits.

    Example:
        >>> [rounded_up(models) for models in (7, 12, 123, 991)]
        [7, 12, 130, 1000]
    """
    step = 10 ** max(0, len(str(models)) - 2)
    return -(-models // step) * step


def verdict_of(parts: tuple[Part, ...] | list[Part]) -> ClaimVerdict:
    """Supported: all parts; contradicted: any part, corrected for their number; else undecided."""
    if parts and all(part.p_for < LEVEL for part in parts):
        return SUPPORTED
    if any(part.p_against * len(parts) < LEVEL for part in parts):
        return CONTRADICTED
    return UNDECIDED
