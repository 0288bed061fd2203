"""Count what makes the code hard to read, print a table, and fail if a count is above its bound.

    python scripts/count_code.py [ROOT]

CI runs it by `make counts`. It reads the source files and imports none of them, so that it takes a second or two.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("src", "tests", "benchmarks", "scripts")
LONGEST_FUNCTION = 60
"""Lines of a function, without its decorators; a longer one does not fit on a screen."""
LONGEST_FILE = 300
"""Lines of a file."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """A parsed file.

    Attributes:
        path: relative to the root.
        n_lines: number of lines.
        n_code_lines: number of lines without blank lines, comments and docstrings.
        tree: its syntax tree.
    """

    path: Path
    n_lines: int
    n_code_lines: int
    tree: ast.Module

    @property
    def folder(self) -> str:
        """One of `FOLDERS`."""
        return self.path.parts[0]

    @property
    def module(self) -> str:
        """Dotted name of a module under `src`, such as `chirpleaf.strain`."""
        parts = self.path.with_suffix("").parts[1:]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(frozen=True)
class Count:
    """One line of the table.

    Attributes:
        title: what is counted.
        value: the count or ratio.
        bound: the value that is still allowed.
        offenders: where the counted things are, one text each.
        least: whether `bound` is the least allowed value instead of the greatest.
        precision: decimals of value and bound.
    """

    title: str
    value: float
    bound: float
    offenders: tuple[str, ...] = ()
    least: bool = False
    precision: int = 0

    @property
    def passes(self) -> bool:
        """Whether the value is allowed."""
        return self.value >= self.bound if self.least else self.value <= self.bound


def read_sources(root: Path) -> list[Source]:
    """Parses all Python files in `FOLDERS` of a project."""
    sources = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
            n_lines, n_code_lines = len(text.splitlines()), len(_code_lines(text, tree))
            sources.append(Source(path.relative_to(root), n_lines, n_code_lines, tree))
    return sources


def _code_lines(text: str, tree: ast.Module) -> set[int]:
    """Numbers of the lines that hold code."""
    empty = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in empty:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def count_long_functions(sources: list[Source]) -> Count:
    """Percentage of functions that are longer than `LONGEST_FUNCTION` lines."""
    lengths = {
        f"{source.path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, Function)
    }
    long = tuple(f"{place}: {lines} lines" for place, lines in lengths.items() if lines > LONGEST_FUNCTION)
    percentage = 100 * len(long) / max(len(lengths), 1)
    return Count(f"functions over {LONGEST_FUNCTION} lines, % of {len(lengths):,}", percentage, 0.3, long, precision=2)


def count_long_files(sources: list[Source]) -> Count:
    """Number of files that are longer than `LONGEST_FILE` lines."""
    long = tuple(f"{source.path}: {source.n_lines} lines" for source in sources if source.n_lines > LONGEST_FILE)
    return Count(f"files over {LONGEST_FILE} lines, of {len(sources)}", len(long), 0, long)


def count_undocumented(sources: list[Source]) -> Count:
    """Number of public modules, classes, functions, methods and properties without docstring, tests left out."""
    missing = tuple(
        f"{source.path}:{line} {name}"
        for source in sources
        if source.folder != "tests"
        for line, name, documented in _public_names(source)
        if not documented
    )
    return Count("public names without docstring", len(missing), 0, missing)


def _public_names(source: Source) -> Iterator[tuple[int, str, bool]]:
    """Line, name and whether there is a docstring, of each public name."""
    yield 1, source.path.stem, ast.get_docstring(source.tree) is not None
    stack: list[tuple[str, ast.Module | ast.ClassDef]] = [("", source.tree)]
    while stack:
        prefix, parent = stack.pop()
        for node in _definitions(parent):
            if node.name.startswith("_") or _needs_no_docstring(node):
                continue
            yield node.lineno, prefix + node.name, ast.get_docstring(node) is not None
            if isinstance(node, ast.ClassDef):
                stack.append((f"{prefix}{node.name}.", node))


def _definitions(parent: ast.Module | ast.ClassDef) -> Iterator[Documented]:
    """Classes and functions in the body of a module or class, also those under an `if` or `try`."""
    stack: list[ast.AST] = list(parent.body)
    while stack:
        node = stack.pop()
        if isinstance(node, Documented):
            yield node
        else:
            stack.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def _needs_no_docstring(node: Documented) -> bool:
    """Whether this is a setter or one overload of a function that has its docstring elsewhere."""
    return any(ast.unparse(one).rpartition(".")[2] in ("setter", "overload") for one in node.decorator_list)


def count_circles(sources: list[Source]) -> Count:
    """Number of groups of modules that import each other, imports for type checkers and in functions included."""
    modules = {source.module: source for source in sources if source.folder == "src"}
    graph = {name: _imported_modules(source, modules) - {name} for name, source in modules.items()}
    circles = tuple(" <-> ".join(sorted(group)) for group in _find_cycles(graph))
    return Count("import circles, typing-only imports included", len(circles), 0, circles)


def _imported_modules(source: Source, modules: Mapping[str, Source]) -> set[str]:
    """Modules of the project that a module imports by a statement."""
    found = set()
    package = source.module if source.path.stem == "__init__" else source.module.rpartition(".")[0]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*above, base)) if base else ".".join(above)
            members = {f"{base}.{alias.name}" for alias in node.names}
            found |= members & modules.keys() or {base}
            if not members <= modules.keys():
                found.add(base)
    return found & modules.keys()


def _find_cycles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Strongly connected components of more than one node (R. Tarjan, SIAM J. Comput. 1, 146, 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    components: list[set[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        path.append(node)
        for other in sorted(graph[node]):
            if other not in order:
                visit(other)
            if other in path:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == order[node]:
            component = set(path[path.index(node) :])
            del path[path.index(node) :]
            if len(component) > 1:
                components.append(component)

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return components


def measure_test_ratio(sources: list[Source]) -> Count:
    """Lines of code in tests for each line of code in src; docstrings and comments are not code."""
    lines = {folder: sum(source.n_code_lines for source in sources if source.folder == folder) for folder in FOLDERS}
    title = f"lines of code in tests ({lines['tests']:,}) for each in src ({lines['src']:,})"
    return Count(title, lines["tests"] / max(lines["src"], 1), 0.75, least=True, precision=2)


def count_estimator_checks(sources: list[Source]) -> Count:
    """Number of places, tests left out, that ask for the class of an estimator instead of what it can do."""
    checks = tuple(
        f"{source.path}:{node.lineno} {ast.unparse(node)}"
        for source in sources
        if source.folder != "tests"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _asks_for_estimator(node)
    )
    return Count("isinstance(..., Estimator) and the like", len(checks), 0, checks)


def _asks_for_estimator(call: ast.Call) -> bool:
    """Whether a call is isinstance or issubclass with a class whose name ends in Estimator."""
    if not (isinstance(call.func, ast.Name) and call.func.id in ("isinstance", "issubclass") and len(call.args) == 2):
        return False
    names = (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "") for node in ast.walk(call.args[1]))
    return any(name.endswith("Estimator") for name in names)


COUNTS: tuple[Callable[[list[Source]], Count], ...] = (
    count_long_functions,
    count_long_files,
    count_undocumented,
    count_circles,
    measure_test_ratio,
    count_estimator_checks,
)


def format_table(counts: list[Count]) -> str:
    """The counts with their bounds, and below them the places of those that are above."""
    width = max(len(count.title) for count in counts)
    lines = [f"{'count':{width}}  {'found':>7}  {'bound':>8}"]
    for count in counts:
        bound = f"{'>=' if count.least else '<='} {count.bound:.{count.precision}f}"
        verdict = "" if count.passes else "  BREACH"
        lines.append(f"{count.title:{width}}  {count.value:7.{count.precision}f}  {bound:>8}{verdict}")
    for count in counts:
        if not count.passes:
            lines += ["", f"{count.title}:", *(f"  {offender}" for offender in count.offenders)]
    return "\n".join(lines) + "\n"


def main(root: Path) -> int:
    """Print the table; 1 if a count is above its bound, else 0."""
    sources = read_sources(root)
    counts = [count(sources) for count in COUNTS]
    sys.stdout.write(format_table(counts))
    return 0 if all(count.passes for count in counts) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]))
