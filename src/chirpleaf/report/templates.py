"""Templates of pages: one environment, and one base style sheet for the colours and the text of all pages."""

from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

_PLACE = "/* base.css */\n"
"""Where the base style sheet stands in a template."""


def read_base_style() -> str:
    """The style sheet that all pages begin with: colours in light, in dark and on paper, and text."""
    return resources.files("chirpleaf.report").joinpath("base.css").read_text(encoding="utf-8")


@cache
def read_page(package: str) -> str:
    """The text of the template `page.html` of a package, with the base style sheet.

    Args:
        package: name of the package.
    """
    text = resources.files(package).joinpath("page.html").read_text(encoding="utf-8")
    return text.replace(_PLACE, read_base_style())


@cache
def load_page(package: str) -> Template:
    """The template `page.html` of a package; loading it ahead of time saves some 50 ms.

    Text is escaped, so that no name of an event or file can add markup.

    Args:
        package: name of the package.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(read_page(package))
