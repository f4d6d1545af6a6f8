"""As many examples as are proposed would do, and fewer would not."""

from __future__ import annotations

import pytest
from scipy import stats

from made_budgets import an_audit, proposed, reason


def test_too_few_examples_are_told_with_how_many_would_do() -> None:
    sentence = reason(an_audit(examples=200, changed=2), max_changed="2%")
    assert (
        sentence
        == "200 examples are too few to tell: observed 1.0 %, but up to 3.1 % fits with them; about 590 examples would do"
    )
    assert "budget a count instead" in reason(an_audit(examples=200, changed=0), max_changed="0%")
    assert reason(an_audit(examples=1, changed=0), max_changed="2%").startswith("1 example is too few")
    assert "more than 990,000,000 examples would do" in reason(
        an_audit(examples=10_000, changed=100), max_changed="1.0000001%"
    )


@pytest.mark.parametrize(("changed", "limit"), [(2, 2.0), (0, 1.0), (3, 1.6), (1, 5.0)])
def test_as_many_examples_as_proposed_would_do_and_fewer_would_not(changed: int, limit: float) -> None:
    enough = proposed(reason(an_audit(examples=200 if limit < 5 else 50, changed=changed), max_changed=f"{limit}%"))
    share = changed / (200 if limit < 5 else 50)

    def bound(examples: int) -> float:
        return 100 * stats.beta.ppf(0.95, round(share * examples) + 1, examples - round(share * examples))

    assert bound(enough) <= limit and bound(4 * enough) <= limit
    assert bound(int(0.7 * enough)) > limit
