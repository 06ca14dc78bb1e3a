"""Turkish is whole: every text of the source has its translation, every page speaks one language at a time."""

from __future__ import annotations

import datetime as dt
import gettext as system_gettext
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from uuid import uuid4

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import trans_real

from accounts import wording
from accounts.models import AccountSnapshot, LifecycleStage, OutgoingMail, Segment
from config.management.commands.makemessages import NAMES
from config.services.messages import compile_messages
from metrics.models import Funnel
from surveys.actions.letters import write_letter
from surveys.models import Survey, SurveyText, Touchpoint
from surveys.wording import shipped_name
from tests.accounts.work_builders import item
from tests.surveys.making import link_to, planned
from tickets.actions import tickets

ROOT = Path(settings.BASE_DIR)
TURKISH = ROOT / "locale" / "tr" / "LC_MESSAGES" / "django.po"
PARTS = ("accounts", "tickets", "surveys", "metrics", "config", "templates", "locale")

# %(name)s, %(name)02X, %s, %d, {name}, and the sign itself written twice
PLACEHOLDER = re.compile(r"%\(\w+\)[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]|%[sdif%]|\{\w*\}")
MARKUP = re.compile(r"</?\w+[^>]*>")

# the same word in both languages, an abbreviation, or nothing but placeholders and signs
SAME = re.compile(
    r"(?:%\(\w+\)s|[\W\d]|\b(?:VIP|NPS|CSAT|CES|MRR|ARPA|NRR|GRR|AUC|ROI|KPI|Log|odds|Kaplan|Meier|Net|net|web|HTML|Web|API|Plan|plan|Segment|segment|Sponsor|sponsor|Potential|Risk|risk|[Mm]odel|Form|test|normal|min|Standard|CSV|SVG|PNG|Vefa|[Ll]ogo|p|link|admin|api)\b)*"
)


def catalogue() -> Catalog:
    with TURKISH.open("rb") as file:
        return read_po(file, locale="tr")


def texts(found: Catalog) -> dict[tuple[str | None, str], Message]:
    return {(message.context, message.id if isinstance(message.id, str) else message.id[0]): message for message in found if message.id}


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each English text with the Turkish that stands for it."""
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    return list(zip(message.id, message.string, strict=True))


@pytest.fixture(scope="session", autouse=True)
def _compiled():
    """The tests read what the source says, not what was compiled some time ago."""
    if compile_messages(ROOT / "locale"):
        trans_real._translations.clear()
        system_gettext._translations.clear()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The texts of the source as they are now, collected in a copy of it."""
    if shutil.which("xgettext") is None or shutil.which("msgmerge") is None:
        pytest.skip("GNU gettext is not installed here: xgettext collects the texts")
    copy = tmp_path_factory.mktemp("source")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "static"))
    shutil.copy(ROOT / "manage.py", copy)
    (copy / "locale" / "tr" / "LC_MESSAGES" / "django.po").write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n')
    nowhere = {
        "PATH": ":".join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]), "HOME": str(copy), "LANG": "C.UTF-8", "VEFA_DOTENV": "0", "VEFA_DATA": str(copy / "data"),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-v", "0", "-l", "tr", "-e", "html,txt,py,mjml"], cwd=copy, env=nowhere, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    with (copy / "locale" / "tr" / "LC_MESSAGES" / "django.po").open("rb") as file:
        return texts(read_po(file, locale="en"))


def test_every_text_of_the_source_is_in_the_catalogue_and_nothing_else(fresh):
    known = texts(catalogue())
    assert sorted(map(str, fresh.keys() - known.keys())) == []
    assert sorted(map(str, known.keys() - fresh.keys())) == []
    assert [key for key, message in fresh.items() if isinstance(message.id, str) != isinstance(known[key].id, str)] == []


def test_gettext_goes_by_names_that_are_collected():
    """A text behind another name would never reach the catalogue."""
    wrong = []
    for part in PARTS:
        for path in (ROOT / part).rglob("*.py"):
            for found in re.finditer(r"\b(\w*gettext\w*) as (\w+)", path.read_text()):
                if found[2] not in {"_", *NAMES}:
                    wrong.append(f"{path.relative_to(ROOT)}: {found[0]}")
    assert wrong == []


