"""The pages of results: who opens what, what stands on them, rows behind figures, exports and their log."""

import csv
import datetime as dt
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Contact, Segment, SegmentMembership
from accounts.spreadsheet import csv_lines
from surveys.models import Response, Survey
from tests.surveys.making import planned

pytestmark = pytest.mark.django_db
PAGES = [
    ("surveys:results_overview", []),
    ("surveys:results", ["nps"]),
    ("surveys:results", ["ces"]),
    ("surveys:reach", ["nps"]),
    ("surveys:reach", ["csat"]),
    ("surveys:results_rows", ["nps"]),
]
EXPORTS = [("surveys:export_rows", ["nps"]), ("surveys:export_figures", ["nps"])]


def respond(score, contact, *, comment="", survey="nps", scale=(0, 10), days=1, **more):
    found = Survey.objects.get(key=survey)
    return Response.objects.create(
        survey=found, kind=found.kind, score=score, scale_min=scale[0], scale_max=scale[1], answered_at=timezone.now() - dt.timedelta(days=days), contact=contact,
        account=contact.account, comment=comment, language=contact.language, **more,
    )  # fmt: skip


@pytest.fixture
def heard(cast):
    """Twelve people of Boğaziçi answered (six promoters, four passives, two detractors), Harry of Northgate once."""
    now = timezone.now()
    SegmentMembership.objects.create(account=cast.boga, segment=Segment.objects.get(key="vip"), valid_from=now - dt.timedelta(days=300))
    for number, score in enumerate([10, 10, 9, 9, 9, 9, 8, 8, 7, 7, 3, 0]):
        person = Contact.objects.create(external_id=f"b{number}", account=cast.boga, email=f"b{number}@b.test", name=f"Kişi {number}", language="tr")
        invitation = planned(person, survey="nps", touchpoint=None, at=now - dt.timedelta(days=2), status="answered", sent_at=now - dt.timedelta(days=2))
        respond(score, person, comment="=1+1" if score == 0 else "", invitation=invitation, state="partial" if score == 10 else "complete")
    respond(4, cast.harry, comment="Northgate speaks")
    return cast


def get(client, user, name, args, **query):
    client.force_login(user)
    return client.get(reverse(name, args=args), query)


@pytest.mark.parametrize(("name", "args"), PAGES)
def test_strangers_are_sent_to_the_login(client, name, args):
    page = client.get(reverse(name, args=args))
    assert (page.status_code, page["Location"].split("?")[0]) == (302, "/login/")


@pytest.mark.parametrize(("name", "args"), PAGES)
@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_page_opens_with_and_without_answers(client, heard, name, args, language):
    for user in (heard.ada, heard.elif_, heard.mert, heard.vera, heard.deniz):
        user.language = language
        user.save()
        for query in (
            {},
            {"period": "all", "by": "owner", "step": "month"},
            {"segment": "non_core"},
            {"from": "1999-01-01", "until": "9999-12-31"},
            {"scale": "1-10", "by": "language"},
        ):
            assert get(client, user, name, args, **query).status_code == 200


def test_analysts_see_figures_and_no_rows(client, heard):
    page = get(client, heard.ana, "surveys:results", ["nps"]).content.decode()
    assert "Northgate speaks" not in page
    assert "Kişi" not in page
    assert "/rows/" not in page
    assert "/rows.csv" not in page
    for name in ("surveys:results_overview", "surveys:reach"):
        assert get(client, heard.ana, name, [] if name.endswith("overview") else ["nps"]).status_code == 200
    for what in ("answers", "sent", "never"):
        assert get(client, heard.ana, "surveys:results_rows", ["nps"], what=what).status_code == 404
    assert client.post(reverse("surveys:export_rows", args=["nps"])).status_code == 404
    assert get(client, heard.ana, "surveys:results", ["nps"], account=heard.boga.pk).status_code == 404
    assert LogEntry.objects.count() == 0


def test_groups_under_five_are_hidden_from_analysts_and_so_is_what_would_tell_them(client, heard):
    """Northgate (1 answer) is no segment; hiding it alone would tell it by subtraction, so VIP is hidden too."""
    told = {row["name"]: row["told"] for row in get(client, heard.ada, "surveys:results", ["nps"]).context["groups"]}
    assert told == {"VIP": True, "No segment": True}
    told = {row["name"]: row["told"] for row in get(client, heard.ana, "surveys:results", ["nps"]).context["groups"]}
    assert told == {"VIP": False, "No segment": False}
    page = get(client, heard.ana, "surveys:results", ["nps"], segment="none")
    assert page.context["distribution"] == ""
    assert not page.context["answers_told"]


