"""Comparison of the scaling model with ranks on separate hosts: network namespaces and a bridge (Linux, as root).

    OMP_NUM_THREADS=1 python benchmarks/namespaces.py --preset masses-bayesian --out out/namespaces

Every rank has its own namespace with a network interface, whose bandwidth `tc ... tbf` limits. Frames are jumbo frames,
because the shared cores also transfer the frames. Predictions use the bandwidth limit (without TCP headers), and the
latency and durations of steps of the same ranks without the limit, because all ranks share the cores of one machine. No
delay is added, because not every kernel has netem.
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
"""Sizes of the headers inside (TCP/IP) and outside (Ethernet) the payload of a frame, in bytes."""


def run(*command: str, check: bool = True) -> int:
    """Run a command of iproute2."""
    return subprocess.run(command, check=check, capture_output=not check).returncode


@contextmanager
def create_hosts(n: int, mtu: int) -> Iterator[list[str]]:
    """Create connected namespaces with addresses 10.77.0.1, 10.77.0.2, ... and frames of up to `mtu` bytes."""
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


def limit_rate(name: str, rate: float | None) -> None:
    """Limit the bandwidth of a host's outgoing traffic, in Mbit/s."""
    run("ip", "netns", "exec", name, "tc", "qdisc", "del", "dev", "eth0", "root", check=False)
    if rate is not None:
        limits = ["rate", f"{rate:g}mbit", "burst", "32kb", "latency", "200ms"]
        run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *limits)


def measure_pace(preset: Path, names: list[str], out: Path, steps: int, way: Communication) -> Pace:
    """Measure the pace of rank 0, with one rank on every host."""
    command = [sys.executable, "-m", "chirpleaf.cli.pace", str(preset), str(out / "pace.json"), "--steps", str(steps)]
    command += ["--communication", json.dumps(asdict(way))]
    ranks = []
    for rank, name in enumerate(names):
        place = {"RANK": rank, "WORLD_SIZE": len(names), "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "MASTER_PORT": 29500}
        address = {"MASTER_ADDR": "10.77.0.1", "GLOO_SOCKET_IFNAME": "eth0"}
        environment = {**os.environ, **{key: str(value) for key, value in place.items()}, **address}
        ranks.append(subprocess.Popen(["ip", "netns", "exec", name, *command], env=environment))
    if [code for code in [rank.wait() for rank in ranks] if code]:
        raise RuntimeError("a rank failed")
    return Pace.from_json((out / "pace.json").read_text())


def main() -> None:
    """Measure, predict and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="masses-bayesian")
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--rates", type=float, nargs="+", default=[100, 400], help="Mbit/s")
    parser.add_argument("--mtu", type=int, default=9000, help="payload of a frame in bytes")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    preset = PRESETS / f"{arguments.preset}.yaml"
    preset = preset if preset.is_file() else Path(arguments.preset)
    read_preset(preset)
    LOGGER.info("| ranks | Mbit/s | options | average of the gradients, ms | predicted | step, ms | predicted |")
    LOGGER.info("|---|---|---|---|---|---|---|")
    found = []
    payload = (arguments.mtu - TCP) / (arguments.mtu + ETHERNET)
    with create_hosts(max(arguments.ranks), arguments.mtu) as names:
        for number, (switches, way) in product(arguments.ranks, WAYS.items()):
            rings = ring_sizes(number, grid=way.grid)
            free = measure_at_rate(preset, names[:number], arguments, way, None)
            link = fit_link([(n_bytes, seconds, rings) for n_bytes, seconds in free.exchanges])
            for rate in arguments.rates:
                pace = measure_at_rate(preset, names[:number], arguments, way, rate)
                bounded = Link(link.latency, min(link.bandwidth, rate / 8 * 1e6 * payload))
                row = compare_with_model(pace, free, bounded, link, rings, way)
                found.append({"ranks": number, "rate": rate, "switches": switches, **row})
                cells = [
                    cell for name in ("average", "step") for cell in format_cells(row[name], row[f"{name}_predicted"])
                ]
                LOGGER.info("| %d | %g | %s | %s |", number, rate, switches, " | ".join(cells))
    (arguments.out / "namespaces.json").write_text(json.dumps(found, indent=1))


def format_cells(found: float, predicted: float) -> tuple[str, str]:
    """Format the cells of a measured and a predicted duration, in ms."""
    return f"{1e3 * found:.1f}", f"{1e3 * predicted:.1f} ({100 * (predicted / found - 1):+.0f} %)"


def measure_at_rate(
    preset: Path, names: list[str], arguments: argparse.Namespace, way: Communication, rate: float | None
) -> Pace:
    """Measure the pace of rank 0, with a bandwidth of `rate` Mbit/s for every host."""
    for name in names:
        limit_rate(name, rate)
    return measure_pace(preset, names, arguments.out, arguments.steps, way)


def median_average_time(pace: Pace) -> float:
    """Compute the median duration of an average of the whole gradient, in s."""
    whole = sorted({n_bytes for n_bytes, _ in pace.exchanges})[-2]
    return float(np.median([seconds for n_bytes, seconds in pace.exchanges if n_bytes == whole]))


def compare_with_model(
    pace: Pace, free: Pace, bounded: Link, link: Link, rings: tuple[int, ...], way: Communication
) -> dict[str, float]:
    """Compare measured and predicted durations of an average of the whole gradient and of a step, in s."""
    parts = tuple(bucket_sizes(pace.lengths, way))
    # The delay due to the exchange without the limit is replaced by the predicted delay with the limit.
    alone = Step(0.0, float(np.median(free.backward)), parts, float(np.median(free.meanwhile)))
    step = float(np.median(free.steps)) - alone.predict_duration(link, rings) + alone.predict_duration(bounded, rings)
    return {
        "latency": link.latency,
        "bandwidth": link.bandwidth,
        "average_unbounded": median_average_time(free),
        "step_unbounded": float(np.median(free.steps)),
        "average": median_average_time(pace),
        "average_predicted": bounded.exchange_time(sum(parts), rings),
        "step": float(np.median(pace.steps)),
        "step_predicted": step,
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
