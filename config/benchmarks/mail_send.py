"""`mail-send`: queued surveys through the whole dispatch, against Django's `send_messages` with mails of the same size.

Both have one connection to a mail server in a process of its own. The dispatch claims, looks at every
rule again, makes and stores tokens, writes letters, looks once more before each mail, sends, and
writes down what became of it; the floor builds messages and sends them, and knows nothing afterwards.
"""

from __future__ import annotations

import datetime as dt
import email
import statistics
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from typing import cast

from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection

from accounts.actions.mail_rates import set_rates
from accounts.actions.outbox import MailSession
from accounts.models import Contact, Installation, OutgoingMail
from config.benchmarks.mail_sink import sink
from config.benchmarks.measure import FLOOR, PRODUCT, Result, interleave
from surveys.actions.dispatch import queue_due, send_queued
from surveys.actions.letters import write_letter
from surveys.models import Invitation, Survey, SurveyText, SurveyVersion, Touchpoint
from surveys.tokens import new_token

MAILS = 1000
KEY = "bench-mails"
BACKEND = "django.core.mail.backends.smtp.EmailBackend"


def _tuesday(number: int) -> dt.datetime:
    """A decent hour of a round: one in half a year, so that nobody was asked lately."""
    return dt.datetime(2027, 3, 2, 10, tzinfo=dt.UTC) + number * dt.timedelta(days=182)


def _prepare(mails: int) -> Touchpoint:
    """One contact in each account, a touchpoint that was let go, and no rate in the way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_contact (external_id, account_id, email, name, name_sort, name_search, job_title, role, language, time_zone, country, opted_out, "
            "imported_unconfirmed, attributes, version, created_at, updated_at) "
            "SELECT 'm' || id, id, 'm' || id || '@bench' || id %% 40 || '.test', 'Person ' || id, '', '', '', '', 'en', '', '', false, false, '{}', 1, %s, %s "
            "FROM accounts_account ORDER BY id LIMIT %s",
            [_tuesday(0), _tuesday(0), mails],
        )
        cursor.execute("VACUUM (ANALYZE) accounts_contact")
    set_rates(rate_per_second=1_000_000, rate_per_day=None)
    Installation.objects.update(many_at_once=10 * mails)
    began = _tuesday(-1)
    return Touchpoint.objects.create(
        key=KEY, name=KEY, survey=Survey.objects.get(key="nps"), every_days=180, valid_hours=72, activated_at=began, canary_passed_at=began, respects_holidays=False
    )


def _queue(touchpoint: Touchpoint, mails: int, number: int) -> float:
    """Due invitations of a round, in the outbox; the seconds that the queueing alone took."""
    at = _tuesday(number)
    version = SurveyVersion.objects.filter(survey=touchpoint.survey, published_at__isnull=False).latest("number")
    contacts = Contact.objects.filter(external_id__startswith="m").order_by("id")[:mails]
    Invitation.objects.bulk_create(
        [
            Invitation(
                touchpoint=touchpoint, survey_version=version, account_id=contact.account_id, contact=contact, wave=str(number), status="planned", language="en",
                decided_at=at, not_before=at, valid_until=at + dt.timedelta(hours=72),
            )
            for contact in contacts
        ]
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) surveys_invitation, accounts_outgoingmail, surveys_surveylink, accounts_accountevent")
    began = time.perf_counter()
    queued = queue_due(as_of=at, now=at)
    if queued["send"] != mails:
        raise RuntimeError(f"{queued} of {mails} invitations were queued")
    return time.perf_counter() - began


def _letter_of(touchpoint: Touchpoint) -> bytes:
    """One of our letters as it leaves."""
    version = SurveyVersion.objects.filter(survey=touchpoint.survey, published_at__isnull=False).latest("number")
    contact = Contact.objects.filter(external_id__startswith="m").select_related("account__owner").earliest("pk")
    invitation = Invitation(touchpoint=touchpoint, survey_version=version, account=contact.account, contact=contact, language="en")
    texts = {text.language: text for text in SurveyText.objects.filter(version=version).select_related("version__survey")}
    return write_letter(invitation, texts, mail=OutgoingMail(to_address=contact.email, attempt=1), token=new_token(), refusal=new_token(), now=_tuesday(0)).content


def _parts_of(content: bytes) -> tuple[str, str]:
    """Plain text and HTML of a letter."""
    message = cast(EmailMessage, email.message_from_bytes(content, policy=SMTP))
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]
    return tuple(str(part.get_content()) for part in parts if part is not None)  # type: ignore[return-value]


def _message(plain: str, html: str, index: int) -> EmailMultiAlternatives:
    """What somebody sends who uses Django alone."""
    message = EmailMultiAlternatives("How likely are you to recommend us?", plain, "Vefa <vefa@bench.test>", [f"m{index}@bench.test"], headers=_HEADERS)
    message.attach_alternative(html, "text/html")
    return message


def mail_send(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """So many mails a round; `mail_bytes` is the size of one, the same for both."""
    mails = min(MAILS, accounts)
    touchpoint = _prepare(mails)
    ours = _letter_of(touchpoint)
    plain, html = _parts_of(ours)
    size_of_floor = len(_message(plain, html, 0).message().as_bytes().replace(b"\n", b"\r\n"))
    # what Django writes shorter than we (another transfer encoding) is made up for, in lines that cost it no encoding
    html += ("<!-- filler of the same size -->\n" * (max(0, len(ours) - size_of_floor) // 32 + 1))[: max(0, len(ours) - size_of_floor)]
    size_of_floor = len(_message(plain, html, 0).message().as_bytes().replace(b"\n", b"\r\n"))
    queueing: list[float] = []
    with sink() as port:

        def open_session() -> MailSession:
            return MailSession(lambda: get_connection(BACKEND, host="127.0.0.1", port=port, timeout=20))

        def product(number: int) -> float:
            queueing.append(_queue(touchpoint, mails, number))
            at = _tuesday(number)
            began = time.perf_counter()
            with open_session() as session:
                made = send_queued(as_of=at, now=at, worker="bench", session=session)
            taken = time.perf_counter() - began
            if made["sent"] != mails:
                raise RuntimeError(f"{made} of {mails} mails were sent")
            return taken

        def floor(_number: int) -> float:
            backend = get_connection(BACKEND, host="127.0.0.1", port=port, timeout=20)
            began = time.perf_counter()
            backend.send_messages([_message(plain, html, index) for index in range(mails)])
            return time.perf_counter() - began

        seconds, peak = interleave({PRODUCT: product, FLOOR: floor}, rounds=rounds)
    faster = statistics.median(theirs / mine for mine, theirs in zip(seconds[PRODUCT], seconds[FLOOR], strict=True))
    more = {
        "mails": mails, "mail_bytes": len(ours), "mail_bytes_floor": size_of_floor, "rate_to_send_messages": round(faster, 3),
        "queued_per_second": round(mails / sorted(queueing)[len(queueing) // 2], 1),
    }  # fmt: skip
    return Result(name="mail-send", size=accounts, rows=mails, seconds=seconds, peak_memory_mb=peak, more=more)


_HEADERS = {
    "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "X-CS-Invitation": "00000000-0000-0000-0000-000000000000",
    "Feedback-ID": "bench-mails:nps:survey:vefa", "List-Unsubscribe": "<http://127.0.0.1:8000/u/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}  # fmt: skip