def test_a_survey_or_account_out_of_sight_is_404(client, heard):
    assert get(client, heard.ada, "surveys:results", ["nope"]).status_code == 404
    assert get(client, heard.ada, "surveys:reach", ["nope"]).status_code == 404
    assert get(client, heard.ada, "surveys:results_rows", ["nps"], what="nope").status_code == 404
    assert get(client, heard.elif_, "surveys:results", ["nps"], account=heard.boga.pk).status_code == 200
    assert get(client, heard.can, "surveys:results", ["nps"], account=heard.boga.pk).status_code == 404
    assert get(client, heard.ada, "surveys:results", ["nps"], account=10**17).status_code == 404


def test_the_figures_of_the_page(client, heard):
    """Elif sees Boğaziçi: (6 - 2) / 12 = +33, one account, 12 of 12 answered, two of them with a score alone."""
    context = get(client, heard.elif_, "surveys:results", ["nps"]).context
    head = context["headlines"][0]["reading"]
    assert (head.shown, head.answers, head.wide) == ("+33", 12, True)
    assert [(line["word"], line["count"]) for line in context["asked"]][:5] == [
        ("Sent", 12),
        ("Bounced", 0),
        ("Delivered", 12),
        ("Answered", 12),
        ("Score alone, no word after it", 2),
    ]
    assert [(part["tone"], part["count"]) for part in context["spread"]] == [("risk", 2), ("pass", 4), ("good", 6)]
    assert context["accounts"]["each"]["few"]


def test_every_figure_opens_its_rows(client, heard):
    """Each link of the page holds as many rows as the figure says."""
    context = get(client, heard.ada, "surveys:results", ["nps"]).context
    figures = [(line["href"], line["count"]) for line in [*context["asked"], *context["bars"], *context["spread"]]]
    figures += [(row["href"], row["main"].answers) for row in context["groups"]] + [(row["href"], row["reading"].answers) for row in context["pieces"]]
    opened = [(href, count) for href, count in figures if count]
    assert len(opened) > 12
    for href, count in opened:
        assert len(client.get(href).context["found"]) == count, href
    never = get(client, heard.ada, "surveys:reach", ["nps"]).context
    for line in never["never"]:
        if line["href"]:
            assert len(client.get(line["href"]).context["found"]) == line["row"].never_contacts
    for line in never["why"]:
        assert len(client.get(line["href"]).context["found"]) == line["count"]


def test_rows_of_other_books_stay_unseen(client, heard):
    page = get(client, heard.can, "surveys:results_rows", ["nps"]).content.decode()
    assert "Northgate speaks" in page
    assert "Kişi" not in page


def test_further_rows_come_as_a_fragment(client, heard):
    for number in range(60):
        respond(9, Contact.objects.create(external_id=f"m{number}", account=heard.boga, email=f"m{number}@b.test", name=f"M {number}"))
    first = get(client, heard.ada, "surveys:results_rows", ["nps"])
    assert len(first.context["found"]) == 50
    more = client.get(reverse("surveys:results_rows", args=["nps"]) + first.context["more"], headers={"HX-Request": "true"})
    assert len(more.context["found"]) == 23
    assert "<html" not in more.content.decode()


def test_a_changed_filter_leaves_a_short_address(client, heard):
    client.force_login(heard.ada)
    page = client.get(reverse("surveys:results", args=["nps"]), {"period": "30d", "segment": "", "touchpoint": "", "from": "", "until": ""}, headers={"HX-Request": "true"})
    assert page["HX-Push-Url"] == "/surveys/of/nps/?period=30d"


def test_scales_are_told_apart(client, heard):
    respond(9, heard.harry, scale=(1, 10))
    page = get(client, heard.ada, "surveys:results", ["nps"])
    assert [(tab["words"], tab["answers"], tab["here"]) for tab in page.context["scales"]] == [("scale 0 to 10", 13, True), ("scale 1 to 10", 1, False)]
    assert "never added up" in page.content.decode()


def test_empty_states_say_what_would_fill_them(client, cast):
    assert "the moment a customer presses a score" in get(client, cast.ada, "surveys:results", ["nps"]).content.decode()
    assert "Take one away" in get(client, cast.ada, "surveys:results", ["nps"], segment="vip").content.decode()


