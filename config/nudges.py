"""Tasks started by pages and commands: a nudge that may get lost, because a sweep comes anyway.

A page has saved its rows before it nudges. A broker that is gone or frozen must then cost it neither
an error nor, again and again, the seconds until a time limit.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from celery.contrib.django.task import DjangoTask
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
# After a failure this process leaves the broker alone for so many seconds.
REST_SECONDS = 30.0


class Nudge(DjangoTask):
    """The base of all tasks. In worker and beat it is Celery's own behaviour, which keeps trying."""

    abstract = True
    _rests_until = 0.0

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Sends the task; None, and a line in the log, where the broker does not take it."""
        if os.environ.get("VEFA_PROCESS") in {"worker", "beat"}:
            return super().apply_async(*args, **options)
        if time.monotonic() < Nudge._rests_until:
            return None
        try:
            return super().apply_async(*args, **options)
        except OperationalError as fault:
            Nudge._rests_until = time.monotonic() + REST_SECONDS
            logger.warning("The broker does not take tasks (%s); the sweeps will do it. Asked again in %d s.", type(fault.__cause__ or fault).__name__, REST_SECONDS)
            return None
