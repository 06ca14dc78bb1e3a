"""Mail scanners against two hundred real mails: looking answers nothing, pressing moves no score, and everybody can still answer.

The mails leave through the real outbox to a real mail server; the scanners are plain HTTP clients and
a browser with scripts; the pages come from the real server.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.browser.installation import Installation, running, wait_for

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)")]
MAILS = 200

SET_UP = f"""
import datetime as dt
from django.utils import timezone
from accounts.models import Account, Contact, Installation
from metrics.actions.segment_sweeps import sweep_due
from surveys.models import Invitation, SurveyVersion, Touchpoint
now = timezone.now()
Installation.current()
Installation.objects.update(rate_per_second=1000, rate_per_day=None, account_people=1000)
# at any hour, so that the test can run on a Sunday night
Touchpoint.objects.filter(key="relationship-nps").update(
    window_from="00:00", window_until="23:59:59", weekdays=[1, 2, 3, 4, 5, 6, 7], respects_holidays=False, daily_cap=None, activated_at=now - dt.timedelta(days=1))
touchpoint, version = Touchpoint.objects.get(key="relationship-nps"), SurveyVersion.objects.get(survey__key="nps", number=1)
for number in range({MAILS}):
    account = Account.objects.create(external_id=f"a{{number}}", name=f"Customer {{number}}", currency="EUR")
    contact = Contact.objects.create(account=account, external_id=f"c{{number}}", email=f"c{{number}}@customer.test", name="Ada Lovelace", language="en")
    Invitation.objects.create(touchpoint=touchpoint, survey_version=version, account=account, contact=contact, wave=f"request:{{number}}", status="planned", language="en",
        decided_at=now, not_before=now, valid_until=now + dt.timedelta(days=2))
