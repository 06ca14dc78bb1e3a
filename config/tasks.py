"""The task of the installation itself: a sign of life."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.actions.heartbeats import note_heartbeats


@shared_task(name="config.heartbeat", time_limit=20, soft_time_limit=15)
def heartbeat() -> None:
    """Came from beat, through the broker, into a worker: all three live."""
    note_heartbeats(parts=["beat", "worker"], now=timezone.now())
