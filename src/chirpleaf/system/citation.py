"""How to cite chirpleaf: one sentence of `CITATION.cff`, which stands in the repository's root and in the package.

The file is read by patterns, since `chirpleaf infer` states the citation in its report and imports no YAML parser.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True)
class Citation:
    """What a paper cites.

    Attributes:
        author: author of the program.
        title: its title.
        version: its version.
        method: address of the paper of its method.
    """

    author: str
    title: str
    version: str
    method: str

    def write(self) -> str:
        """The citation in one sentence.

        Example:
            >>> Citation("A. Author", "a program", "1.0", "https://arxiv.org/abs/1903.01998").write()
            'A. Author, "a program", version 1.0; method: https://arxiv.org/abs/1903.01998'
        """
        return f'{self.author}, "{self.title}", version {self.version}; method: {self.method}'


@lru_cache(maxsize=1)
def read_citation() -> Citation:
    """Reads `CITATION.cff`.

    Example:
        >>> read_citation().author
        'The chirpleaf authors'
    """
    text = (resources.files("chirpleaf") / "CITATION.cff").read_text(encoding="utf-8")
    patterns = (r'^  - name: "(.*)"$', r'^title: "(.*)"$', r"^version: (.*)$", r'^    url: "(.*)"$')
    return Citation(*(re.findall(pattern, text, re.MULTILINE)[0] for pattern in patterns))
