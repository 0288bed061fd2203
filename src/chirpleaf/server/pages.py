"""The page for people: three files that the server reads once and that load nothing from elsewhere.

Its style sheet begins with that of all pages (`report.templates`).
"""

from importlib import resources

from fastapi import FastAPI
from fastapi.responses import Response

from chirpleaf.report.templates import read_base_style

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
"""Address to name and media type of a file."""


def add_pages(app: FastAPI) -> None:
    """Adds the page to an application.

    Args:
        app: the application.
    """
    for address, (name, media_type) in FILES.items():
        content = resources.files("chirpleaf.server").joinpath("page", name).read_bytes()
        if media_type == "text/css":
            content = read_base_style().encode() + content
        _add(app, address, content, media_type)


def _add(app: FastAPI, address: str, content: bytes, media_type: str) -> None:
    @app.get(address, include_in_schema=False)
    def get_page() -> Response:
        return Response(content, media_type=media_type)
