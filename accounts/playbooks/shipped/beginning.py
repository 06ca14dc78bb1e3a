"""Shipped playbooks for the beginning: onboarding and adoption, and customers who got stuck in a stage."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from accounts.playbooks.shipped.shape import Shipped, is_, mail, wait, work

ONBOARDING = Shipped(
    key="onboarding",
    name=gettext_noop("Onboarding and adoption"),
    description=gettext_noop("The first 60 days: a welcome, a kick-off, a look at use after two weeks and after a month, a review and a question how easy it was."),
    trigger={"kind": "date", "field": "signed_up_at", "days": 0},
    steps=(
        mail(
            "welcome",
            ("Welcome to {sender}, {first_name|and thank you}", "{sender} ailesine hoş geldiniz"),
            (
                "Hello {first_name|and welcome},\n\nI am {csm|your contact} and look after {account} from now on. In the next days we set a date for a short kick-off: "
                "what you want to reach, who takes part, and by when.\n\nIf you want to start at once, answer this mail with the one thing that should work "
                "first.\n\n{csm|The team}",
                "Merhaba {first_name|ve hoş geldiniz},\n\nBen {csm|müşteri temsilciniz}; bundan sonra {account} ile ben ilgileneceğim. Önümüzdeki günlerde kısa bir başlangıç "
                "görüşmesi için gün belirleyelim: neye ulaşmak istiyorsunuz, kimler katılıyor, ne zamana kadar.\n\nHemen başlamak isterseniz, önce neyin çalışması "
                "gerektiğini bu "
                "e-postaya yazmanız yeterli.\n\n{csm|Ekibiniz}",
            ),
        ),
        work("kick-off", "Kick-off: goals, people, dates", "Başlangıç görüşmesi: hedefler, kişiler, tarihler", type="lifecycle", due_days=3),
        wait("two-weeks", 14),
        {
            "key": "started",
            "kind": "branch",
            "longest_days": 0,
            "otherwise": "help",
            "branches": [{"when": {"all": [{"usage": {"measure": "active_days", "feature": "", "days": 14, "per": "total"}, "op": "gte", "value": "3"}]}, "go": "second-half"}],
        },
        work(
            "help",
            "Hardly used after two weeks: find out what is in the way",
            "İki haftadır neredeyse hiç kullanılmadı: engeli bulun",
            type="risk",
            priority="high",
            due_days=1,
        ),
        mail(
            "help-mail",
            ("May we help {account} to get started?", "{account} için ilk adımda yardımcı olabilir miyiz?"),
            (
                "Hello {first_name|there},\n\nthe first weeks are the hardest. Half an hour together is usually enough to get the first thing done: answer with a day "
                "that suits you, "
                "and we do it on your screen.\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nİlk haftalar en zorudur. Çoğu zaman birlikte geçirilen yarım saat ilk işi bitirmeye yeter: size uyan bir günü yazın, "
                "ekranınızda birlikte "
                "yapalım.\n\n{csm|Ekibiniz}",
            ),
        ),
        wait("second-half", 16),
        {
            "key": "adopted",
            "kind": "branch",
            "longest_days": 0,
            "otherwise": "training",
            "branches": [{"when": {"all": [{"usage": {"measure": "active_days", "feature": "", "days": 28, "per": "total"}, "op": "gte", "value": "10"}]}, "go": "to-review"}],
        },
        work("training", "Offer a training: few days of use in the first month", "Eğitim önerin: ilk ayda az gün kullanıldı", type="lifecycle", due_days=3),
        wait("to-review", 15),
        work("review", "Review after 45 days: what was promised, what was reached", "45. gün değerlendirmesi: ne söz verildi, neye ulaşıldı", type="lifecycle", due_days=5),
        wait("to-end", 15),
        {"key": "ask", "kind": "survey", "survey": "ces", "to": "main"},
    ),
    exits=({"event": "subscription.cancelled"},),
    caps={"per_account": 1, "days": 730},
    hold_out_percent=10,
)

STUCK = Shipped(
    key="stage-inactivity",
    name=gettext_noop("Stuck in onboarding"),
    description=gettext_noop("Nobody was seen for two weeks while the customer is still in onboarding."),
    trigger={"kind": "stage", "stage": "onboarding", "idle_days": 14},
    steps=(
        mail(
            "nudge",
            ("Where did you get stuck, {first_name|if we may ask}?", "Nerede takıldınız, {first_name|sorabilir miyiz}?"),
            (
                "Hello {first_name|there},\n\nnobody of {account} was in the product for two weeks. What is in the way: time, data, a question nobody answered? One "
                "line is enough, "
                "and I take care of it.\n\n{csm|The team}",
                "Merhaba {first_name|},\n\n{account} ekibinden iki haftadır kimse ürünü kullanmadı. Engel nedir: zaman mı, veriler mi, cevapsız kalan bir soru mu? Tek "
                "satır yeter, "
                "gerisiyle ben ilgilenirim.\n\n{csm|Ekibiniz}",
            ),
        ),
        wait("five-days", 5),
        {"key": "back", "kind": "branch", "longest_days": 0, "otherwise": "call", "branches": [{"when": is_("last_seen_on", "within_last_days", 5), "go": "end"}]},
        work("call", "Call: still nobody in the product", "Arayın: ürüne hâlâ kimse girmedi", type="risk", priority="high", due_days=2),
        wait("ten-days", 10),
        work(
            "escalate",
            "Agree with the sponsor on a new plan, or on an end",
            "Sponsorla yeni bir plan ya da bitiş üzerinde anlaşın",
            type="lifecycle",
            due_days=5,
            **{"if": is_("last_seen_on", "more_than_days_ago", 10)},
        ),
    ),
    exits=({"event": "onboarding.completed"},),
    caps={"per_account": 2, "days": 180},
)
