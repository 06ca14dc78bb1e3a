"""The mail catcher: a real SMTP server on 127.0.0.1 that keeps every mail instead of passing it on.

In use while `EMAIL_URL` is unset. Run by the supervisor as `python -m config.services.catcher`; a
command that sends while no supervisor runs surrounds itself with `embedded_catcher()`.
Mails lie in a Maildir at `<VEFA_DATA>/inbox`, which many processes may write at once.
"""

from __future__ import annotations

import argparse
import json
import mailbox
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from config.services.inbox import arrival, catcher_record, inbox_folder, running_port
from config.services.ports import free_port

# The inbox is for looking at, not an archive: the oldest mails beyond this number go.
KEPT_MAILS, PRUNE_EVERY = 5000, 200


class _Keep:
    """Stores each accepted mail with its envelope, then answers 250: what was accepted is on disk."""

    def __init__(self, folder: Path):
        self._inbox = mailbox.Maildir(folder, create=True)
        folder.chmod(0o700)
        self._lock = threading.Lock()
        self._stored = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name is aiosmtpd's
        """Stores one mail. The envelope goes on top, as a delivering server would write it."""
        content = envelope.original_content or b""
        top = f"Return-Path: <{envelope.mail_from or ''}>\r\n" + "".join(f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos)
        with self._lock:
            self._inbox.add(top.encode("utf-8", "surrogateescape") + content)
            self._stored += 1
            if self._stored % PRUNE_EVERY == 0:
                self._prune()
        return "250 Kept"

    def _prune(self) -> None:
        keys = sorted(self._inbox.iterkeys(), key=arrival)
        for key in keys[:-KEPT_MAILS]:
            self._inbox.discard(key)


def _controller(data: Path, port: int) -> Controller:
    return Controller(_Keep(inbox_folder(data)), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)


@contextmanager
def embedded_catcher() -> Iterator[None]:
    """Makes sure that mails of this process arrive somewhere.

    Does nothing where `EMAIL_URL` is set or a supervisor's catcher runs; else catches in this process
    for as long as the block lasts. Sets `settings.EMAIL_PORT` accordingly.
    """
    if settings.EMAIL_CONFIGURED:
        yield
        return
    port = running_port(settings.VEFA_DATA)
    if port:
        settings.EMAIL_PORT = port
        yield
        return
    controller = _controller(settings.VEFA_DATA, free_port())
    controller.start()
    settings.EMAIL_PORT = controller.port
    try:
        yield
    finally:
        controller.stop()


def main() -> None:
    """Catches until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Catches mail on 127.0.0.1 and keeps it below the data folder.")
    parser.add_argument("data", type=Path)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    controller = _controller(options.data, options.port)
    controller.start()
    temporary = catcher_record(options.data).with_suffix(".new")
    temporary.write_text(json.dumps({"pid": os.getpid(), "port": options.port}))
    temporary.rename(catcher_record(options.data))
    sys.stdout.write(f"Keeps mails that arrive on 127.0.0.1:{options.port} in {inbox_folder(options.data)}\n")
    sys.stdout.flush()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    done.wait()
    controller.stop()


if __name__ == "__main__":
    main()
