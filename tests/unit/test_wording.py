"""Text from outside as it is shown."""

from __future__ import annotations

import unicodedata

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
