"""The first loop with everything real: processes, database, broker, mail server, browser.

Real accounts come in, a ticket is solved in the browser, Celery sends the survey, the customer answers
in Turkish, health is recomputed, and the CSM finds on the worklist whom to call and why.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.browser.installation import running, wait_for
from tests.shared_data import data_folder

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)")]
PASSWORD = "correct horse battery"
# an account of the set that has tickets and usage
ACCOUNT = "A-712f1c"

SET_UP = f"""
from accounts.models import Account, Team, User
from surveys.models import Touchpoint
team = Team.objects.create(name="Bosphorus")
make = User.objects.create_user
make("admin@vefa.test", {PASSWORD!r}, name="Ada Admin", role="admin")
csm = make("elif@vefa.test", {PASSWORD!r}, name="Elif Yildiz", role="csm", team=team)
make("deniz@vefa.test", {PASSWORD!r}, name="Deniz Kaya", role="agent")
Account.objects.filter(external_id={ACCOUNT!r}).update(owner=csm)
# the survey after a ticket: at once and at any hour, so that the test can run on a Sunday night
Touchpoint.objects.filter(event_kind="ticket.solved").update(delay_minutes=0, window_from="00:00", window_until="23:59:59", weekdays=[1, 2, 3, 4, 5, 6, 7])
print(Account.objects.get(external_id={ACCOUNT!r}).pk)
"""
HEALTH = f"""
import json
from accounts.models import AccountSnapshot
s = AccountSnapshot.objects.get(account__external_id={ACCOUNT!r})
print(json.dumps([s.health, str(s.csat_mean), s.csat_count]))
"""
# nobody reads a mail and answers within half a minute of its delivery: let that time have passed
LATER = """
import datetime as dt
from django.db.models import F
from surveys.models import Invitation, SurveyLink
SurveyLink.objects.update(issued_at=F("issued_at") - dt.timedelta(minutes=1))
Invitation.objects.update(sent_at=F("sent_at") - dt.timedelta(minutes=1))
"""
# an unhappy answer waits a minute for its correction: look as if that were over
A_MINUTE_ON = """
import datetime as dt
from django.utils import timezone
from surveys.actions.follow_ups import ALERT_WAIT, open_due_cases
open_due_cases(now=timezone.now() + ALERT_WAIT + dt.timedelta(seconds=1))
"""


@pytest.fixture(scope="module")
def world():
    """RavenStack loaded, its people set up, one contact attached by the API, and a browser."""
    from playwright.sync_api import sync_playwright

    folder = data_folder("ravenstack_saas")
    with running() as installation, sync_playwright() as playwright:
        loaded = json.loads(installation.manage("load-bundle", str(folder), "--profile", "ravenstack"))
        account = int(installation.python(SET_UP).splitlines()[-1])
        key = installation.manage("create-key", "--user", "admin@vefa.test", "--scope", "accounts:read", "--scope", "contacts:write", "--scope", "contacts:read").split()[-1]
        installation.call(
            "POST", "/contacts/", key,
            {"account": ACCOUNT, "external_id": "selin", "email": "selin@musteri.test", "name": "Selin Aydın", "language": "tr", "time_zone": "Europe/Istanbul"},
        )  # fmt: skip
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield SimpleNamespace(installation=installation, browser=browser, account=account, loaded=loaded)
        browser.close()


def sign_in(world, who):
    page = world.browser.new_context(locale="en", viewport={"width": 1440, "height": 900}).new_page()
    page.violations = []
    page.on("console", lambda message: page.violations.append(message.text) if message.type == "error" else None)
    page.goto(f"{world.installation.address}/login/")
    page.get_by_label("E-mail").fill(f"{who}@vefa.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


def solve_a_ticket(world, subject, contact):
    """Opens a ticket for a contact, replies and solves it: all in the browser, as the agent."""
    page = sign_in(world, "deniz")
    page.goto(f"{world.installation.address}/tickets/new/?account={world.account}")
    page.locator("main select[name=contact]").select_option(label=contact)
    page.locator("main input[name=subject]").fill(subject)
    page.get_by_role("button", name="Open the ticket").click()
    page.wait_for_url(re.compile(r"/tickets/\d+/$"))
    number = int(re.search(r"/tickets/(\d+)/$", page.url).group(1))
    page.locator("main textarea[name=body]").fill("The export is fixed, please try again.")
    page.get_by_role("button", name="Reply and solve").click()
    page.get_by_text("solved", exact=False).first.wait_for()
    assert page.violations == []
    page.context.close()
    return number


def survey_mail(world, count):
    """The latest survey mail, once there are `count` of them."""
    surveys = wait_for(
        lambda: found if len(found := [mail for mail in world.installation.sink.mails if mail["List-Unsubscribe"]]) >= count else None,
        seconds=150, what=f"survey mail number {count}",
    )  # fmt: skip
    return surveys[-1]


def link_in(mail):
    text = mail.get_body(("plain",)).get_content()
    return re.search(r"http://\S+/s/[\w-]+", text).group(0)


def test_the_first_loop(world):
    installation = world.installation
    assert sum(entry["created"] for entry in world.loaded["files"]) > 30_000
    before = wait_for(lambda: found if (found := json.loads(installation.python(HEALTH)))[0] is not None else None, seconds=90, what="the first score")

    number = solve_a_ticket(world, "Export is broken", "Selin Aydın")
    mail = survey_mail(world, 1)
    assert mail["To"].endswith("selin@musteri.test>") or mail["To"] == "selin@musteri.test"
    assert {part.get_content_type() for part in mail.walk()} >= {"text/plain", "text/html"}
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    installation.python(LATER)
    customer = world.browser.new_context(locale="tr", viewport={"width": 390, "height": 844}).new_page()
    customer.goto(link_in(mail))
    assert customer.locator("html").get_attribute("lang") == "tr"
    assert "Selin" not in customer.content(), "the page greets by initials only"
    # faster than a person reads, and the answer is held as suspected automatic
    customer.wait_for_timeout(2000)
    customer.locator("button[name=score][value='2']").click()
    customer.wait_for_load_state()
    customer.locator("textarea").first.fill("Çözüldü ama üç kişiye aynı şeyi anlattım.")
    customer.wait_for_timeout(2000)
    customer.locator("form.why button[type=submit]").first.click()
    customer.wait_for_load_state()
    customer.context.close()

    def changed():
        found = json.loads(installation.python(HEALTH))
        return found if found[1:] != before[1:] else None

    installation.python(A_MINUTE_ON)
    after = wait_for(changed, seconds=75, what="the recomputed health")
    assert after[0] != before[0]

    csm = sign_in(world, "elif")
    csm.goto(installation.address + "/")
    row = csm.locator("li.work", has=csm.get_by_text(f"#{number}", exact=False)).first
    row.wait_for()
    assert "2" in row.inner_text()
    csm.goto(f"{installation.address}/accounts/{world.account}/")
    csm.get_by_text("CSAT, 90 days").first.wait_for()
    csm.get_by_text("Çözüldü ama üç kişiye aynı şeyi anlattım.").first.wait_for()
    assert csm.violations == []
    csm.context.close()
