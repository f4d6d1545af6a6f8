"""How well a score ranks examples: the worth of a measure is what it predicts.

AUROC is the probability that an example with the event scores above one without it. Here it comes with its share of
every example, so that it has an interval over models and examples, and with scores that a predictor gives to examples
that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num
from scipy import special, stats

from piescope.axes import Array
from piescope.measure.arrays import same_length, to_numpy
from piescope.measure.intervals import CONFIDENCE, Interval, two_way_interval


def auroc(score: Num[Array, " examples"], event: Bool[Array, " examples"]) -> float | None:
    """Probability that a random example with the event scores above one without it; 0.5 is chance.

    Args:
        score: ``[examples]``, higher = the event is expected.
        event: ``[examples]``.

    Returns:
        0 to 1; None when no example, or every one, has the event.

    Raises:
        ValueError: NaN or infinity among the scores, or other numbers of examples.

    Example:
        >>> auroc(np.array([0.1, 0.2, 0.9]), np.array([False, False, True]))
        1.0
    """
    scores, events = to_numpy(score), to_numpy(event).astype(bool)
    same_length(score=scores, event=events)
    if events.all() or not events.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(events, scores))


def auroc_shares(score: Num[Array, " examples"], event: Bool[Array, " examples"]) -> Float[np.ndarray, " examples"]:
    """What each example contributes to the AUROC; the shares sum to it.

    A share is AUROC / n plus the example's influence / n: ``(V10_i - AUROC) / n1`` for an example with the event, where
    ``V10_i`` is the share of the others that it scores above, and ``(V01_i - AUROC) / n0`` for one without, where
    ``V01_i`` is the share of the events that score above it. Ties count half. The spread of the shares gives DeLong's
    variance, up to n1 / (n1 - 1).

    Args:
        score: ``[examples]``, higher = the event is expected; any scale, only its order counts.
        event: ``[examples]``.

    Returns:
        ``[examples]``, float64; NaN everywhere when no example, or every one, has the event.

    Raises:
        ValueError: NaN among the scores, or other numbers of examples.

    Source: DeLong, DeLong and Clarke-Pearson 1988, https://doi.org/10.2307/2531595.

    Example:
        >>> shares = auroc_shares(np.array([0.1, 0.4, 0.3, 0.9]), np.array([False, False, True, True]))
        >>> shares.round(4).tolist(), float(shares.sum())
        ([0.3125, 0.0625, 0.0625, 0.3125], 0.75)
    """
    scores, events = _checked(score, event)
    with_event, without = int(events.sum()), int((~events).sum())
    if with_event == 0 or without == 0:
        return np.full(events.shape, np.nan)
    placed = _placements(scores, events)
    value = placed[events].sum() / with_event
    return value / events.size + (placed - value) / np.where(events, with_event, without)


def _placements(scores: np.ndarray, events: np.ndarray) -> np.ndarray:
    """V10 of the events and V01 of the others: the share of the other side that each is ranked rightly against."""
    levels, level = np.unique(scores, return_inverse=True)
    events_at = np.bincount(level[events], minlength=len(levels))
    others_at = np.bincount(level[~events], minlength=len(levels))
    below = (np.cumsum(others_at) - others_at / 2) / others_at.sum()
    above = 1 - (np.cumsum(events_at) - events_at / 2) / events_at.sum()
    return np.asarray(np.where(events, below[level], above[level]))


def mean_auroc_interval(
    scores: Num[Array, "#models examples"], events: Bool[Array, "models examples"]
) -> Interval | None:
    """The mean over models of each model's AUROC, and its 95 % interval over models and examples.

    The standard error is that of `two_way_interval`; the ends are symmetric on the logit scale and stay within 0 to 1.
    The p-values of the interval are against 0, not against chance: compare its ends with 0.5.

    What is random: models (their seeds, drawn independently) and examples (drawn independently). A shared score counts
    as given: the interval holds for this score, not for the one that other models would have given. Where the score
    comes from the same models (their vote entropy, say), that part of the spread over seeds is missing. In simulated
    studies of 5 to 30 models with 20 events or more each, 93 to 97 % of the intervals hold the truth; of 3 models whose
    AUROCs differ much, 92 %. Not for fewer.

    Args:
        scores: ``[models, examples]``, each model its own, or ``[1, examples]``, one for all.
        events: ``[models, examples]``, each model's own (its errors, say).

    Returns:
        the mean and its interval; models without an event, or without another example, are left out, and None when none
        is left. NaN ends with fewer than 3 models, with one event a model, or when no example could have been ranked
        otherwise (perfect or constant scores): nothing there tells how sure the number is.

    Raises:
        ValueError: NaN among the scores, or other numbers of models or examples.

    Source: DeLong et al. 1988, https://doi.org/10.2307/2531595 (examples); `two_way_interval` (both).

    Example:
        >>> errors = np.array([[0, 0, 1, 0, 1, 1], [0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1]], dtype=bool)
        >>> found = mean_auroc_interval(np.array([[1, 2, 3, 4, 5, 6]]), errors)
        >>> round(found.value, 3), round(found.error, 3)
        (0.852, 0.097)
    """
    ranked, happened = to_numpy(scores), to_numpy(events).astype(bool)
    if ranked.ndim != 2 or happened.ndim != 2 or len(ranked) not in (1, len(happened)):
        raise ValueError(
            f"scores have shape {list(ranked.shape)} and events {list(happened.shape)}; "
            "expected [models, examples] of both, or [1, examples] of scores"
        )
    same_length(scores=ranked, events=happened)
    ranked = np.broadcast_to(ranked, happened.shape)
    usable = happened.any(1) & ~happened.all(1)
    if not usable.any():
        return None
    own = np.stack([auroc_shares(*model) for model in zip(ranked[usable], happened[usable], strict=True)])
    mean, models = own.mean(0), len(own)
    return _interval(mean, (models * mean - own) / max(models - 1, 1), [models], _rarer(happened[usable]))


def event_auroc_interval(
    score: Num[Array, " examples"],
    event: Bool[Array, " examples"],
    without_scores: Num[Array, "units examples"],
    without_events: Bool[Array, "units examples"],
    strata: Sequence[int],
) -> Interval | None:
    """The AUROC of an event of the whole population (being a PIE, say), and its 95 % interval over seeds and examples.

    The caller computes score and event again with each seed left out: of a model, or of a dense model and its
    descendants. Standard error, ends and p-values: as of `mean_auroc_interval`.

    What is random: seeds (drawn independently within a stratum) and examples (drawn independently). The AUROC is that
    of populations of this size, not of infinitely many models. In simulated studies of 2 x 3 to 2 x 30 models, whose
    seeds move accuracy by up to 8 points, 94 to 99 % of the intervals hold the truth. Votes jump when a model is left
    out, which the jackknife takes for spread over seeds: errors of a score from the votes are up to a third too large.
    Not for fewer units, or fewer than 20 examples on either side of the event. A score from the same models that define
    the event knows their luck: it foretells these models' event better than another study's.

    Args:
        score: ``[examples]``, higher = the event is expected.
        event: ``[examples]``, of the whole population.
        without_scores: ``[units, examples]``, the score with each unit left out (all alike if it needs no model).
        without_events: ``[units, examples]``, the event with each unit left out.
        strata: how many units each independent group has, in the order of the rows (see `two_way_interval`).

    Returns:
        the AUROC and its interval; None when no example, or every one, has the event. NaN ends when that is so without
        one of the units, when a stratum has fewer than 3 units, or when the scores are perfect or constant.

    Raises:
        ValueError: NaN among the scores, or other numbers of units or examples.

    Source: DeLong et al. 1988, https://doi.org/10.2307/2531595 (examples); `two_way_interval` (both).

    Example:
        >>> score, event = np.array([1, 2, 3, 4, 5, 6]), np.array([0, 0, 1, 0, 1, 1], dtype=bool)
        >>> less = np.array([[0, 0, 1, 0, 1, 1], [0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 0, 1]], dtype=bool)
        >>> found = event_auroc_interval(score, event, np.stack([score] * 3), less, [3])
        >>> round(found.value, 3), round(found.error, 3)
        (0.889, 0.141)
    """
    shares = auroc_shares(score, event)
    scores, events = to_numpy(without_scores), to_numpy(without_events)
    if scores.shape != events.shape or scores.shape[1:] != shares.shape or sum(strata) != len(events):
        raise ValueError(
            f"without_scores have shape {list(scores.shape)}, without_events {list(events.shape)}, strata are "
            f"{list(strata)}; expected [units, {len(shares)}] of both, and strata that sum to the units"
        )
    if not np.isfinite(shares).all() or len(shares) == 0:
        return None
    without = [auroc_shares(*unit) for unit in zip(scores, events, strict=True)]
    return _interval(shares, np.stack(without), strata, _rarer(to_numpy(event).astype(bool)))


def _interval(shares: np.ndarray, without: np.ndarray, strata: Sequence[int], rarer: float) -> Interval:
    """Two-way, with ends on the logit scale; no ends where that would take missing or equal shares for certainty."""
    interval = two_way_interval(shares, without, strata, effective=max(rarer, 2.0))
    value, error = interval.value, interval.error
    if not (error > 0 and np.isfinite(without).all() and np.ptp(shares) > 0 and rarer > 1):
        return Interval(value, np.nan, np.nan, np.nan, 0.0)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, interval.freedom) * error / (value * (1 - value))
    low, high = special.expit(special.logit(value) + np.array([-reach, reach]))
    return Interval(value, error, float(low), float(high), interval.freedom)


def _rarer(events: np.ndarray) -> float:
    """Examples on the rarer side of the event, of the average model."""
    return float(np.minimum(events.sum(-1), (~events).sum(-1)).mean())


def cross_fitted(
    features: Num[Array, "examples features"], event: Bool[Array, " examples"], folds: int = 5, seed: int = 0
) -> Float[np.ndarray, " examples"] | None:
    """How high each example is ranked by a logistic regression that was not fitted on it; give it to `auroc_shares`.

    The examples are dealt to folds with the event about equally frequent in each. For each fold a predictor is fitted
    on the others, and the score of an example is the share of its own fold that it ranks above. Probabilities would be
    compared over predictors: AUROCs pooled that way are biased downwards (on pure noise to 0.44 with 7 events of 400 in
    our simulations, to 0.495 with 150), those of the ranks are not.

    What is random: the deal (``seed``). Assumed: examples are independent; near duplicates in two folds would leak.
    Another fold is no other model: where features and event come from the same models, their luck is in both. The L2
    penalty is scikit-learn's own (C = 1, on standardised features), which matters little from some 100 events on. Not
    for an event that is most frequent in the middle of a feature: give the distance from there as a feature too.

    Args:
        features: ``[examples, features]``, any scale; leave out columns that were not measured.
        event: ``[examples]``.
        folds: 2 or more.
        seed: of the deal.

    Returns:
        ``[examples]``, above 0 and below 1, higher = the event is expected; None when fewer examples than folds have
        the event, or lack it.

    Raises:
        ValueError: NaN or infinity among the features, other numbers of examples, no features, or fewer than 2 folds.

    Source: Forman and Scholz 2010, https://doi.org/10.1145/1882471.1882479 (why not to pool).

    Example:
        >>> features = np.array([[0.0], [0.2], [0.1], [0.9], [1.0], [0.8]])
        >>> cross_fitted(features, np.array([0, 0, 0, 1, 1, 1], dtype=bool), folds=3).tolist()
        [0.25, 0.25, 0.25, 0.75, 0.75, 0.75]
    """
    columns, happened = to_numpy(features).astype(np.float64), to_numpy(event).astype(bool)
    if columns.ndim != 2 or columns.shape[:1] != happened.shape or columns.shape[1] < 1 or folds < 2:
        raise ValueError(
            f"features have shape {list(columns.shape)}, event {list(happened.shape)}, folds {folds}; "
            "expected [examples, features], [examples] and 2 folds or more"
        )
    if not np.isfinite(columns).all():
        raise ValueError(f"{int((~np.isfinite(columns)).sum())} features are NaN or infinite; leave these columns out")
    if min(happened.sum(), (~happened).sum()) < folds:
        return None
    return _ranked_by_others(columns, happened, folds, seed)


def _ranked_by_others(features: np.ndarray, event: np.ndarray, folds: int, seed: int) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    ranked = np.empty(len(event))
    with threadpool_limits(1):  # threads that wait for each other over a few features take ten times as long
        for others, own in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features, event):
            predictor = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            predictor.fit(features[others], event[others])
            ranked[own] = (stats.rankdata(predictor.decision_function(features[own])) - 0.5) / len(own)
    return ranked


def _checked(score: Any, event: Any) -> tuple[np.ndarray, np.ndarray]:
    scores, events = to_numpy(score), to_numpy(event).astype(bool)
    same_length(score=scores, event=events)
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} scores are NaN; leave these examples out")
    return scores, events


def correlation(
    examples: float | int,
    one: float | int,
    other: float | int,
    ones: float | int,
    others: float | int,
    products: float | int,
) -> float:
    """Pearson's correlation over examples from their sums: -1 to 1; NaN where one is constant.

    Args:
        examples: how many.
        one: sum of the one's values.
        other: of the other's.
        ones: sum of the one's squares.
        others: of the other's.
        products: sum of the products.

    Example:
        >>> one, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])
        >>> round(correlation(3, one.sum(), other.sum(), one @ one, other @ other, one @ other), 4)
        0.982
    """
    spread = (examples * ones - one**2) * (examples * others - other**2)
    return float((examples * products - one * other) / np.sqrt(spread)) if spread > 0 else np.nan
