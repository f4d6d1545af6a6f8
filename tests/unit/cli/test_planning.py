"""What `piescope plan` says before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from piescope.cli.app import app


def planned(study: str | Path, *options: str | Path) -> str:
    """What `plan` prints in this process, in one line."""
    done = CliRunner().invoke(app, ["plan", str(study), "--tune", "off", *map(str, options)])
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ('extends = "digits"\ncontinues = "nosuch"', "continues nosuch, which does not ship: its folder, as --out, tells"),
        (
            'extends = "digits"\ncontinues = "digits"\nreplicates_of = { "supcon gmp 0.9" = 3 }',
            "digits, but not as it ships: 2 of its 135 models are none here (supcon gmp 0.9, seed 3)",
        ),
        ('extends = "digits"\ncontinues = "digits"', "digits, all of whose 135 models are this study's: `run` may go on"),
    ],
)  # fmt: skip
def test_what_is_known_of_the_study_that_one_continues(own: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n{own}\n')
    assert words in planned(tmp_path / "mine.toml")


def test_a_study_that_continues_none_says_nothing_of_it() -> None:
    assert "continues" not in planned("digits")