# the beat places the new accounts in segments once: before anything is counted
sweep_due(now=now, health_done=False, seconds=60)
"""
# every table but those that the processes themselves keep writing
COUNTS = """
import json
from django.apps import apps
skip = {"accounts.Heartbeat", "metrics.HealthRun", "sessions.Session", "accounts.AccountDirty", "metrics.HealthScore", "accounts.AccountSnapshot"}
# worked out from facts, whenever the beat comes round
skip |= {"accounts.LedgerRange", "accounts.PastPlan", "accounts.MrrMonth", "accounts.ServiceMonth", "accounts.ChurnMonth", "metrics.ClosedMonth", "metrics.ClosedFigure", "metrics.LateChange", "metrics.KnownFacts", "metrics.PlanFeature", "metrics.SegmentRange", "metrics.SegmentSize", "metrics.StaleTicket", "metrics.TicketPath"}
print(json.dumps({m._meta.label: m._base_manager.count() for m in apps.get_models() if m._meta.label not in skip}, sort_keys=True))
"""
LATER = """
import datetime as dt
from django.db.models import F
from surveys.models import Invitation, SurveyLink
SurveyLink.objects.update(issued_at=F("issued_at") - dt.timedelta(minutes=1))
Invitation.objects.update(sent_at=F("sent_at") - dt.timedelta(minutes=1))
"""
ANSWERS = """
import json
from surveys.models import Response, ResponseRevision
counted = Response.objects.counted()
print(json.dumps([Response.objects.count(), counted.count(), sorted(counted.values_list("score", flat=True)), ResponseRevision.objects.count()]))
"""


class Client:
    """An HTTP client that keeps its connection, as scanners and browsers do."""

    def __init__(self, installation: Installation):
        self.connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=30)

    def ask(self, method: str, path: str, *, form: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and body."""
        body = urllib.parse.urlencode(form) if form is not None else None
        sent = {"User-Agent": "Mozilla/5.0", **({"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}), **(headers or {})}
        self.connection.request(method, path, body=body, headers=sent)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()


def in_parallel(installation: Installation, work: Callable[[Client, Any], Any], items: list[Any]) -> list[Any]:
    """The work for every item, over four connections."""

    def part(mine: list[Any]) -> list[Any]:
        client = Client(installation)
        return [work(client, item) for item in mine]

    with ThreadPoolExecutor(4) as pool:
        return [result for results in pool.map(part, [items[number::4] for number in range(4)]) for result in results]


def links_in(mail: Any) -> list[str]:
    """Every path that the mail links to, in text and HTML, hidden ones too."""
    text = mail.get_body(("plain",)).get_content() + mail.get_body(("html",)).get_content()
    found = {link.rstrip('">)') for link in re.findall(r"http://[^\s\"<>]+/[su]/[\w-]+[^\s\"<>]*", text)}
    return sorted(urllib.parse.urlsplit(link).path + (f"?{query}" if (query := urllib.parse.urlsplit(link).query) else "") for link in found)


def nonce_in(page: str) -> str:
    """The nonce of the form on a page."""
    found = re.search(r'name="form_nonce" value="([^"]+)"', page)
    assert found, page[:300]
    return found[1]


@pytest.fixture(scope="module")
def world() -> Iterator[SimpleNamespace]:
    """An installation that sent its two hundred mails."""
    with running() as installation:
        installation.python(SET_UP)
        installation.manage("send-due")

        def surveys() -> list[Any]:
            return [mail for mail in installation.sink.mails if mail["List-Unsubscribe"]]

        mails = wait_for(lambda: found if len(found := surveys()) >= MAILS else None, seconds=150, what=f"{MAILS} mails")
        assert len(mails) == MAILS
        yield SimpleNamespace(installation=installation, links=[links_in(mail) for mail in mails], pages=[page_of(links_in(mail)) for mail in mails])


def page_of(links: list[str]) -> str:
    """The path of the survey's own page among the links of a mail."""
    return next(link for link in links if link.startswith("/s/") and "?" not in link)


def test_scanners_that_look_at_every_link_answer_nothing(world: SimpleNamespace) -> None:
    from playwright.sync_api import sync_playwright

    installation = world.installation
    assert all(len(links) == 11 + 3 for links in world.links), "eleven scores, the page, the hidden link and the refusal"

    def settled() -> str | None:
        first = installation.python(COUNTS)
        return first if first == installation.python(COUNTS) else None

    before = wait_for(settled, seconds=90, what="rest")

    def scan(client: Client, links: list[str]) -> set[int]:
        # one looks, one asks for heads, one prefetches, one rewrites links and follows from elsewhere; all scores in a row
        kinds: list[tuple[str, dict[str, str]]] = [
            ("GET", {}),
            ("HEAD", {}),
            ("GET", {"Purpose": "prefetch", "Sec-Purpose": "prefetch"}),
            ("GET", {"Referer": "https://urldefense.scanner.test/v3/__x__", "Sec-Fetch-Site": "cross-site"}),
        ]
        # every mail is opened by the first and by one of the others
        mine = [kinds[0], kinds[1 + world.links.index(links) % 3]]
        return {client.ask(method, link, headers=headers)[0] for method, headers in mine for link in links}

    assert set().union(*in_parallel(installation, scan, world.links)) == {200}, installation.printed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        robot = browser.new_context(locale="en").new_page()
        for links in world.links[:: MAILS // 5]:
            for link in links:
                robot.goto(installation.address + link)
                robot.mouse.move(200, 200)
        browser.close()
    assert json.loads(installation.python(COUNTS)) == json.loads(before)
    assert json.loads(installation.python(ANSWERS).splitlines()[-1]) == [0, 0, [], 0]


def test_a_scanner_that_presses_buttons_moves_no_score_and_locks_nobody_out(world: SimpleNamespace) -> None:
    installation = world.installation

    def press_everything(client: Client, links: list[str]) -> set[int]:
        """Opens what it finds and sends every form: the first score of each page."""
        page = ""
        for link in links:
            if link.startswith("/s/"):
                _status, page = client.ask("GET", link)
        form = {"form_nonce": nonce_in(page), "score": 0, "lang": "en", "website": ""}
        return {client.ask("POST", page_of(links), form=form, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})[0]}

    assert set().union(*in_parallel(installation, press_everything, world.links)) == {303}
    assert json.loads(installation.python(ANSWERS).splitlines()[-1]) == [MAILS, 0, [], MAILS], "kept, and counted nowhere"

    # people come later than half a minute after their mail, when nobody has just opened everything
    installation.python(LATER)
    forget = "import redis\nfrom django.conf import settings\nvalkey = redis.Redis.from_url(settings.REDIS_URL)\nvalkey.delete(*valkey.keys('vefa:fetched:*'))"
    installation.python(forget)
    nonces = in_parallel(installation, lambda client, path: (path, nonce_in(client.ask("GET", path)[1])), world.pages)
    time.sleep(1.6)

    def answer(client: Client, asked: tuple[str, str]) -> int:
        path, nonce = asked
        return client.ask("POST", path, form={"form_nonce": nonce, "score": 9, "lang": "en", "website": ""}, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})[0]

    assert set(in_parallel(installation, answer, nonces)) == {303}
    assert json.loads(installation.python(ANSWERS).splitlines()[-1]) == [MAILS, MAILS, [9] * MAILS, 2 * MAILS]
