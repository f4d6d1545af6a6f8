"""Tables as LaTeX prints them."""

from __future__ import annotations

from piescope.report.layout.latex import escape_latex


def test_latex_is_text() -> None:
    assert escape_latex("50 % & $x_1$ {\\input{/etc/passwd}} #~^") == (
        r"50 \% \& \$x\_1\$ \{\textbackslash{}input\{/etc/passwd\}\} \#\textasciitilde{}\textasciicircum{}"
    )
