"""How large the embedded PostgreSQL may be on this machine. Pure but for `found()`, which looks.

What counts most for the night is room for the write-ahead log between two checkpoints: with the
default of one gigabyte a recompute of a million accounts forced one every nine seconds, and nine
tenths of what was written were whole pages, said again after each of them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

MEGABYTE = 1024 * 1024
# a control group of a container says less than the machine has, or "max"
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Machine:
    """Memory of the machine or the container, free disk under the data folder; megabytes."""

    memory: int
    free_disk: int


def found(folder: Path) -> Machine:
    """What there is. `folder` may be missing as long as one of its parents exists."""
    memory = psutil.virtual_memory().total
    for limit in _LIMITS:
        try:
            memory = min(memory, int(limit.read_text()))
        except (OSError, ValueError):
            continue
    while not folder.exists():
        folder = folder.parent
    return Machine(memory=memory // MEGABYTE, free_disk=shutil.disk_usage(folder).free // MEGABYTE)


def _within(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))


def sized(machine: Machine) -> dict[str, str]:
    """The settings that follow the machine, by name; web, worker and Valkey live beside the server.

    4 GB of memory give 256 MB of shared buffers, 34 GB and more the most of 4 GB. The log may take an
    eighth of the free disk, at most 4 GB, so that coming back after a crash stays a matter of seconds.
    """
    return {
        "shared_buffers": f"{_within(128, (machine.memory - 2048) // 8, 4096)}MB",
        "effective_cache_size": f"{_within(512, (machine.memory - 1024) // 2, 65536)}MB",
        "maintenance_work_mem": f"{_within(64, machine.memory // 32, 1024)}MB",
        "max_wal_size": f"{_within(512, machine.free_disk // 8, 4096)}MB",
        "min_wal_size": f"{_within(80, machine.free_disk // 64, 512)}MB",
    }
