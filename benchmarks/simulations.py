"""Do the intervals hold what they promise? Studies whose truth is known; the table of docs/signal.md.

python benchmarks/simulations.py --docs [--studies 500]   the tables, into docs/signal.md (13 minutes on two idle cores, 19 to 29 beside other work)
python benchmarks/simulations.py --normal                 what the rule of intervals holds in exactly normal worlds (some four minutes)
python benchmarks/simulations.py --impacts                class impacts of pairs and of independent groups, of small and large classes (a minute)
python benchmarks/simulations.py --drawn-out 300          counts drawn out to any number of models
python benchmarks/simulations.py --run DIR                PIEs of groups of two models of the same and of other seeds
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations, product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import integrate, stats

from piescope.measure.accuracy import RightSums, variance_between_classes
from piescope.measure.class_impact import class_impact, same_class_probability
from piescope.measure.intervals import Interval, combined_variance, is_bent, smooth_interval
from piescope.measure.modal_chances import ModalChances, varied_pies
from piescope.measure.noise_floor import NoiseFloor, Null, excess_difference
from piescope.measure.pies import pie_mask
from piescope.measure.replicates import replicate_curve
from piescope.report.study.results import load_results

CLASSES = 5
PAGE = Path(__file__).parents[1] / "docs" / "signal.md"
COVERAGES = "<!-- coverage, by make simulations -->\n", "<!-- coverage end -->"
FLOORS = "<!-- floors, by make simulations -->\n", "<!-- floors end -->"


@dataclass(frozen=True)
class World:
    """Studies of dense models and of two prunings that do the same to other examples, of five classes, one of them harder.

    ``apart``: the prunings are of two objectives, each with dense models of its own, to which other examples are hard.
    ``kept``: the share of a dense model's luck that its relatives keep. ``common``, ``biased``: standard deviation over
    seeds of the logits of the true class, and of each class, in all examples at once. ``planted``: pruning moves the
    logits of a seventh of the examples so far. ``easy``: most models agree on most examples. ``uneven``: pruning takes 2.5
    off the logit of the true class of the one that is harder. ``firm``: no example is near the edge; each model errs on
    it, and gives one other class, with a chance of its own from 0 to 0.3.
    """

    name: str
    models: int
    fresh: int = 0
    examples: int = 1000
    kept: float = 0.0
    common: float = 0.0
    biased: float = 0.0
    planted: float = 0.0
    easy: bool = False
    apart: bool = False
    uneven: bool = False
    firm: bool = False

    @property
    def null(self) -> Null:
        return "independent" if self.kept == 0 else "same_seeds" if self.kept < 0.5 else "descended"


def worlds() -> list[World]:
    kinds = [
        World("independent", 0),
        World("same seeds", 0, kept=0.2),
        World("descended", 0, kept=0.8),
        World("with an effect", 0, kept=0.2, planted=3.0),
        World("strong seeds", 0, kept=0.2, common=0.5, planted=3.0),
        World("class-biased seeds", 0, kept=0.2, biased=0.7),
        World("few PIEs", 0, kept=0.8, easy=True, planted=1.5),
        World("uneven classes", 0, kept=0.2, uneven=True),
        World("uneven classes, strong and biased", 0, kept=0.2, common=0.3, biased=0.5, uneven=True),
        World("two objectives", 0, kept=0.2, planted=3.0, apart=True),
        World("two objectives, strong and biased", 0, kept=0.2, common=0.3, biased=0.5, planted=3.0, apart=True),
    ]
    sized = [replace(kind, models=k, fresh=k if kind.kept else 0) for kind in kinds for k in (3, 5, 10)]
    mixed = World("strong and biased", 5, 5, kept=0.2, common=0.3, biased=0.5, planted=3.0)
    more = [replace(mixed, models=30, fresh=30), *(replace(mixed, examples=n) for n in (500, 10_000))]
    halves = [replace(kinds[3], models=k, name="no fresh seeds") for k in (5, 10)]
    return [*sized, *more, *halves]


Population = np.ndarray


def study(world: World, random: np.random.Generator) -> tuple[list[Population], list[Population], np.ndarray]:
    """Labels of the dense models of each objective (the fresh ones last), of the two pruned populations, and the true ones."""
    shape = world.models + world.fresh, world.examples, CLASSES
    truth = random.integers(0, CLASSES, world.examples)
    right = np.eye(CLASSES)[truth]
    hard = random.gamma(1.5, 1.5, world.examples) + 2.5 if world.easy else random.gamma(1.0, 3.0, world.examples)
    hard = np.where(truth == 0, 0.4 * hard, hard)  # one class is harder than the others
    taken = 2.5 * right * (truth == 0)[:, None] if world.uneven else 0.0
    logits = 1.3 * ((1.0 if world.easy else 2.0) * random.normal(size=shape[1:]) + hard[:, None] * right)
    if world.firm:
        errs, other = (
            random.uniform(0, 0.3, world.examples),
            (truth + random.integers(1, CLASSES, world.examples)) % CLASSES,
        )
        logits = np.log(np.maximum(1e-20, (1 - errs)[:, None] * right + errs[:, None] * np.eye(CLASSES)[other]))

    def seeds() -> np.ndarray:
        common, biased = random.normal(size=(shape[0], 1, 1)), random.normal(size=(shape[0], 1, CLASSES))
        return np.asarray(world.common * common * right + world.biased * biased)

    dense: list[Population] = []
    pruned: list[Population] = []
    base, own, luck = logits, seeds(), random.gumbel(size=shape)

    def relatives() -> tuple[np.ndarray, np.ndarray]:
        """What they have of their seeds, and their luck."""
        new, kept = random.gumbel(size=shape), random.random((*shape[:2], 1)) < world.kept
        return world.kept * own + (1 - world.kept**2) ** 0.5 * seeds(), np.where(kept, luck, new)

    for pruning in range(2):
        if world.apart:
            base = logits + random.normal(size=shape[1:])
            own, luck = relatives() if pruning else (own, luck)
        moved = world.planted * random.normal(size=shape[1:]) * (random.random((shape[1], 1)) < 1 / 7) - taken
        shifted, mixed = relatives()
        if world.apart or not pruning:
            dense.append((base + own + luck).argmax(-1))
        pruned.append((base + moved + shifted + mixed).argmax(-1)[: world.models])
    return dense, pruned, truth


def found(world: World, seed: int) -> dict[str, Interval]:
    """What piescope says of one study: differences of two prunings that do the same, but for two counts."""
    random = np.random.default_rng([*world.name.encode(), world.models, world.examples, seed])
    dense, pruned, truth = study(world, random)
    before, after = (
        [(own, ModalChances(own, CLASSES, world.models)) for own in (labels[: world.models] for labels in side)]
        for side in (dense, pruned)
    )
    one = varied_pies(before[0], after[0], CLASSES, world.models)
    other = varied_pies(before[-1], after[1], CLASSES, world.models)
    sums = RightSums.of(pruned[0] == truth, pruned[1] == truth, np.zeros(len(truth), int), 1, paired=True)
    change = sums.change()
    is_paired = world.null == "descended" and not world.apart  # of one dense model, as in a study
    impact = class_impact(pruned[0], pruned[1], truth, CLASSES, "two_way_paired" if is_paired else "two_way")
    own = next(row for row in impact if row["class"] == 0)
    lost = [
        100 * (means(own[: world.models] == truth) - means(of == truth))
        for own, of in zip((dense[0], dense[-1]), pruned, strict=True)
    ]
    none = Interval(np.nan, np.nan, np.nan, np.nan, 0.0)
    ends = own["impact"], own["low"], own["high"]
    return {
        "excess": excess(world, dense, pruned),
        "PIEs": smooth_interval(lambda count: count, [one]),
        "difference": smooth_interval(lambda a, b: a - b, [one, other]),
        "ratio": smooth_interval(lambda a, b: float(np.log((a + 0.5) / (b + 0.5))), [one, other]),
        "shared": smooth_interval(lambda both, a, b: both / a - both / b if min(a, b) > 0 else np.nan, [one * other, one, other]),
        **of_classes(one, other, truth, lost),
        "accuracy": Interval(*(float(part[0]) for part in (change.value, change.error, change.low, change.high, change.freedom))),
        "class impact": none if None in ends else Interval(ends[0], 1.0, ends[1], ends[2], np.inf),
    }  # fmt: skip


def means(right: np.ndarray) -> np.ndarray:
    """Over models: of all, and without each."""
    total, models = right.sum(0), len(right)
    return np.stack([total / models, *((total - right) / (models - 1))])


def of_classes(
    one: np.ndarray, other: np.ndarray, truth: np.ndarray, lost: Sequence[np.ndarray]
) -> dict[str, Interval]:
    """How unevenly PIEs lie over the classes (C7), and how differently classes lose accuracy (C14), under either pruning."""

    def more_uneven(a: np.ndarray, b: np.ndarray) -> np.ndarray | float:
        return same_class_probability(a) - same_class_probability(b)

    def more_apart(sizes: np.ndarray, *sums: np.ndarray) -> np.ndarray | float:
        return variance_between_classes(sizes, *sums[:2]) - variance_between_classes(sizes, *sums[2:])

    losses = [np.ones_like(lost[0]), *(term for end in lost for term in (end, end**2))]
    asked = {"classes": (more_uneven, [one, other], False), "class losses": (more_apart, losses, True)}
    found = {}
    for name, (statistic, terms, is_curved) in asked.items():
        interval = smooth_interval(statistic, terms, truth, is_curved=is_curved)
        is_none = is_bent(interval, statistic, terms, truth)  # as in a claim
        found[name] = replace(interval, low=np.nan, high=np.nan) if is_none else interval
    return found


def excess(world: World, dense: Sequence[Population], pruned: Sequence[Population]) -> Interval:
    """Of one pruning; of two objectives that of one less that of the other."""
    of_each = [NoiseFloor(own, CLASSES).under(of, world.null) for own, of in zip(dense, pruned, strict=False)]
    return excess_difference(*of_each) if world.apart else of_each[0].excess


@dataclass(frozen=True)
class Coverage:
    """``held``: intervals that hold the truth, of ``studies`` that have one; of ``most`` studies.
    ``power``: those that exclude 0, less those of an oracle who knows the true standard error, in percentage points; None
    where nothing is to be found."""

    held: int
    studies: int
    most: int
    power: float | None


def coverage(world: World, studies: int) -> dict[str, Coverage]:
    told: dict[str, list[Interval]] = {}
    for seed in range(studies):
        for name, interval in found(world, seed).items():
            told.setdefault(name, []).append(interval)
    of_one = (world.planted > 0 or world.uneven) and not world.apart
    is_something = {name: name == "PIEs" or (name == "excess" and of_one) for name in told}
    return {name: _covered(of, is_something[name]) for name, of in told.items()}


def _covered(intervals: Sequence[Interval], is_something: bool) -> Coverage:
    """The truth is 0, or the mean over all studies."""
    values, lows, highs = (np.array([getattr(each, name) for each in intervals]) for name in ("value", "low", "high"))
    known = np.isfinite(lows)
    truth = values.mean() if is_something else 0.0
    held = (lows <= truth) & (truth <= highs) & known
    power = 100 * float((lows > 0).mean() - (values > 1.96 * values.std(ddof=1)).mean())
    return Coverage(int(held.sum()), int(known.sum()), len(values), power if is_something else None)


def table(rows: Sequence[tuple[World, dict[str, Coverage]]]) -> str:
    names = list(rows[0][1])
    lines = ["| world | models | examples | " + " | ".join(names) + " | power |", "|---|" + "---|" * (len(names) + 3)]
    for world, covered in rows:
        cells = [
            "–" if 2 * each.studies < each.most else f"{100 * each.held / each.studies:.1f}"
            for each in covered.values()
        ]
        models = f"{world.models}" + (f" + {world.fresh}" if world.fresh else "")
        gain = covered["excess"].power
        power = "–" if gain is None else f"{gain:+.0f}"
        lines.append(f"| {world.name} | {models} | {world.examples:,} | " + " | ".join(cells) + f" | {power} |")
    return "\n".join(lines) + "\n"


def floors(world: World, studies: int) -> tuple[np.ndarray, np.ndarray]:
    """Of studies: PIEs between two groups of dense models, and the floor as computed from one of the groups alone."""
    counts, computed = [], []
    for seed in range(studies):
        dense, _, _ = study(replace(world, fresh=world.models), np.random.default_rng(seed))
        one, other = dense[0][: world.models], dense[0][world.models :]
        counts.append(pie_mask(one, other, CLASSES).sum())
        computed.append(NoiseFloor(one, CLASSES).under(other, "independent").floor.value)
    return np.array(counts, float), np.array(computed)


FLOORS_OF = 200
"""Studies for a line about the floor, whose error stands beside it."""


def floor_worlds() -> list[World]:
    kinds = [World("independent", 0), World("independent, few PIEs", 0, easy=True)]
    kinds += [World("independent, no example near the edge", 0, firm=True)]
    return [replace(kind, models=models) for kind in kinds for models in (3, 5, 10, 30)]


def floor_line(world: World) -> str:
    """How near the computed floor is to what two groups really differ by, and how much either varies."""
    counts, computed = floors(world, FLOORS_OF)
    off = 100 * (computed.mean() / counts.mean() - 1)
    error = 100 * (counts - computed).std(ddof=1) / FLOORS_OF**0.5 / counts.mean()
    return (
        f"| {world.name} | {world.models} | {counts.mean():.1f} | {computed.mean():.1f} | {off:+.1f} ± {error:.1f} "
        f"| {counts.std(ddof=1):.1f} | {computed.std(ddof=1):.1f} |\n"
    )


def to_page(studies: int, processes: int = 2) -> None:
    """The tables, between the markers of the page."""
    asked = sorted(worlds(), key=lambda world: -world.models * world.examples)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        of_floors = pool.map(floor_line, floor_worlds())
        done = dict(zip(asked, pool.map(coverage, asked, [studies] * len(asked)), strict=True))
        lines = "".join(of_floors)
    head = (
        "| world | models | PIEs of two groups | floor | off, % | varies: PIEs | varies: floor |\n" + "|---" * 7 + "|\n"
    )
    made = table([(world, done[world]) for world in worlds()])
    error = 100 * (0.95 * 0.05 / studies) ** 0.5
    told = (
        f"Of {studies} studies a line, each line of its own; – where most of them give no interval. "
        f"The Monte-Carlo error of a cell is {error:.1f} points, at most {error * 2**0.5:.1f} where some give none."
    )
    page = PAGE.read_text(encoding="utf-8")
    for (begin, end), text in (
        (FLOORS, f"{head}{lines}\nOf {FLOORS_OF} studies of 1,000 examples a line; ± is the standard error."),
        (COVERAGES, f"{made}\n{told}"),
    ):
        page = f"{page.split(begin)[0]}{begin}{text}\n{end}{page.split(end)[1]}"
    PAGE.write_text(page, encoding="utf-8")
    print(made)


def normal_coverage(
    strata: Sequence[int], seeds: Sequence[float], both: float, level: float = 0.05, effect: float = 0.0
) -> float:
    """Of intervals in normal worlds, integrated over what the seeds of one or two groups may show.

    Variance over examples is 1. ``seeds``: what each group's seeds move beyond ``both``, of which each group has as much
    as it has in a difference of means. ``effect``: how far the truth is from what is looked for in the intervals.
    """
    at = np.linspace(-7, 7, 2001 if len(strata) == 1 else 121)
    parts = np.array([both]) if len(strata) == 1 else both * np.array(strata[::-1]) / sum(strata)
    shown = [
        (own + part) * stats.chi2.ppf(stats.norm.cdf(at), units - 1) / (units - 1)
        for own, part, units in zip(seeds, parts, strata, strict=True)
    ]
    variance, freedom = combined_variance(1.0, 1e9, np.stack(np.meshgrid(*shown, indexing="ij"), -1), strata, both)
    reach = stats.t.ppf(1 - level / 2, freedom) * np.sqrt(variance)
    error = np.sqrt(1 + sum(seeds))
    held = stats.norm.cdf((reach - effect) / error) - stats.norm.cdf((-reach - effect) / error)
    for _ in strata:
        held = integrate.trapezoid(held * stats.norm.pdf(at), at, axis=-1)
    return float(held)


def normal() -> None:
    """The least and the most that hold, whatever seeds do; and how many p-values of nothing are below 0.1 %."""
    for strata in ([2], [3], [4], [5], [10], [12], [2, 2], [3, 3], [5, 5], [3, 12], [2, 12]):
        moves = (0.0, *np.geomspace(0.05, 200, 25 if len(strata) == 1 else 7))
        worlds = [
            (seeds, both) for seeds in product(moves, repeat=len(strata)) for both in (1e-6, 0.1, 0.3, 0.5, 0.9, 1.0)
        ]
        held = [100 * normal_coverage(strata, *world) for world in worlds]
        below = max(100 - 100 * normal_coverage(strata, *world, level=0.001) for world in worlds)
        models = " + ".join(map(str, strata))
        print(
            f"{models} models: {min(held):.1f} to {max(held):.1f} % hold; p below 0.1 %: up to {below:.2f} %",
            flush=True,
        )


def impacts(studies: int) -> None:
    """How many intervals of a class's impact hold the truth and how long they are, of pairs and of independent groups."""

    def line(
        name: str, truth: float, made: Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]], classes: int
    ) -> None:
        told: dict[str, list[tuple[float, float]]] = {"two_way": [], "two_way_paired": []}
        for seed in range(studies):
            one, other, labels = made(seed)
            for method, ends in told.items():
                row = next(row for row in class_impact(one, other, labels, classes, method) if row["class"] == 0)  # type: ignore[arg-type]
                if row["low"] is not None and row["high"] is not None:
                    ends.append((row["low"], row["high"]))
        both = [np.array(ends).reshape(-1, 2).T for ends in told.values()]
        if not all(ends.size for ends in both):
            print(f"{name}: no interval", flush=True)
            return
        counts = [f"{100 * np.mean((low <= truth) & (truth <= high)):.1f} % of {len(low)}" for low, high in both]
        independent, pairs = (np.mean(high - low) for low, high in both)
        print(f"{name}: {' and '.join(counts)}; of pairs {pairs / independent:.2f} times as long", flush=True)

    for world in (world for world in worlds() if world.null == "descended"):

        def relatives(seed: int, world: World = world) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            random = np.random.default_rng([*world.name.encode(), world.models, world.examples, seed])
            _, (one, other), labels = study(world, random)
            return one, other, labels

        line(f"{world.name}, {world.models} models", 0.0, relatives, CLASSES)
    for size, (before, after) in product(
        (10, 20, 40, 100, 300), ((0.999, 0.99), (0.99, 0.96), (0.95, 0.9), (0.85, 0.8))
    ):
        labels = np.repeat([0, 1, 2], [size, 300, 300])

        def beside_perfect(
            seed: int, labels: np.ndarray = labels, recalls: tuple[float, float] = (before, after)
        ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            random, own = np.random.default_rng(seed), labels == 0
            hard = random.normal(size=own.sum())
            sides = []
            for recall in recalls:
                right = np.ones((5, len(labels)), bool)
                right[:, own] = random.random((5, own.sum())) < stats.norm.cdf(stats.norm.ppf(recall) * 2**0.5 + hard)
                sides.append(np.where(right, labels, (labels + 1) % 3))
            return sides[0], sides[1], labels

        truth = 100 * (after - before) * (1 - size / len(labels))
        line(f"{size} examples, recalls {before:.1%} and {after:.1%}", truth, beside_perfect, 3)


def said(random: np.random.Generator, logit: np.ndarray) -> np.ndarray:
    return (random.random(logit.shape) < 1 / (1 + np.exp(-logit))).astype(int)


def drawn_out(studies: int) -> None:
    random = np.random.default_rng(0)
    for models, common in ((5, 0.0), (12, 0.0), (5, 0.4), (10, 0.4), (30, 0.4)):
        inside = []
        for _ in range(studies):
            logit, shift = random.normal(-2, 2, 1500), 2.5 * (random.random(1500) < 0.1)
            truth = ((logit > 0) != (logit + shift > 0)).sum()
            sides = [said(random, side + common * random.normal(size=(models, 1))) for side in (logit, logit + shift)]
            curve = replicate_curve(*sides, 2)
            inside.append(curve.limit_low <= truth <= curve.limit_high)
        print(
            f"any number of models from {models}, common {common:g}: between the guesses in {100 * np.mean(inside):.0f} % of {studies}"
        )


def seeds_in_common(folder: Path) -> None:
    results = load_results(folder)
    assert results is not None, "a finished run"
    classes = len(results.class_names)
    for arm in results.pruned():
        dense = results.find(arm.objective, "dense", 0.0)
        assert dense is not None
        same, other = [], []
        for chosen in combinations(range(len(arm.labels)), 2):
            others = [seed for seed in range(len(arm.labels)) if seed not in chosen]
            for seeds in (chosen, *combinations(others, 2)):
                pies = pie_mask(dense.labels[list(chosen)], arm.labels[list(seeds)], classes).sum()
                (same if seeds == chosen else other).append(pies)
        gap = 100 * (np.mean(same) / np.mean(other) - 1)
        print(
            f"{arm.objective} {arm.pruning} {arm.sparsity:g}: same seeds {np.mean(same):.0f}, others {np.mean(other):.0f}, {gap:+.1f} %"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--normal", action="store_true")
    parser.add_argument("--impacts", action="store_true")
    parser.add_argument("--drawn-out", type=int, metavar="STUDIES")
    parser.add_argument("--run", type=Path)
    arguments = parser.parse_args()
    if arguments.run:
        seeds_in_common(arguments.run)
    if arguments.normal:
        normal()
    if arguments.impacts:
        impacts(arguments.studies)
    if arguments.drawn_out:
        drawn_out(arguments.drawn_out)
    if arguments.docs:
        to_page(arguments.studies)
