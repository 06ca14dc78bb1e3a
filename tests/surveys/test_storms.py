"""Workers, broker and beats die again and again while mails leave: nobody gets two, nothing is lost, what is uncertain is listed."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Contact, Installation, OutgoingMail
from surveys.actions.dispatch import expire
from surveys.models import Invitation, Survey, Touchpoint
from tests.surveys.storm import Broker, Crew, UnkindSink

SETTLED = ("sent", "answered", "unknown", "failed")


def due_now(count: int) -> list[str]:
    """So many planned invitations that are due, each to a person of an own domain; returns the addresses."""
    now = timezone.now()
    Installation.current()
    Installation.objects.update(rate_per_second=1000, many_at_once=100_000, sending_enabled=True)
    touchpoint = Touchpoint.objects.get(key="purchase-completed")
    Touchpoint.objects.update(activated_at=now - dt.timedelta(days=500), window_from="00:00", window_until="00:00", weekdays=[1, 2, 3, 4, 5, 6, 7], respects_holidays=False)
    Touchpoint.objects.exclude(pk=touchpoint.pk).update(activated_at=None)
    Touchpoint.objects.filter(pk=touchpoint.pk).update(canary_passed_at=now - dt.timedelta(days=400))
    version = Survey.objects.get(key="csat").versions.get(number=1)
    Account.objects.bulk_create([Account(external_id=f"a{number}", name=f"Account {number}", language="en") for number in range(count)])
    accounts = list(Account.objects.order_by("pk"))
    Contact.objects.bulk_create(
        [Contact(external_id=f"c{number}", account=account, email=f"person@c{number}.test", name=f"Person {number}", language="en") for number, account in enumerate(accounts)]
    )
    people = list(Contact.objects.order_by("pk"))
    Invitation.objects.bulk_create(
        [
            Invitation(
                touchpoint=touchpoint, survey_version=version, account_id=person.account_id, contact=person, wave="storm", status="planned", language="en", decided_at=now,
                not_before=now - dt.timedelta(minutes=1), valid_until=now + dt.timedelta(days=2),
            )
            for person in people
        ]
    )  # fmt: skip
    return [person.email for person in people]


def hurry() -> None:
    """What time alone would bring is brought at once: retries are due, the rest of a refused domain is over, leases of the dead have run out."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_outgoingmail SET next_attempt_at = now() WHERE status IN ('retry', 'queued') AND next_attempt_at > now()")
        cursor.execute("UPDATE accounts_mailbucket SET backs_off_until = NULL")


def leases_of_the_dead_run_out(alive: set[int]) -> None:
    """A lease of five minutes whose worker no longer lives is as good as over."""
    for mail in OutgoingMail.objects.filter(status="sending").only("worker"):
        pid = mail.worker.rpartition(":")[2]
        if pid.isdigit() and int(pid) not in alive and not Path(f"/proc/{pid}").exists():
            OutgoingMail.objects.filter(pk=mail.pk, status="sending").update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    expire(now=timezone.now())


def storm(tmp_path: Path, *, mails: int, worker_kills: int, broker_kills: int, seed: int, seconds: float) -> tuple[list[str], UnkindSink, Crew]:
    """Sends through two workers and two beats that are killed at random, over a broker that is killed and wiped."""
    addresses, chance = due_now(mails), random.Random(seed)
    broker = Broker(tmp_path)
    with UnkindSink(seed) as sink:
        crew = Crew(broker=broker, sink_port=sink.port, folder=tmp_path)
        broker.start()
        try:
            crew.fill()
            left = ["worker"] * worker_kills + ["broker"] * broker_kills
            chance.shuffle(left)
            until, next_kill = time.monotonic() + seconds, time.monotonic() + 4
            while time.monotonic() < until:
                time.sleep(0.25)
                hurry()
                leases_of_the_dead_run_out({process.pid for _role, process in crew.processes})
                states = Counter(Invitation.objects.values_list("status", flat=True))
                on_the_way = mails - sum(states[name] for name in SETTLED)
                if not on_the_way:
                    break
                # the kills are spread over the mails, so that the last ones fall while mails still leave
                if left and time.monotonic() > next_kill and (sum(sink.taken.values()) or mails) > 0:
                    what = left.pop()
                    if what == "worker":
                        crew.kill("worker", chance)
                        crew.kill("beat", chance) if chance.random() < 0.3 else None
                    else:
                        broker.kill()
                        broker.start()
                    next_kill = time.monotonic() + 0.4 + chance.random()
                crew.fill()
        finally:
            crew.stop()
            broker.kill()
        leases_of_the_dead_run_out(set())
        return addresses, sink, crew


def prove(addresses: list[str], sink: UnkindSink, crew: Crew) -> None:
    """The promise, from both ends: what the mail server took, and what the tables say."""
    twice = {address: times for address, times in sink.taken.items() if times > 1}
    assert twice == {}
    states = dict(Invitation.objects.values_list("contact__email", "status"))
    open_ones = Counter(state for state in states.values() if state not in SETTLED)
    assert not open_ones, f"{open_ones} {crew.said()}"
    for address in addresses:
        if sink.taken[address]:
            assert states[address] in {"sent", "unknown"}, address
        else:
            # it surely did not leave, or nobody can know: then it is listed for a person
            assert states[address] in {"unknown", "failed"}, address
    assert OutgoingMail.objects.filter(kind="survey").count() == len(addresses)
    assert set(OutgoingMail.objects.filter(status="unknown").values_list("subject_id", flat=True)) == {
        str(pk) for pk in Invitation.objects.filter(status="unknown").values_list("pk", flat=True)
    }
    assert sum(sink.unkind.values()) > 0


@pytest.mark.django_db(transaction=True)
def test_a_small_storm_mails_nobody_twice_and_loses_nobody(tmp_path: Path) -> None:
    found = storm(tmp_path, mails=160, worker_kills=4, broker_kills=1, seed=1, seconds=100)
    prove(*found)
    assert found[2].started >= 4 + 4


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("VEFA_SOAK"), reason="long; `make soak` runs it")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_great_storm_mails_nobody_twice_and_loses_nobody(tmp_path: Path, seed: int) -> None:
    found = storm(tmp_path, mails=2000, worker_kills=20, broker_kills=3, seed=seed, seconds=900)
    prove(*found)