def test_no_entry_is_a_guess_or_empty():
    found = texts(catalogue())
    assert [key for key, message in found.items() if message.fuzzy] == []
    assert [key for key, message in found.items() if not all(turkish.strip() for _english, turkish in pairs(message))] == []


def test_nothing_was_left_in_english():
    left = [english for message in texts(catalogue()).values() for english, turkish in pairs(message) if english == turkish and not SAME.fullmatch(english)]
    assert left == []


def _differs(english: str, turkish: str, what: re.Pattern[str]) -> bool:
    return Counter(what.findall(english)) != Counter(what.findall(turkish))


def test_placeholders_markup_and_edges_are_those_of_the_english_text():
    wrong = []
    for message in texts(catalogue()).values():
        for number, (english, turkish) in enumerate(pairs(message)):
            # a singular that says “the” may say “one” by a number, and the other way round
            texts_for = (english, message.id[1]) if number == 0 and not isinstance(message.id, str) else (english,)
            if all(_differs(text, turkish, PLACEHOLDER) for text in texts_for) or _differs(english, turkish, MARKUP):
                wrong.append((english, turkish))
            if (english[:1].isspace(), english[-1:].isspace(), "\n" in english) != (turkish[:1].isspace(), turkish[-1:].isspace(), "\n" in turkish):
                wrong.append((english, turkish))
            if english.endswith((".", "?", "…", ":")) and not turkish.endswith((english[-1], "?")):
                wrong.append((english, turkish))
    assert wrong == []


def test_one_and_many_have_their_forms():
    found = catalogue()
    assert (found.num_plurals, found.plural_expr) == (2, "(n != 1)")
    with translation.override("tr"):
        said = [translation.ngettext("%(count)s day ago", "%(count)s days ago", count) % {"count": count} for count in (0, 1, 2, 5)]
    assert said == ["0 gün önce", "1 gün önce", "2 gün önce", "5 gün önce"]


def test_names_of_models_and_fields_keep_their_dot_where_django_capitalises_them():
    """Python makes I of i; in Turkish that is another letter."""
    ours = [model for model in apps.get_models() if model._meta.app_label in PARTS]
    with translation.override("tr"):
        said = [model._meta.verbose_name for model in ours] + [model._meta.verbose_name_plural for model in ours]
        said += [field.verbose_name for model in ours for field in model._meta.get_fields() if hasattr(field, "verbose_name")]
        names = [str(name) for name in said if isinstance(name, Promise)]
    assert len(names) > 300
    assert [name for name in names if capfirst(name).startswith("I")] == []


def test_what_migrations_put_into_the_database_reads_as_turkish(db):
    with translation.override("tr"):
        assert [wording.stage_name(stage) for stage in LifecycleStage.objects.order_by("position")] == [
            "Aday müşteri", "Deneme", "Başlangıç süreci", "Benimseme", "Yerleşik", "Yenileme", "İptal sürecinde", "Kaybedildi",
        ]  # fmt: skip
        assert [wording.segment_name(segment) for segment in Segment.objects.order_by("position")] == ["VIP", "Çekirdek", "Potansiyel", "Çekirdek dışı"]
        assert {shipped_name(survey) for survey in Survey.objects.all()} == {"İlişki NPS’i", "Memnuniyet (CSAT)", "Çaba (CES)", "Ayrılış"}
        for touchpoint in Touchpoint.objects.all():
            assert shipped_name(touchpoint) != touchpoint.name
    assert set(SurveyText.objects.values_list("language", flat=True)) == {"en", "tr"}
    for text in SurveyText.objects.filter(language="tr"):
        english = SurveyText.objects.get(version=text.version, language="en")
        for field in ("mail_subject", "mail_body", "question", "low_label", "high_label", "why_low", "why_middle", "why_high", "thanks"):
            assert bool(getattr(text, field)) == bool(getattr(english, field)), field
            assert not getattr(text, field) or getattr(text, field) != getattr(english, field)
        assert text.reason_labels.keys() == english.reason_labels.keys()
        assert text.score_labels.keys() == english.score_labels.keys()


