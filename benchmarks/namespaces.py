"""The scaling model against ranks on hosts of their own: network namespaces joined by a bridge (Linux, as root).

    OMP_NUM_THREADS=1 python benchmarks/namespaces.py --preset masses-bayesian --out out/namespaces

Every rank lives in a namespace with an interface of its own, whose rate `tc ... tbf` bounds; frames are jumbo ones, for
the cores that all ranks share carry every frame, too. What is predicted of the bounded ones follows from the rate (less
the headers of TCP), and from the latency and the durations of steps that the same ranks have without bounds, for they
share the cores of one machine. Delay is not added: not every kernel has netem.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import resources
from itertools import product
from pathlib import Path

import numpy as np

from chirpleaf.config import read_preset
from chirpleaf.diagnostics.scaling import Link, Step, fit_link
from chirpleaf.training.pace import Pace
from chirpleaf.training.parallel.communication import Communication, bucket_sizes, ring_sizes

LOGGER = logging.getLogger("namespaces")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
BRIDGE = "chirpleaf0"
WAYS = {"off": Communication(bucket=None, ahead=False), "on": Communication(bfloat16=True, grid=True)}
TCP, ETHERNET = 52, 14
"""Bytes of the headers within and around what a frame carries."""


def run(*command: str, check: bool = True) -> int:
    """Runs a command of iproute2."""
    return subprocess.run(command, check=check, capture_output=not check).returncode


@contextmanager
def hosts(n: int, mtu: int) -> Iterator[list[str]]:
    """Names of namespaces that reach each other as 10.77.0.1, 10.77.0.2, ..., in frames of up to `mtu` bytes."""
    names = [f"chirpleaf{rank}" for rank in range(n)]
    try:
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "link", "set", BRIDGE, "up")
        for rank, name in enumerate(names):
            run("ip", "netns", "add", name)
            run("ip", "link", "add", f"chirp{rank}", "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", f"chirp{rank}", "mtu", str(mtu), "master", BRIDGE, "up")
            run("ip", "-n", name, "addr", "add", f"10.77.0.{rank + 1}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "mtu", str(mtu), "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            run("ip", "netns", "del", name, check=False)
        run("ip", "link", "del", BRIDGE, check=False)


def bound(name: str, rate: float | None) -> None:
    """Bounds what a host sends, megabits a second."""
    run("ip", "netns", "exec", name, "tc", "qdisc", "del", "dev", "eth0", "root", check=False)
    if rate is not None:
        limits = ["rate", f"{rate:g}mbit", "burst", "32kb", "latency", "200ms"]
        run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *limits)


def measured(preset: Path, names: list[str], out: Path, steps: int, way: Communication) -> Pace:
    """What rank 0 measures where every host has one rank."""
    command = [sys.executable, "-m", "chirpleaf.cli.pace", str(preset), str(out / "pace.json"), "--steps", str(steps)]
    command += ["--communication", json.dumps(asdict(way))]
    ranks = []
    for rank, name in enumerate(names):
        place = {"RANK": rank, "WORLD_SIZE": len(names), "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "MASTER_PORT": 29500}
        address = {"MASTER_ADDR": "10.77.0.1", "GLOO_SOCKET_IFNAME": "eth0"}
        environment = {**os.environ, **{key: str(value) for key, value in place.items()}, **address}
        ranks.append(subprocess.Popen(["ip", "netns", "exec", name, *command], env=environment))
    if [code for code in [rank.wait() for rank in ranks] if code]:
        raise RuntimeError("a rank has failed")
    return Pace(**json.loads((out / "pace.json").read_text()))


def main() -> None:
    """Measures, predicts and compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="masses-bayesian")
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--rates", type=float, nargs="+", default=[100, 400], help="Mbit/s")
    parser.add_argument("--mtu", type=int, default=9000, help="bytes that a frame carries")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    preset = PRESETS / f"{arguments.preset}.yaml"
    preset = preset if preset.is_file() else Path(arguments.preset)
    read_preset(preset)
    LOGGER.info("| ranks | Mbit/s | switches | average of the gradients, ms | predicted | a step, ms | predicted |")
    LOGGER.info("|---|---|---|---|---|---|---|")
    found = []
    payload = (arguments.mtu - TCP) / (arguments.mtu + ETHERNET)
    with hosts(max(arguments.ranks), arguments.mtu) as names:
        for number, (switches, way) in product(arguments.ranks, WAYS.items()):
            rings = ring_sizes(number, grid=way.grid)
            free = timed(preset, names[:number], arguments, way, None)
            link = fit_link([(n_bytes, seconds, rings) for n_bytes, seconds in free.exchanges])
            for rate in arguments.rates:
                pace = timed(preset, names[:number], arguments, way, rate)
                bounded = Link(link.latency, min(link.bandwidth, rate / 8 * 1e6 * payload))
                row = compared(pace, free, bounded, link, rings, way)
                found.append({"ranks": number, "rate": rate, "switches": switches, **row})
                cells = [cell for name in ("average", "step") for cell in against(row[name], row[f"{name}_predicted"])]
                LOGGER.info("| %d | %g | %s | %s |", number, rate, switches, " | ".join(cells))
    (arguments.out / "namespaces.json").write_text(json.dumps(found, indent=1))


def against(found: float, predicted: float) -> tuple[str, str]:
    """Cells of what was found and of what was predicted, milliseconds."""
    return f"{1e3 * found:.1f}", f"{1e3 * predicted:.1f} ({100 * (predicted / found - 1):+.0f} %)"


def timed(
    preset: Path, names: list[str], arguments: argparse.Namespace, way: Communication, rate: float | None
) -> Pace:
    """What rank 0 measures where every host sends at most `rate` megabits a second."""
    for name in names:
        bound(name, rate)
    return measured(preset, names, arguments.out, arguments.steps, way)


def typical(pace: Pace) -> float:
    """Median seconds of an average of the whole gradient."""
    whole = sorted({n_bytes for n_bytes, _ in pace.exchanges})[-2]
    return float(np.median([seconds for n_bytes, seconds in pace.exchanges if n_bytes == whole]))


def compared(
    pace: Pace, free: Pace, bounded: Link, link: Link, rings: tuple[int, ...], way: Communication
) -> dict[str, float]:
    """Measured and predicted seconds of an average of the whole gradient, and of a step."""
    parts = tuple(bucket_sizes(pace.lengths, way))
    # Of the unbounded step, what its exchange prolongs it by is taken off before the bounded one's is put on.
    alone = Step(0.0, float(np.median(free.backward)), parts, float(np.median(free.meanwhile)))
    step = float(np.median(free.steps)) - alone.predict_duration(link, rings) + alone.predict_duration(bounded, rings)
    return {
        "latency": link.latency,
        "bandwidth": link.bandwidth,
        "average_unbounded": typical(free),
        "step_unbounded": float(np.median(free.steps)),
        "average": typical(pace),
        "average_predicted": bounded.exchange_time(sum(parts), rings),
        "step": float(np.median(pace.steps)),
        "step_predicted": step,
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
