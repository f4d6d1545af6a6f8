"""Text from outside and numbers as they are shown."""

from __future__ import annotations

import unicodedata

import pytest

from piescope import wording
from piescope.wording import printable

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def test_no_letter_reaches_a_screen_that_commands_it() -> None:
    for code in (*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFE00, 0x10010), *range(0x10FFF0, 0x110000)):
        for letter in printable(chr(code)):
            assert unicodedata.category(letter) not in HIDDEN
            assert ord(letter) & 0xFFFE != 0xFFFE  # no XML may hold it


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("cat", "köter", "猫", "12\N{NO-BREAK SPACE}%", "🦊", ""):
        assert printable(text) == text


def test_cut_text_has_the_length_that_was_asked_for() -> None:
    assert printable("x" * 5, 5) == "xxxxx"
    assert printable("\x1b" * 9, 7) == "\\x1b\\x…"
    assert len(printable("\n" * 1000, 60)) == 60


@pytest.mark.parametrize("value", [0.0, 1e-310, 1e-300, 2.34e-14, 0.00099996, 0.001, 0.0499, 0.05, 0.5, 1.0])
def test_chances_read_back(value: float) -> None:
    text = wording.p_value(value)
    if value == 0:
        assert text == "< 1e−300"
    else:
        assert float(text.replace(wording.MINUS, "-")) == pytest.approx(value, rel=0.5)


def test_small_numbers_keep_their_digits() -> None:
    assert (
        wording.with_interval(-0.04, -0.06, -0.02, "points", signed=True).replace(wording.SPACE, " ")
        == "−0.04 points [−0.06, −0.02]"
    )
    assert wording.with_interval(-9.04, -11.0, 0.0, signed=True).replace(wording.SPACE, " ") == "−9.0 [−11.0, 0.0]"


def test_what_machines_read_is_spelt_out_once() -> None:
    for text in ("::error::x", " ##vso[x]", "section_end:1:x", "--- x"):
        once = printable(text)
        assert once != text and printable(once) == once and printable(f"word {once}") == f"word {once}"
    for text in ("std::vector", "a # b ## c", "C## [x]", "section_starts", "-- x", "---", "1 ::: 2"):
        assert printable(text) == text
