"""A mail server that takes everything and keeps nothing, in a process of its own: `python -m config.benchmarks.mail_sink`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from aiosmtpd.controller import Controller

from config.services.ports import free_port


class _Taker:
    """Accepts each mail."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """The answer after the body."""
        return "250 taken"


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Runs one for the block; gives its port. Raises RuntimeError where it does not start."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "config.benchmarks.mail_sink", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("The mail server of the benchmark did not start.")
            yield port
        finally:
            process.terminate()


def main() -> None:
    """Serves until its standard input ends (with whoever started it)."""
    controller = Controller(_Taker(), hostname="127.0.0.1", port=int(sys.argv[1]))
    controller.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Thread(target=lambda: (sys.stdin.read(), controller.stop())).start()


if __name__ == "__main__":
    main()
