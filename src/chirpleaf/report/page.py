"""Rendering of a report as one HTML file: the images are data URIs, the style stands in the page."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping

from chirpleaf.report.pages import Page
from chirpleaf.report.templates import load_page, read_page

PACKAGE = "chirpleaf.report"
"""Package of the template."""


def render(page: Page, images: Mapping[str, bytes]) -> str:
    """Renders a report.

    Args:
        page: its content. Text is escaped, so that no name of an event or file can add markup.
        images: PNG files by the names of `page.pictures`; a picture without an image is left out.

    Returns:
        The HTML, which refers to no other file.
    """
    uris = {name: f"data:image/png;base64,{b64encode(image).decode('ascii')}" for name, image in images.items()}
    shown = [picture for picture in page.pictures if picture.name in uris]
    return load_page(PACKAGE).render(page=page, pictures=shown, images=uris)


def hash_styles() -> tuple[str, ...]:
    """The hash of each style sheet of a report, as a Content-Security-Policy names the styles that it allows."""
    sheets = re.findall(r"<style>(.*?)</style>", read_page(PACKAGE), re.DOTALL)
    return tuple(f"sha256-{b64encode(hashlib.sha256(sheet.encode()).digest()).decode('ascii')}" for sheet in sheets)
