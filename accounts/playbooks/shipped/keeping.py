"""Shipped playbooks for keeping customers: an unhappy answer, a renewal in half a year, and growth where it is earned."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from accounts.playbooks.shipped.shape import Shipped, is_, mail, wait, work

DETRACTOR = Shipped(
    key="detractor",
    name=gettext_noop("After a detractor's answer"),
    description=gettext_noop("Somebody would not recommend us: speak within days, settle it, and look again after a month."),
    trigger={"kind": "answer", "survey_kind": "nps", "group": ["detractor"]},
    steps=(
        work("read", "Read the answer and the last tickets, then call", "Yanıtı ve son talepleri okuyun, sonra arayın", type="close_loop", priority="high", due_days=1),
        {"key": "spoken", "kind": "wait", "event": "touch.logged", "longest_days": 4, "otherwise": "remind"},
        {"key": "month", "kind": "wait", "days": 30, "next": "again"},
        work("remind", "Nobody has spoken with them yet: call today", "Henüz kimse görüşmedi: bugün arayın", type="risk", priority="high", due_days=0),
        wait("later", 30),
        work("again", "Ask whether what was agreed has happened", "Üzerinde anlaşılanlar gerçekleşti mi, sorun", type="close_loop", due_days=5),
    ),
    exits=({"event": "survey.answered", "where": {"survey_kind": "nps", "group": "promoter"}},),
    caps={"per_account": 1, "days": 90},
)

RENEWAL = Shipped(
    key="renewal",
    name=gettext_noop("Renewal at 180, 90 and 30 days"),
    description=gettext_noop("A renewal is prepared half a year ahead, decided on at 90 days and signed at 30."),
    trigger={"kind": "date", "field": "renews_on", "days": -180},
    steps=(
        work(
            "plan", "Renewal in half a year: who decides, on what, and what is missing", "Yenilemeye altı ay: kim, neye göre karar veriyor, ne eksik", type="renewal", due_days=14
        ),
        {"key": "to-90", "kind": "wait", "until": {"field": "renews_on", "days": -90}},
        {
            "key": "how",
            "kind": "branch",
            "longest_days": 0,
            "otherwise": "value",
            "branches": [{"when": is_("band", "in", ["watch", "at_risk"]), "go": "save"}],
        },
        {
            **work("value", "Value review with the sponsor: reached, planned, worth", "Sponsorla değer görüşmesi: ulaşılan, planlanan, karşılığı", type="renewal", due_days=10),
            "next": "to-30",
        },
        work(
            "save",
            "Renewal at risk: plan with the sponsor what has to be true by the day",
            "Yenileme riskli: o güne kadar ne olmalı, sponsorla planlayın",
            type="risk",
            priority="high",
            due_days=5,
        ),
        {"key": "to-30", "kind": "wait", "until": {"field": "renews_on", "days": -30}},
        mail(
            "offer",
            ("Your renewal on {renews_on}", "{renews_on} tarihli yenilemeniz"),
            (
                "Hello {first_name|there},\n\nthe contract of {account} renews on {renews_on}. I have put together what you reached since then and a proposal for the "
                "next term. "
                "When may I show it to you in half an hour?\n\n{csm|The team}",
                "Merhaba {first_name|},\n\n{account} sözleşmesi {renews_on} tarihinde yenileniyor. Bugüne kadar ulaştıklarınızı ve yeni dönem için bir öneriyi "
                "hazırladım. Yarım saatte "
                "göstermem için ne zaman uygunsunuz?\n\n{csm|Ekibiniz}",
            ),
            to="sponsor",
        ),
        work("sign", "Offer out, signature by the day of the renewal", "Teklif gönderildi, yenileme gününe kadar imza", type="renewal", priority="high", due_days=14),
    ),
    exits=({"event": "subscription.cancelled"},),
    caps={"per_account": 1, "days": 120},
)

EXPANSION = Shipped(
    key="expansion",
    name=gettext_noop("Growth where it is earned"),
    description=gettext_noop("Health has become good, use grows and nothing severe is open: speak about what more would help."),
    trigger={"kind": "band", "to": ["healthy"]},
    audience={"all": [{"field": "usage_trend", "op": "gte", "value": "0.05"}, {"field": "severe_tickets", "op": "eq", "value": "0"}, {"field": "mrr", "op": "gt", "value": "0"}]},
    steps=(
        work("look", "Growing use: which offer would help them next?", "Kullanım artıyor: sırada hangi teklif işlerine yarar?", type="expansion", due_days=7),
        {"key": "spoken", "kind": "wait", "event": "touch.logged", "longest_days": 14, "otherwise": "write"},
        {"key": "answer", "kind": "wait", "event": "subscription.changed", "longest_days": 45, "next": "end"},
        mail(
            "write",
            ("What {account} could do next", "{account} sırada neler yapabilir"),
            (
                "Hello {first_name|there},\n\nyour team uses the product more from week to week. There are two things that companies like yours add at this point; may "
                "I show them on your "
                "own data in 20 minutes?\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nEkibiniz ürünü her hafta daha çok kullanıyor. Sizin gibi şirketlerin bu noktada eklediği iki şey var; 20 dakikada kendi "
                "verileriniz üzerinde "
                "gösterebilir miyim?\n\n{csm|Ekibiniz}",
            ),
            to="champion",
        ),
    ),
    exits=({"rule": is_("band", "in", ["watch", "at_risk"])},),
    caps={"per_account": 1, "days": 180},
    hold_out_percent=20,
)
