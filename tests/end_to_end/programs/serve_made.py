"""A server with workers that answer at once: `serve_made.py FOLDER [SETTING=NUMBER ...]` prints its port."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' own modules, in the workers too

from made_workers import run_made_worker

from chirpleaf.server.running import open_port, serve
from chirpleaf.server.settings import ServerSettings


def main() -> None:
    """Serves until a signal comes."""
    numbers = dict(argument.split("=") for argument in sys.argv[2:])
    own = {name: int(value) if value.isdigit() else float(value) for name, value in numbers.items()}
    port = open_port("127.0.0.1", 0)
    sys.stdout.write(f"{port.getsockname()[1]}\n")
    sys.stdout.flush()
    serve(port, ServerSettings(folder=Path(sys.argv[1]), **own), target=run_made_worker)


if __name__ == "__main__":
    main()
