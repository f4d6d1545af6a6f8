"""How piescope writes numbers, intervals, p-values, names and lists: one rounding, one minus sign, one spelling.

Everything that people read is written by these: the terminal, JUnit, Markdown, both pages and the tables in LaTeX.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "–"
"""Stands where there is no number; a missing number is never a 0."""

LONGEST_NAME, LONGEST_PART = 60, 120
"""Characters of a name, and of a part of a message; what is longer is cut."""

MOST_DECIMALS = 9

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

COMMANDS = re.compile(
    r"(?:\A|(?<=[\r\n]))\s*(?P<first>::|(?:---|\+\+\+|~~~|\^\^\^)(?= ))"  # GitHub's, Buildkite's: they begin a line
    r"|(?P<second>\#\#(?=\w*\[))"  # ##[error] of GitHub and Azure, ##vso[, ##teamcity[: anywhere
    r"|(?P<third>(?:section_(?:start|end)|travis_\w+)(?=:))"  # GitLab, Travis
)
"""What build servers take out of a log and do: errors, variables, an end of all commands, folds."""


def printable(text: object, longest: int | None = None) -> str:
    r"""Text from outside as it may be shown, wherever: on a terminal, in a page, in the log of a build server.

    Control, direction, lone surrogate and unassigned characters are spelt out, never sent on; so is the first letter
    of what a build server would take for a command.

    Args:
        text: a name, an id, a note, a part of a message.
        longest: characters after which it is cut.

    Example:
        >>> printable("a\x1b[31m\nb"), printable("x" * 9, longest=5)
        ('a\\x1b[31m\\nb', 'xxxx…')
        >>> print(printable("::error::cat"), printable("a ##vso[task.complete]"), printable("std::cat"))
        \x3a:error::cat a \x23#vso[task.complete] std::cat
    """
    letters = str(text)
    safe = without_commands(letters if letters.isprintable() else "".join(map(shown, letters)))
    return safe if longest is None or len(safe) <= longest else safe[: longest - 1] + "…"


def without_commands(text: str, before: str = "") -> str:
    r"""Lines of which no build server takes any for a command.

    Args:
        text: lines; a command may begin any of them.
        before: what was sent already of the first line, without commands.

    Example:
        >>> print(without_commands("a\n ::stop-commands::x"), without_commands(":error::x", before=" :"))
        a
         \x3a:stop-commands::x \x3aerror::x
    """
    whole, parts, done = before + text, list[str](), len(before)
    for command in COMMANDS.finditer(whole):
        place = max(command.start(command.lastgroup or 0), len(before))
        parts += [whole[done:place], f"\\x{ord(whole[place]):02x}"]
        done = place + 1
    return "".join([*parts, whole[done:]])


def json_text(value: Any, indent: int | None = None) -> str:
    r"""JSON in ASCII that says the same and holds no command for a build server.

    Example:
        >>> print(json_text({"name": "##vso[x]\x1b"}))
        {"name": "\u0023\u0023vso[x]\u001b"}
    """
    text = json.dumps(value, indent=indent)
    return text.replace("##", r"\u0023\u0023").replace("section_", r"\u0073ection_").replace("travis_", r"\u0074ravis_")


def in_quotes(text: object, longest: int = LONGEST_PART) -> str:
    r"""Text from outside in quotes, as Python writes it: nothing in it can be taken for what is around it.

    Example:
        >>> print(in_quotes("a\x1bb"), in_quotes("it's"), in_quotes("x" * 9, longest=5))
        'a\x1bb' "it's" 'xxxx…'
    """
    letters = str(text)
    return without_commands(repr(letters if len(letters) <= longest else letters[: longest - 1] + "…"))


def shown(letter: str) -> str:
    """A letter, or how it is spelt if no eye sees it."""
    return letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _INVISIBLE else letter


_PLAIN = str.maketrans({MINUS: "-", SPACE: " ", "→": "->", "–": "-", "…": "..."})


def plain(text: str) -> str:
    """For a terminal, whose encoding may lack what stands in documents.

    Example:
        >>> plain(f"{number(-1.5)}{SPACE}points → {NOTHING}")
        '-1.5 points -> -'
    """
    return text.translate(_PLAIN)


def name(text: object) -> str:
    """A class, group or file by name, cut where it is very long."""
    return printable(text, LONGEST_NAME) or "(empty)"


def count(value: float | None) -> str:
    """``10,000``; halves as they are; a dash for nothing.

    Example:
        >>> count(10_000), count(12.5), count(None)
        ('10,000', '12.5', '–')
    """
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


def counted(value: float, noun: str) -> str:
    """``1 example``, ``2 examples``.

    Example:
        >>> counted(1, "class"), counted(2, "class"), counted(1_000, "example")
        ('1 class', '2 classes', '1,000 examples')
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else noun + ("es" if noun.endswith("s") else "s")
    return f"{count(value)} {noun if value == 1 else plural}"