class Words(HTMLParser):
    """What a person reads or hears: text, and attributes that are spoken."""

    SPOKEN = ("title", "aria-label", "placeholder", "alt", "content", "data-left", "data-late", "data-one", "data-many")

    def __init__(self):
        super().__init__()
        self.found: list[str] = []
        self.quiet = ""

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        # what is marked as another language is none of ours: the switch to English, a comment as it was typed
        elsewhere = tag not in {"html", "input", "img", "meta", "link"} and (names.get("lang", "tr") != "tr" or names.get("value") == "en")
        if elsewhere or tag in {"script", "style", "code", "pre"}:
            self.quiet = self.quiet or tag
        elif not self.quiet and tag != "meta":
            self.found += [names[name] for name in self.SPOKEN if names.get(name)]

    def handle_endtag(self, tag):
        if tag == self.quiet:
            self.quiet = ""

    def handle_data(self, data):
        if not self.quiet and data.strip():
            self.found.append(" ".join(data.split()))


ENGLISH = re.compile(
    r"\b(the|of|and|with|from|until|yet|none|nobody|everybody|account|accounts|owner|health|healthy|watch|at risk|at stake|work|ticket|tickets|survey|surveys|answer|answers|answered|score|scores"
    r"|overview|search|save|open|opened|close|closed|done|snooze|assign|due|last|next|touch|touches|renewal|renews|days?|weeks?|months?|years?|ago|hours?|minutes?|all|any|mine|team|settings|sign"
    r"|password|e-mail|customer|customers|segment by|severity|status|channel|reply|note|notes|details|value|change|since|is|was|are|were|you|your|this|that|there|please|late|left|today|yesterday"
    r"|tomorrow|never|loading|try again|revenue|timeline|contacts?|subscriptions?|month|average|rate|churn|retention|sent|planned|touchpoints?|decisions|uncertain|thank)\b",
    re.IGNORECASE,
)


def english_in(response) -> list[str]:
    seen = Words()
    seen.feed(response.content.decode())
    assert response.status_code == 200
    assert len(" ".join(seen.found)) > 20
    # placeholders of canned replies have names that are typed, in any language
    return [text for text in seen.found if ENGLISH.search(re.sub(r"\{\w+\}", "", text))]


@pytest.fixture
def turkish(cast):
    """Elif reads Turkish; her account has health, work, a touch and a ticket."""
    now = timezone.now()
    cast.elif_.language = cast.ada.language = "tr"
    cast.elif_.save()
    cast.ada.save()
    cast.boga.segment = Segment.objects.get(key="core")
    cast.boga.lifecycle_stage = LifecycleStage.objects.get(key="established")
    cast.boga.signed_up_at = now - dt.timedelta(days=400)
    cast.boga.save()
    cast.selin.email = "selin@bogazici.test"
    AccountSnapshot.objects.filter(account=cast.boga).update(
        health=4100, health_before=7700, band="at_risk", mrr_micros=2_400_000_000, stake_micros=90_000_000_000, nps=4, nps_at=now - dt.timedelta(days=9), open_tickets=1, severe_tickets=1,
        last_touch_at=now - dt.timedelta(days=30), renews_on=timezone.localdate() + dt.timedelta(days=40),
    )  # fmt: skip
    item(cast.boga, due=now - dt.timedelta(days=2), stake=90_000, title="Selin’i ara")
    item(cast.boga, due=now + dt.timedelta(days=3), stake=90_000, title="Yenilemeyi konuş", reason="s", type="renewal")
    cast.ticket = tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="İhracat hatası", body="500 veriyor", channel="web", severity=3, now=now)[0]
    cast.funnel = Funnel.objects.get(key="trial_to_paid")
    return cast


