"""How often is harm said in audits whose truth is known? The figures of docs/audit.md and docs/ci.md.

python benchmarks/audited_worlds.py [--audits 200]      (three minutes)

Logits of a right answer are normal over examples; each run of the recipe has luck of its own on each example, and favours
classes or not. *Further run*: the copies are further runs, nothing was compressed.
"""

from __future__ import annotations

import argparse
import tomllib
from typing import NamedTuple

import numpy as np

import piescope
from piescope.auditing.suggested_budgets import suggested_budgets
from piescope.measure.accuracy import RightSums
from piescope.measure.flips import adjusted_p_values, change_p
from piescope.store.audit_record import AuditRecord


class Runs(NamedTuple):
    """Examples, classes, dense runs, what seeds do to a class's logits (standard deviation), how; mean logit; copies."""

    examples: int
    classes: int
    models: int
    seeds: float
    how: str = "alike"
    mean: float = 1.6
    copies: int = 1


FURTHER = (
    *(Runs(1000, 10, models, 0.5) for models in (3, 5, 12)),
    *(Runs(5000, 100, models, 0.5) for models in (3, 5, 12)),
    Runs(10_000, 10, 5, 0.3, mean=2.2),
    *(
        Runs(1000, 10, models, 0.5, how)
        for models in (3, 5)
        for how in ("unequal sizes", "uneven recalls", "some classes more", "ruined")
    ),
)


SEVERAL = tuple(
    world._replace(models=models, copies=copies)
    for models, copies in ((2, 2), (3, 3), (5, 5), (12, 12), (12, 3), (3, 12))
    for world in (
        Runs(1000, 10, 0, 0.5),
        Runs(5000, 100, 0, 0.5),
        Runs(10_000, 10, 0, 0.3, mean=2.2),
        *(Runs(1000, 10, 0, 0.5, how) for how in ("unequal sizes", "uneven recalls", "some classes more", "ruined")),
        *(Runs(5000, 100, 0, 0.5, how) for how in ("uneven recalls", "some classes more", "ruined")),
        Runs(10_000, 10, 0, 0.3, "uneven recalls"),
    )
)


