"""Number of processor cores that are free.

Two threads on a core that is already busy ran 25 times slower than one, so only free cores count.
"""

import os


def available_cores() -> int:
    """Cores that this process may use, busy or not."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_cores() -> int:
    """Cores that this process may use minus the mean load of the last minute; at least one."""
    return max(1, round(available_cores() - os.getloadavg()[0]))