PAGES = (
    "/", "/?scope=snoozed", "/?scope=done", "/?view=risk", "/work/load/", "/work/new/", "/accounts/", "/accounts/?q=yok", "/accounts/filter/", "/accounts/{account}/", "/accounts/{account}/timeline/", "/accounts/{account}/contacts/",
    "/accounts/{account}/money/", "/accounts/{account}/work/", "/accounts/{account}/notes/", "/tickets/", "/tickets/?view=all", "/tickets/?view=late", "/tickets/{ticket}/", "/tickets/new/?account={account}",
    "/tickets/panel/{account}/", "/surveys/", "/surveys/of/nps/", "/surveys/of/csat/", "/surveys/decisions/", "/surveys/unknown/", "/surveys/panel/{account}/", "/metrics/", "/metrics/card/mrr/", "/metrics/card/nps/",
    "/metrics/panel/{account}/", "/metrics/health-models/", "/metrics/backtest/", "/metrics/churn-risk/", "/metrics/judgements/{account}/", "/metrics/disagreements/", "/metrics/kpi/nrr/", "/metrics/kpi/clv/", "/metrics/kpi/cx_roi/", "/metrics/roi/", "/metrics/roi/evidence/", "/metrics/roi/realised/", "/metrics/usage/gaps/", "/metrics/usage/plans/", "/metrics/usage/{account}/", "/metrics/roi/board/", "/metrics/kpi/first_response_time/", "/metrics/cohorts/", "/metrics/cohorts/tenure/", "/metrics/cohorts/value/",
    "/metrics/cohorts/kept/", "/metrics/voice/", "/metrics/voice/panel/nps/", "/metrics/voice/panel/response_rate/", "/metrics/voice/panel/topics/", "/metrics/voice/panel/loop/", "/metrics/voice/panel/silent/",
    "/metrics/voice/silent/", "/metrics/voice/money/", "/metrics/voice/money/?kind=health", "/metrics/voice/money/accounts/?band=promoter", "/metrics/team/", "/metrics/team/panel/books/", "/metrics/team/panel/outcome/",
    "/metrics/team/panel/effort/", "/metrics/team/panel/agents/", "/metrics/funnels/", "/metrics/funnels/{funnel}/?by=month",
    "/metrics/catalogue/", "/metrics/catalogue/values/voice/", "/metrics/catalogue/contradictions/", "/metrics/kpi/csat/variants/", "/metrics/kpi/mrr/rows/", "/metrics/report/", "/metrics/report/preview/",
    "/metrics/decisions/", "/metrics/decisions/panel/segments/", "/metrics/decisions/panel/support/", "/metrics/decisions/panel/ceilings/", "/metrics/decisions/panel/returned/",
    "/playbooks/", "/playbooks/detractor/", "/playbooks/detractor/runs/", "/playbooks/detractor/matches/", "/playbooks/detractor/past/", "/metrics/playbooks/detractor/back-run/", "/metrics/playbooks/detractor/effect/", "/accounts/{account}/playbooks/",
    "/metrics/initiatives/",
    "/metrics/support/", "/metrics/support/panel/today/", "/metrics/support/panel/clocks/", "/metrics/support/panel/backlog/", "/metrics/support/panel/volume/", "/metrics/support/panel/quality/",
    "/metrics/support/panel/promises/", "/metrics/support/panel/agents/", "/metrics/support/panel/customers/", "/tickets/?view=accounts", "/tickets/?view=soon", "/tickets/unsorted/", "/preferences/", "/search/?q=bo", "/search/?q=yokböyle",
    "/metrics/overview/health/", "/metrics/overview/risks/", "/metrics/overview/changes/", "/metrics/revenue/", "/metrics/revenue/accounts/", "/metrics/revenue/part/bridge/",
    "/metrics/revenue/part/months/", "/metrics/revenue/part/retention/", "/metrics/revenue/part/churn/", "/metrics/revenue/part/expansion/", "/metrics/revenue/part/groups/",
    "/lifecycle/", "/lifecycle/onboarding/", "/lifecycle/panel/{account}/", "/journey/", "/segments/account/{account}/", "/renewals/", "/moved/", "/work/views/",
    "/plans/", "/plans/?view=late", "/plans/objectives/", "/plans/panel/{account}/", "/plans/objectives/new/?account={account}", "/offers/", "/offers/catalogue/", "/advocates/",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_a_turkish_reader_meets_no_english(client, turkish, address):
    client.force_login(turkish.ada if "/load/" in address else turkish.elif_)
    response = client.get(address.format(account=turkish.boga.pk, ticket=turkish.ticket.pk, funnel=turkish.funnel.pk))
    assert english_in(response) == []


# what those who lead write
LEADS_PAGES = (
    "/segments/", "/segments/vip/", "/segments/vip/edit/", "/segments/new/", "/segments/overrides/", "/lifecycle/new/", "/lifecycle/onboarding/edit/", "/work/ranking/", "/cover/", "/sandbox/", "/imports/",
    "/plans/templates/new/", "/playbooks/new/", "/offers/catalogue/new/", "/settings/webhooks/",
)  # fmt: skip


@pytest.mark.parametrize("address", LEADS_PAGES)
def test_a_turkish_lead_meets_no_english(client, turkish, address):
    client.force_login(turkish.ada)
    assert english_in(client.get(address)) == []


def test_the_search_for_english_finds_it(client, cast):
    client.force_login(cast.elif_)
    assert "My work" in english_in(client.get("/"))


def test_signing_in_is_turkish_for_a_turkish_browser(db):
    page = Client(headers={"Accept-Language": "tr-TR,tr;q=0.9"}).get("/login/")
    assert english_in(page) == []
    assert "Giriş yap" in page.content.decode()
    stranger = f"{uuid4().hex}@vefa.test"
    refused = Client(headers={"Accept-Language": "tr"}, REMOTE_ADDR=f"2001:db8::{uuid4().hex[:4]}").post("/login/", {"email": stranger, "password": "yanlış"})
    assert "E-posta ve parola eşleşmiyor." in refused.content.decode()


@pytest.mark.parametrize(("survey", "touchpoint"), [("nps", "relationship-nps"), ("csat", "ticket-solved"), ("ces", "after-onboarding"), ("exit", "after-cancellation")])
def test_a_survey_in_turkish_holds_no_english(turkish, survey, touchpoint):
    now = timezone.now()
    touchpoint = touchpoint if Touchpoint.objects.filter(key=touchpoint).exists() else Touchpoint.objects.filter(survey__key=survey).first().key
    invitation = planned(turkish.selin, survey=survey, touchpoint=touchpoint, at=now, status="sent", sent_at=now - dt.timedelta(hours=1))
    page = Client().get(f"/s/{link_to(invitation, now=now)}")
    assert english_in(page) == []
    assert '<html lang="tr"' in page.content.decode()


@pytest.mark.parametrize("survey", ["nps", "csat", "ces", "exit"])
def test_the_mail_of_a_survey_in_turkish_holds_no_english(turkish, survey):
    now = timezone.now()
    invitation = planned(turkish.selin, survey=survey, touchpoint=Touchpoint.objects.filter(survey__key=survey).first().key, at=now)
    written = {text.language: text for text in SurveyText.objects.filter(version=invitation.survey_version).select_related("version__survey")}
    letter = write_letter(invitation, written, mail=OutgoingMail(to_address=turkish.selin.email, attempt=1), token="t", refusal="r", now=now)
    said = [letter.subject, *re.sub(r"https?://\S+", "", letter.message.get_body(("plain",)).get_content()).splitlines()]
    seen = Words()
    seen.feed(letter.message.get_body(("html",)).get_content())
    assert [line for line in said + seen.found if ENGLISH.search(line)] == []
    assert "Sayfayı aç" in seen.found


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/accounts/account/", "/admin/accounts/segment/", "/admin/surveys/touchpoint/", "/admin/metrics/healthmodel/", "/admin/tickets/servicelevel/"]
)
def test_administration_names_its_tables_in_turkish(client, turkish, address):
    client.force_login(turkish.ada)
    page = client.get(address)
    assert page.status_code == 200
    assert re.search(r"\b(Accounts|Segments|Touchpoints|Health models|Service levels|Surveys|Tickets|Change|Add)\b", re.sub(r"<[^>]+>", " ", page.content.decode())) is None
