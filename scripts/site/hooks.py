"""Hooks of MkDocs: pages that are made from other files, equations, and a check that pages load nothing from outside.

| page | made from |
|---|---|
| `reference/command-line.md` | the command tree of `chirpleaf` |
| `changelog.md`, `contributing.md` | the files of the repository's root |
| `notebooks/NAME.md` | `notebooks/NAME.ipynb`, executed |
"""

import logging
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

from commands import write_commands
from mathematics import render_equations
from notebooks import execute_notebooks

_ROOT = Path(__file__).parents[2]
_LOG = logging.getLogger("mkdocs.hooks.chirpleaf")
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'\s>]+|"""
    r"""<link\b[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon)[^>]*\bhref=["']?(?:https?:)?//[^"'\s>]+"""
)

_ROOT_PAGE = re.compile(r"\]\(((?:\.\./)*)\.\./(CHANGELOG|CONTRIBUTING)\.md")
_NOTEBOOK = re.compile(r"\]\(((?:\.\./)?notebooks/[\w-]+)\.ipynb\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made from other files.

    Args:
        files: files of the documentation.
        config: settings of MkDocs.

    Returns:
        The same files, with the further ones.
    """
    pages: dict[str, str | bytes] = {"reference/command-line.md": write_commands()}
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        text = (_ROOT / name).read_text(encoding="utf-8")
        pages[name.lower()] = text.replace("](docs/", "](")
    pages |= execute_notebooks(Path(config.docs_dir) / "notebooks")
    for name, content in pages.items():
        if (former := files.get_file_from_path(name)) is not None:
            files.remove(former)
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lets links to notebooks and to files of the root lead to their pages, and colours commands.

    On a forge these links lead to the files themselves.

    Args:
        markdown: text of the page.

    Returns:
        The text with these links.
    """
    markdown = markdown.replace("```console", "```bash")  # the lexer of consoles expects prompts
    markdown = _ROOT_PAGE.sub(lambda found: f"]({found[1]}{found[2].lower()}.md", markdown)
    return _NOTEBOOK.sub(r"](\1.md)", markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Renders the equations of a page.

    Args:
        html: content of the page.

    Returns:
        The content with MathML.
    """
    return render_equations(html)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Warns, which ends a strict build, of a page that loads something from another host.

    Args:
        output: the whole page.
        page: the page.

    Returns:
        The page as it is.
    """
    for found in _LOADED.findall(output):
        _LOG.warning("expected a page that loads nothing from other hosts; got %s in %s", found, page.file.src_path)
    return output
