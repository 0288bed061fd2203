"""How many threads, and whether bfloat16: asked of the machine, never assumed.

Two threads on a core that is already busy ran 25 times slower than one, so only cores that are free count.
"""

import os
import time

import torch


def free_cores() -> int:
    """Cores this process may use less those that were busy over the last minute; at least one."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, round(available - os.getloadavg()[0]))


def bfloat16_pays(width: int = 512, rows: int = 256, repeats: int = 5) -> bool:
    """Whether this processor multiplies matrices faster in bfloat16 than in float32 (measured, some milliseconds).

    Args:
        width: size of the square matrix.
        rows: rows that it multiplies.
        repeats: the best of so many is taken.
    """

    def best(dtype: torch.dtype) -> float:
        left, right = torch.ones(rows, width, dtype=dtype), torch.ones(width, width, dtype=dtype)
        durations = []
        for _ in range(repeats):
            start = time.perf_counter()
            left @ right
            durations.append(time.perf_counter() - start)
        return min(durations)

    return best(torch.bfloat16) < best(torch.float32)
