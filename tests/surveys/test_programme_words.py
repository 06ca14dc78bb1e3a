"""A programme as one sentence: English and Turkish, each written by hand here."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation

from accounts.event_kinds import EVENT_KINDS
from surveys.models import Touchpoint
from surveys.programme_words import LANGUAGES, OCCASIONS, Said, condition_keys, plain, row, sentence
from surveys.views.programme_wording import Names, sentence_text

TURKISH = {
    "onboarding-completed": "Başlangıç süreci tamamlandıktan 1 gün sonra, ilgili kişiye hafta içi kendi saatiyle 09:00–18:00 arasında “Çaba (CES)” anketi gönderilir; "
    "aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
    "trial-ended": "Bir deneme bittikten 1 gün sonra, ilgili kişiye hafta içi kendi saatiyle 09:00–18:00 arasında “Memnuniyet (CSAT)” anketi gönderilir; "
    "aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
    "purchase-completed": "Bir satın alma ödendikten 3 gün sonra, ilgili kişiye hafta içi kendi saatiyle 09:00–18:00 arasında “Memnuniyet (CSAT)” anketi gönderilir; "
    "aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
    "ticket-solved": "Bir talep çözüldükten 1 gün sonra, yalnızca bir insan yanıt verdiyse, talebi açan kişiye hafta içi kendi saatiyle 09:00–18:00 arasında "
    "“Memnuniyet (CSAT)” anketi gönderilir; aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
    "renewal-due": "Bir yenileme yaklaşınca, ana kişiye hafta içi kendi saatiyle 09:00–18:00 arasında “İlişki NPS’i” anketi gönderilir; "
    "aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
    "subscription-cancelled": "Fesih bildirildikten 1 saat sonra, ilgili kişiye hafta içi kendi saatiyle 09:00–18:00 arasında “Ayrılış” anketi gönderilir; "
    "aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
    "relationship-nps": "Her 180 günde bir, bütün kişilere hafta içi kendi saatleriyle 09:00–18:00 arasında “İlişki NPS’i” anketi gönderilir; "
    "aynı kişiye giden iki anket arasında en az 30 gün bırakılır.",
}


def test_shipped_programmes_read_as_turkish(db):
    with translation.override("tr"):
        names = Names.read()
        assert {one.key: sentence_text(one, names) for one in Touchpoint.objects.prefetch_related("segments")} == TURKISH


def test_shipped_programmes_read_as_english(db):
    said = {one.key: sentence_text(one, Names.read()) for one in Touchpoint.objects.all()}
    assert said["ticket-solved"] == (
        "1 day after a ticket is solved, ask the person who opened it the “Satisfaction (CSAT)” survey, on working days 09:00–18:00 in their own time, "
        "if a person replied; never within 30 days of another survey."
    )
    assert said["relationship-nps"] == (
        "Every 180 days, ask every contact the “Relationship NPS” survey, on working days 09:00–18:00 in their own time; never within 30 days of another survey."
    )
    assert said["renewal-due"].startswith("As soon as a renewal comes near, ask the main contact")


FULL = Said(
    survey="CSAT", event_kind="ticket.solved", delay_minutes=24 * 60, conditions={"person_replied": True, "severity": [1, 2]}, segments=["VIP", "Core"], sampling=Decimal("0.5"),
    window_from=dt.time(8, 30), window_until=dt.time(17), weekdays=[1, 3], respects_holidays=False, cool_down_days=30, gap_days=90, daily_cap=2000, reminder_after_days=4,
)  # fmt: skip


def test_every_clause_is_said_in_english():
    assert plain(sentence(FULL, "en")) == (
        "1 day after a ticket is solved, ask the person who opened it the “CSAT” survey, on Mon and Wed 08:30–17:00 in their own time, if a person replied and the severity is 1 or 2; "
        "public holidays included; never within 30 days of another survey; this one again after 90 days at the earliest; remind once after 4 days; 50% sample; VIP and Core only; "
        "at most 2,000 a day."
    )


def test_every_clause_is_said_in_turkish():
    assert plain(sentence(FULL, "tr")) == (
        "Bir talep çözüldükten 1 gün sonra, yalnızca bir insan yanıt verdiyse ve önem 1 veya 2 ise, talebi açan kişiye Pzt ve Çar günleri kendi saatiyle 08:30–17:00 arasında “CSAT” anketi "
        "gönderilir; resmî tatillerde de gönderilir; aynı kişiye giden iki anket arasında en az 30 gün bırakılır; bu anket aynı kişiye 90 gün geçmeden yeniden gönderilmez; "
        "yanıt gelmezse 4 gün sonra bir kez hatırlatılır; uygun kişiler içinden %50 oranında örneklem alınır; yalnızca VIP ve Core segmentlerine gönderilir; "
        "günde en çok 2.000 kişiye gönderilir."
    )


def test_one_segment_is_one_segment_in_turkish():
    assert "yalnızca VIP segmentine gönderilir" in plain(sentence(Said(survey="x", event_kind="trial.ended", segments=["VIP"]), "tr"))


def test_a_sentence_that_begins_with_i_keeps_its_dot():
    from surveys.programme_words import turkish

    assert turkish.PHRASES.capital("ilgili") == "İlgili"
    assert turkish.PHRASES.capital("ırak") == "Irak"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase(language):
    words, english = LANGUAGES[language], LANGUAGES["en"]
    assert set(words.moments) == set(words.at_once) == set(EVENT_KINDS)
    for name in ("audiences", "main", "weeks", "labels", "yes_no", "truth", "rows", "units"):
        assert getattr(words, name).keys() == getattr(english, name).keys(), name
    for name, template in english.rows.items():
        assert sorted(part.field for part in row(template) if part.field) == sorted(part.field for part in row(words.rows[name]) if part.field), name


def test_conditions_name_only_what_an_event_says():
    assert condition_keys("ticket.solved") == ("resolution", "person_replied", "severity", "channel", "category", "group")
    assert condition_keys("") == ()
    for kind in OCCASIONS:
        assert set(condition_keys(kind)) <= {*EVENT_KINDS[kind].required, *EVENT_KINDS[kind].optional}


def test_an_unknown_language_reads_english():
    assert plain(sentence(FULL, "de")) == plain(sentence(FULL, "en"))
