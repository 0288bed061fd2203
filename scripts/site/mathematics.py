r"""Equations of the site as MathML, made when the site is built, so that a reader needs neither a script nor a network.

The extension arithmatex marks equations as `\(...\)` and `\[...\]`; latex2mathml converts them.
"""

import html
import re

from latex2mathml.converter import convert

_EQUATION = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<kind>[(\[])(?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


class EquationError(ValueError):
    """An equation has a command that cannot be rendered."""


def render_equations(page: str) -> str:
    """Replaces the equations of a page by MathML.

    Args:
        page: HTML of the page, with equations as arithmatex marks them.

    Raises:
        EquationError: a command of LaTeX is not known.
    """
    return _EQUATION.sub(lambda found: _render(found["latex"], block=found["kind"] == "["), page)


def _render(latex: str, *, block: bool) -> str:
    source = " ".join(html.unescape(latex).split())
    source = re.sub(r"\\mathrm\{(\w)\}", r"\\text{\1}", source)  # latex2mathml sets single letters in italics
    mathml = convert(source, display="block" if block else "inline")
    if "\\" in re.sub(r"<annotation.*?</annotation>", "", mathml):
        raise EquationError(f"expected commands that latex2mathml knows; got {source}: write it otherwise")
    return f'<div class=.equation">{mathml}</div>' if block else mathml
