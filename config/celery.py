"""Celery: wakes workers; the queues of record are tables."""

import ctypes
import os
import signal
import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from celery.signals import beat_init, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("vefa", task_cls="config.nudges:Nudge")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks()
# running as root is the operator's choice, told of in docs/operations.md; only JSON is accepted
warnings.filterwarnings("ignore", category=SecurityWarning)

PR_SET_PDEATHSIG = 1


@worker_process_init.connect
def die_with_the_worker(**_: Any) -> None:
    """A pool process whose worker was killed must not go on alone with its task."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@beat_init.connect
def beat_at_once(**_: Any) -> None:
    """The first sign of life right at the start, so that the installation is soon known to be ready."""
    app.send_task("config.heartbeat", expires=30)
