"""Celery's settings. What must not be lost is a row first; these keep the wake-up calls honest.

Read by `config.celery` when the first task is sent or run, after Django's settings.
"""

import os
import ssl

from django.conf import settings

from config.schedule import SCHEDULE

# The worker may wait longer for the broker than a page may. The supervisor sets VEFA_PROCESS.
_patient = os.environ.get("VEFA_PROCESS") in {"worker", "beat"}
# a sandbox wakes nobody: its time passes only where somebody moves it on
broker_url = "memory://" if settings.SANDBOX else settings.REDIS_URL
broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.REDIS_URL.startswith("rediss") else None
broker_transport_options = {
    # over three times the longest task; the shortest value of all processes wins, so it is one for all
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # kombu's own default waits for ever on a broker that accepts and never answers
    "socket_timeout": 10 if _patient else 2,
    "socket_connect_timeout": 5 if _patient else 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # a publish sent twice would be a task run twice
    "retry_on_timeout": False,
    "global_keyprefix": "vefa:",
}
broker_connection_timeout = 2
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
task_default_queue = "vefa"
task_acks_late = True
task_retry_on_worker_lost = True
task_ignore_result = True
result_backend = None
task_serializer = event_serializer = "json"
accept_content = ["json"]
task_time_limit, task_soft_time_limit = 300, 240
worker_cancel_long_running_tasks_on_connection_loss = True
worker_prefetch_multiplier = 1
worker_disable_prefetch = True
worker_max_tasks_per_child = 1000
worker_max_memory_per_child = 600_000  # kB
worker_hijack_root_logger = False
# with REMAP_SIGTERM=SIGQUIT: a stop lets running tasks finish this long, then gives them back
worker_soft_shutdown_timeout = 10.0
timezone, enable_utc = "UTC", True
beat_schedule = SCHEDULE
