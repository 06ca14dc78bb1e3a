"""The benchmark of sending, at a small size: it sends what it says, in mails of the same size as Django's."""

import io
import json

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_benchmark_of_sending_answers_with_its_fields():
    out = io.StringIO()
    call_command("bench", "mail-send", "--accounts", "120", "--rounds", "1", "--json", stdout=out, stderr=io.StringIO())
    [answer] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (answer["name"], answer["size"], answer["mails"]) == ("mail-send", 120, 120)
    assert abs(answer["mail_bytes"] - answer["mail_bytes_floor"]) < answer["mail_bytes"] / 50
    assert answer["rate_to_send_messages"] == pytest.approx(1 / answer["ratio_to_floor"], rel=0.01)
    assert answer["queued_per_second"] > 0
