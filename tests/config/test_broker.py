"""The broker may be gone or frozen: who saved a row gets neither an error nor a long wait."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from config.environment import ROOT

# Nudges twice and says how many seconds each took.
SCRIPT = """
import time, django
django.setup()
from config.tasks import heartbeat
for _ in range(2):
    started = time.monotonic()
    assert heartbeat.delay() is None
    print(time.monotonic() - started)
"""


@pytest.mark.parametrize("frozen", [True, False])
def test_a_nudge_to_a_broker_that_does_not_answer_is_dropped_soon(frozen: bool) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if frozen:
            listener.listen()
        port = listener.getsockname()[1]
        variables = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{port}/0", "DJANGO_SETTINGS_MODULE": "config.settings"}
        variables.pop("VEFA_PROCESS", None)
        answer = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    first, second = (float(line) for line in answer.stdout.split())
    assert first < 15  # two seconds of time limit, and a slow machine
    assert second < 0.5
    assert "The broker does not take tasks" in answer.stderr