def drawn(world: Runs, damage: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``[models + copies, examples]``, who is right, copies last, class 0 damaged in them; and the classes."""
    sizes = np.geomspace(1, 20, world.classes) if world.how == "unequal sizes" else np.ones(world.classes)
    true = random.choice(world.classes, world.examples, p=sizes / sizes.sum())
    spread = np.full(world.classes, world.seeds)
    if world.how == "some classes more":
        spread *= np.geomspace(0.3, 2, world.classes)[random.permutation(world.classes)]
    shape = world.models + world.copies, world.classes
    moved = 1 - random.exponential(1, shape) if world.how == "ruined" else random.normal(0, 1, shape)
    moved *= spread
    moved[world.models :, 0] -= damage
    luck = random.normal(0, 0.5, (len(moved), world.examples))
    level = np.full(world.classes, world.mean)
    if world.how == "uneven recalls":
        level = np.linspace(0.2, 4, world.classes)[random.permutation(world.classes)]
    return level[true] + random.normal(0, 1.2, world.examples) + moved[:, true] + luck > 0, true


def called(world: Runs, damage: float, audits: int) -> tuple[float, float]:
    """Shares of audits, percent, in which another class is called worse, and in which class 0 is."""
    false = hits = 0
    for seed in range(audits):
        right, true = drawn(world, damage, np.random.default_rng(seed))
        found = RightSums.of(right[: world.models], right[world.models :], true, world.classes).change()
        worse = (adjusted_p_values(found.p_value) <= 0.05) & (found.value < 0)
        false, hits = false + bool(worse[0 if not damage else 1 :].any()), hits + bool(worse[0])
    return 100 * false / audits, 100 * hits / audits


def budgets(audits: int) -> dict[str, float]:
    """Of builds with five dense runs and a further one, percent, in which each budget is broken."""
    limits = {"max_flips": "0.5%", "max_changed": "0.5%", "max_class_drop": 1, "equivalent_within": 0.5}
    broken = dict.fromkeys([*limits, "any"], 0)
    for seed in range(audits):
        right, true = drawn(Runs(1000, 10, 5, 0.5), 0.0, np.random.default_rng(seed))
        labels = np.where(right, true, (true + 1) % 10)
        rows = piescope.audit(labels[:-1], labels[-1:], labels=true, values="labels", budgets=limits).record.budgets
        names = [row.budget for row in rows if row.verdict == "broken"]
        for name in (*names, *(["any"] if names else [])):
            broken[name] += 1
    return {name: 100 * count / audits for name, count in broken.items()}


def small_classes(classes: int, size: int, loss: float, audits: int) -> tuple[float, float, float]:
    """One model a side, one class loses: found, found if all classes counted; any is called where none does; percent."""
    random, found, plain, false = np.random.default_rng(0), 0, 0, 0
    for _ in range(audits):
        for is_null in (False, True):
            lost, gained = random.binomial(size, 0.02, (2, classes))
            if not is_null:
                lost[0] = random.binomial(size, loss)
            p, least = change_p(lost, gained), change_p(lost + gained, np.zeros(classes, int))
            worse = adjusted_p_values(p, least) <= 0.05
            false += bool(is_null and worse.any())
            found += bool(not is_null and worse[0])
            plain += bool(not is_null and adjusted_p_values(p)[0] <= 0.05)
    return 100 * found / audits, 100 * plain / audits, 100 * false / audits


def suggested(audits: int) -> tuple[float, float, float]:
    """Budgets of one copy put to another as good: broken, not all kept; and broken by one that loses a point more."""
    random, broken, failed, worse = np.random.default_rng(0), 0, 0, 0

    def record(loss: float, limits: dict[str, object] | None = None) -> AuditRecord:
        true = np.arange(1000) % 10
        right = random.random(1000) < 0.9
        dense = np.where(right, true, (true + 1) % 10)
        lost, won = right & (random.random(1000) < loss / 0.9), ~right & (random.random(1000) < 0.1)
        copy = np.where(lost, (true + 2) % 10, np.where(won, true, dense))
        return piescope.audit(dense, copy, labels=true, values="labels", budgets=limits).record

    for _ in range(audits):
        limits = tomllib.loads(suggested_budgets(record(0.02)))["budgets"]
        verdicts = [row.verdict for row in record(0.02, limits).budgets]
        broken, failed = broken + ("broken" in verdicts), failed + any(verdict != "kept" for verdict in verdicts)
        worse += "broken" in [row.verdict for row in record(0.03, limits).budgets]
    return 100 * broken / audits, 100 * failed / audits, 100 * worse / audits


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=200)
    audits = parser.parse_args().audits
    print(f"Of {audits} audits each; one standard error is at most {50 / audits**0.5:.1f} points.")
    for world in (*FURTHER, *SEVERAL):
        damage = 1.5 if world.copies == 1 else 1.0
        false, (_, hits) = called(world, 0.0, audits)[0], called(world, damage, audits)
        print(f"{world}: worse in a class by seeds {false:.1f} %, a damaged class is found {hits:.1f} %", flush=True)
    for classes, size, loss in ((100, 20, 0.5), (1000, 10, 0.7)):
        found, plain, false = small_classes(classes, size, loss, audits)
        print(
            f"{classes} classes of {size}, one loses {loss:.0%}: {found:.1f} %, all counted {plain:.1f}; none: {false:.1f}"
        )
    print("a further run breaks, %:", {name: round(share, 1) for name, share in budgets(audits).items()})
    print("suggested budgets: broken {:.1f}, not all kept {:.1f}, a point worse {:.1f} %".format(*suggested(audits)))