def ranged(counts: Collection[int], noun: str) -> str:
    """How many of something there are each, from the fewest to the most.

    Example:
        >>> ranged([5, 5], "model"), ranged([6, 4, 6], "model")
        ('5 models', '4 to 6 models')
    """
    fewest, most = min(counts), max(counts)
    return counted(most, noun) if fewest == most else f"{count(fewest)} to {counted(most, noun)}"


def digits(*values: float | None) -> int:
    """Decimals that these need: one, more where all are small."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    return 1 if largest >= 0.5 or largest == 0 else 2 if largest >= 0.05 else 3


def seen_digits(value: float | None, low: float | None, high: float | None) -> int:
    """Decimals in which an interval that excludes 0 is seen to do so.

    Example:
        >>> seen_digits(-3.0, -7.1, -0.02), seen_digits(-3.0, -7.1, 0.02)
        (2, 1)
    """
    decimals = digits(value, low, high)
    if low is None or high is None or low * high <= 0:
        return decimals
    nearest = min(abs(low), abs(high))
    while decimals < MOST_DECIMALS and not halves_up(nearest, decimals):
        decimals += 1
    return decimals


def halves_up(value: float, decimals: int) -> float:
    """Rounded as people do: 0.35 is 0.4, though its nearest binary number is a little less.

    Example:
        >>> halves_up(0.35, 1), f"{0.35:.1f}", halves_up(2.5, 0)
        (0.4, '0.3', 3.0)
    """
    return math.floor(round(value * 10**decimals, 6) + 0.5) / 10**decimals


def number(value: float | None, decimals: int = 1, signed: bool = False) -> str:
    """A number with a true minus sign; a dash for nothing.

    Example:
        >>> number(-1.25, 1), number(0.5, 1, signed=True), number(-0.001, 1), number(None)
        ('−1.3', '+0.5', '0.0', '–')
    """
    if value is None:
        return NOTHING
    text = f"{halves_up(abs(value), decimals):,.{decimals}f}"
    if not any(letter in "123456789" for letter in text):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def interval(low: float | None, high: float | None, decimals: int = 1, signed: bool = False) -> str:
    r"""``[0.9, 1.7]``; empty where an end is missing.

    Example:
        >>> interval(0.9, 1.7), interval(None, 1.7)
        ('[0.9,\xa01.7]', '')
    """
    if low is None or high is None:
        return ""
    return f"[{number(low, decimals, signed)},{SPACE}{number(high, decimals, signed)}]"


def with_interval(
    value: float | None,
    low: float | None,
    high: float | None,
    unit: str = "",
    signed: bool = False,
    decimals: int | None = None,
) -> str:
    """``3.2 % [2.9, 3.6]``, all with the same decimals: as many as show that 0 is excluded, or those asked for.

    Example:
        >>> with_interval(1234.5, 3.0, 2100, decimals=0).replace(SPACE, " "), with_interval(None, None, None)
        ('1,235 [3, 2,100]', '–')
    """
    if value is None:
        return NOTHING
    shown = seen_digits(value, low, high) if decimals is None else decimals
    text = number(value, shown, signed) + (SPACE + unit if unit else "")
    ends = interval(low, high, shown, signed)
    return f"{text} {ends}" if ends else text


def plus_minus(mean: float | None, std: float | None, decimals: int = 2) -> str:
    """``98.24 ± 0.43``; a dash where there is no mean.

    Example:
        >>> plus_minus(98.237, 0.43), plus_minus(1.0, None), plus_minus(None, None)
        ('98.24 ± 0.43', '1.00', '–')
    """
    if mean is None:
        return NOTHING
    return number(mean, decimals) + ("" if std is None else f" ± {number(std, decimals)}")


def give_or_take(share: float | None) -> str:
    """``± 12 %`` of a fraction; a dash where there is none.

    Example:
        >>> give_or_take(0.123).replace(SPACE, " "), give_or_take(None)
        ('± 12 %', '–')
    """
    return NOTHING if share is None else f"±{SPACE}{percent(100 * share, 0)}"


def percent(value: float | None, decimals: int = 1) -> str:
    """``91.2 %`` of a number that is in percent."""
    return NOTHING if value is None else number(value, decimals) + SPACE + "%"


def as_percent(share: float) -> str:
    """``0.95`` as ``95 %``: a sparsity, in as many digits as it has, up to four.

    Example:
        >>> as_percent(0.95).replace(SPACE, " "), as_percent(0.995).replace(SPACE, " ")
        ('95 %', '99.5 %')
    """
    return f"{100 * share:.4g}{SPACE}%"


def significant(
    value: float | None, low: float | None = None, high: float | None = None, figures: int = 3, is_ratio: bool = False
) -> str:
    """A number of no fixed unit by its first figures; with its interval, by two figures of that one's width.

    Of a ratio, which is never 0, each number has two figures at least.

    Example:
        >>> significant(-0.01234, -0.5, 0.5).replace(SPACE, " "), significant(1.8234, 1.54, 2.1471).replace(SPACE, " ")
        ('0.0 [−0.5, 0.5]', '1.82 [1.54, 2.15]')
        >>> significant(1234.5, 1000, 1834).replace(SPACE, " "), significant(2.5), significant(None)
        ('1,230 [1,000, 1,830]', '2.5', '–')
        >>> significant(1.718, 0.25, 11.79, is_ratio=True).replace(SPACE, " ")
        '1.7 [0.25, 12]'
    """
    if value is None:
        return NOTHING
    if low is None or high is None or not high > low:
        return f"{value:.{figures}g}".replace("-", MINUS)
    places = 1 - math.floor(math.log10(high - low))

    def rounded(end: float) -> str:
        own = max(places, 1 - math.floor(math.log10(end))) if is_ratio and end > 0 else places
        # adding 0.0 takes the sign off a zero
        return f"{round(end, own) + 0.0:,.{max(0, own)}f}".replace("-", MINUS)

    text, *ends = map(rounded, (value, low, high))
    return f"{text} [{ends[0]},{SPACE}{ends[1]}]"


def p_value(value: float | None) -> str:
    """A p- or q-value: ``0.034``, ``2e−14``.

    Example:
        >>> p_value(0.0341), p_value(2.34e-14), p_value(0.0), p_value(1.0), p_value(None)
        ('0.034', '2e−14', '< 1e−300', '1', '–')
    """
    if value is None:
        return NOTHING
    if value == 0:
        return f"< 1e{MINUS}300"
    if value < 0.001:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{MINUS}{abs(int(exponent))}"  # a hyphen would let the line break there
    return f"{value:.2g}"


def equals(value: float | None) -> str:
    """``= 0.034``, ``< 1e−300``: what follows p or q."""
    text = p_value(value)
    return text if text.startswith("<") else f"={SPACE}{text}"


def listed(parts: Sequence[str], most: int | None = None, last: str = "and") -> str:
    """``a, b and c``; ``a, b and 3 more``.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
        ('a', 'a, b and c', 'a, b and 2 more')
    """
    if most is not None and len(parts) > most + 1:
        parts = [*parts[:most], f"{len(parts) - most:,} more"]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""


def capital(text: str) -> str:
    """The first letter of a sentence that begins with our own words."""
    return text[:1].upper() + text[1:]