@pytest.mark.parametrize(
    ("name", "args", "most"), [("surveys:results", ["nps"], 26), ("surveys:reach", ["nps"], 20), ("surveys:results_overview", [], 16), ("surveys:results_rows", ["nps"], 14)]
)
def test_pages_ask_a_bounded_number_of_questions(client, heard, django_assert_max_num_queries, name, args, most):
    for number in range(40):
        person = Contact.objects.create(external_id=f"q{number}", account=heard.north, email=f"q{number}@n.test", name=f"Q {number}")
        respond(number % 11, person, days=number)
    client.force_login(heard.ada)
    with django_assert_max_num_queries(most):
        assert client.get(reverse(name, args=args), {"by": "owner"}).status_code == 200


def exported(client, user, name, **query):
    client.force_login(user)
    response = client.post(reverse(name, args=["nps"], query=query or None))
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeff")
    return text.removeprefix("\ufeff")


@pytest.mark.parametrize(("name", "args"), EXPORTS)
def test_exports_need_a_login_and_a_press(client, cast, name, args):
    assert client.post(reverse(name, args=args)).status_code == 302
    client.force_login(cast.ada)
    assert client.get(reverse(name, args=args)).status_code == 405
    assert LogEntry.objects.count() == 0


def test_an_export_of_rows_holds_what_the_page_holds_and_is_logged(client, heard):
    rows = list(csv.DictReader(io.StringIO(exported(client, heard.elif_, "surveys:export_rows", what="risk", scale="0-10"))))
    assert sorted(row["Score"] for row in rows) == ["0", "3"]
    assert {row["Comment"] for row in rows} == {"'=1+1", ""}
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (heard.elif_, str(Survey.objects.get(key="nps").pk), "export answers: what=risk&scale=0-10")


def test_asks_and_contacts_are_exported_too(client, heard):
    assert len(list(csv.DictReader(io.StringIO(exported(client, heard.ada, "surveys:export_rows", what="sent"))))) == 12
    never = list(csv.DictReader(io.StringIO(exported(client, heard.ada, "surveys:export_rows", what="never"))))
    assert [row["Contact id"] for row in never] == ["selin"]


def test_figures_are_exported_for_analysts_without_small_groups(client, heard):
    found = list(csv.DictReader(io.StringIO(exported(client, heard.ana, "surveys:export_figures"))))
    nps = next(row for row in found if row["Table"] == "Period" and row["Figure"] == "nps")
    assert (nps["Scale"], nps["Answers"], round(float(nps["Value"]), 4)) == ("0-10", "13", 23.0769)
    assert not [row for row in found if row["Table"] == "segment"]
    assert [row for row in csv.DictReader(io.StringIO(exported(client, heard.ada, "surveys:export_figures"))) if row["Table"] == "segment"]
    assert LogEntry.objects.count() == 2


def test_turkish_readers_get_semicolons_and_decimal_commas(client, heard):
    heard.ada.language = "tr"
    heard.ada.save()
    client = Client(headers={"accept-language": "tr"})
    rows = list(csv.reader(io.StringIO(exported(client, heard.ada, "surveys:export_figures")), delimiter=";"))
    assert all(len(row) == len(rows[0]) for row in rows)
    assert [row[4] for row in rows if row[3] == "nps" and row[2] == ""] == ["23,076923076923"]


PAYLOADS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "－1", "＋1", "＠x", " =1", "\u00a0=1", "\ufeff=1", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"]


@given(
    st.one_of(st.sampled_from(PAYLOADS), st.text(max_size=30), st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "＝", "\t"]), st.text(max_size=20))),
    st.sampled_from(["en", "tr"]),
)
def test_no_text_of_an_export_is_ever_a_formula(payload, language):
    lines = "".join(csv_lines(["a", "b", "c"], [[payload, 1.5, payload]], language)).removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(lines, newline=""), delimiter=";" if language == "tr" else ","))
    assert len(rows) == 2
    assert rows[1][0].lstrip(" \u00a0\ufeff\u200b\u2060")[:1] not in set("=+-@\t\r\n＝＋－＠") - {""}
    assert rows[1][0] in (payload, f"'{payload}")
    assert rows[1][1] == ("1,5" if language == "tr" else "1.5")


def test_numbers_and_dates_of_an_export_are_typed_and_not_prefixed():
    line = "".join(csv_lines(["n"], [[-3, dt.date(2026, 3, 1), None, "-3", ""]])).split("\r\n")[1]
    assert line == '-3,"2026-03-01",,"\'-3",""'
