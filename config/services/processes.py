"""Other processes: is this one ours, end it, who runs it."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

# In the environment of everything the supervisor starts: the data folder it belongs to.
SUPERVISED = "VEFA_SUPERVISED"


PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind, in place of process 1.

    PostgreSQL detaches itself from who starts it. In a container whose process 1 does not collect the
    dead it would stay listed for ever after its end. Outside Linux nothing happens.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def alive(pid: int) -> psutil.Process | None:
    """The running process of this id; None when there is none or only its shell is left (a zombie)."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def runs_on(process: psutil.Process, path: Path) -> bool:
    """Whether this path is an argument of a process: ids are used again, so a recorded id proves nothing."""
    try:
        return str(path) in process.cmdline()
    except psutil.Error:
        return False


def gone(pids: Iterable[int], seconds: float) -> bool:
    """Waits up to `seconds` until none of these runs any more; collects those that are children of this process.

    A dead process that its parent does not collect counts as gone: nothing can be done about it here.
    """
    left = list(pids)
    until = time.monotonic() + seconds
    while True:
        left = [pid for pid in left if alive(pid) is not None or _collect(pid)]
        if not left or time.monotonic() > until:
            return not left
        time.sleep(0.05)


def _collect(pid: int) -> bool:
    """Takes the exit code of a dead child, if it is one; always False."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return False


def end_all(processes: Iterable[psutil.Process], seconds: float) -> None:
    """SIGTERM to all at once, SIGKILL to those that still run after `seconds`. Returns when they are gone."""
    found = list(processes)
    for number, wait in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10.0)):
        for process in found:
            try:
                process.send_signal(number)
            except psutil.Error:
                continue
        if gone([process.pid for process in found], wait):
            return


def supervised_leftovers(data: Path) -> list[psutil.Process]:
    """What an earlier supervisor of this data folder left behind, itself and this process excluded.

    The mark in the environment is inherited by everything a child starts, so a pool or a web
    worker whose parent was killed is found too.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and process.environ().get(SUPERVISED) == str(data):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill_group(group: int) -> None:
    """Ends at once whatever is left of a process group; harmless when nothing is."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def hand_over(path: Path) -> None:
    """Gives what root made in somebody's folder to that somebody, who will need to write it."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def owner_of(folder: Path) -> dict[str, Any]:
    """`subprocess` arguments that run a server as the owner of a folder; none unless root serves another's folder."""
    owner = folder.stat().st_uid
    if os.geteuid() != 0 or owner == 0:
        return {}
    entry = pwd.getpwuid(owner)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
