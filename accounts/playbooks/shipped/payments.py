"""The shipped playbook for failed payments: three letters over two weeks, led by the attempts, none where the card is refused for good."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from accounts.playbooks.shipped.shape import Shipped, mail, wait, wait_for, work

# customers who pay in another way carry the tag
_AUDIENCE = {"all": [{"field": "tags", "op": "not_in", "value": ["no-dunning"]}, {"field": "mrr", "op": "gt", "value": "0"}]}
_HARD = {"event": "payment.failed", "where": {"hard_decline": True}}

DUNNING = Shipped(
    key="dunning",
    name=gettext_noop("Smart dunning"),
    description=gettext_noop("A payment failed: letters to whoever pays over two weeks and a call before the end; it stops where the card is refused for good."),
    trigger={"kind": "event", "event": "payment.failed", "where": {"hard_decline": False}},
    audience=_AUDIENCE,
    steps=(
        mail(
            "first",
            ("A payment of {account} did not go through", "{account} ödemesi alınamadı"),
            (
                "Hello {first_name|there},\n\na payment for {product|your subscription} did not go through. Often it is a limit or an expired card, and it is tried "
                "again within days. "
                "You need not do anything if that is enough; otherwise please look at the way of payment.\n\n{csm|The team}",
                "Merhaba {first_name|},\n\n{product|Aboneliğiniz} için bir ödeme alınamadı. Çoğu zaman limit ya da süresi dolmuş bir kart söz konusudur; birkaç gün içinde "
                "yeniden denenir. "
                "Bu yeterliyse bir şey yapmanız gerekmez; değilse lütfen ödeme yönteminize bakın.\n\n{csm|Ekibiniz}",
            ),
            to="billing",
            transactional=True,
        ),
        # the next attempt that fails as well, or three days in which nothing was made good
        wait_for("next-attempt", "payment.failed", longest_days=3),
        mail(
            "second",
            ("The payment of {account} is still open", "{account} ödemesi hâlâ açık"),
            (
                "Hello {first_name|there},\n\nthe payment is still open. Please check the card or tell us another way; nothing changes for your team until then.\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nÖdeme hâlâ açık. Lütfen kartı kontrol edin ya da başka bir yol bildirin; o zamana kadar ekibiniz için "
                "hiçbir şey değişmez."
                "\n\n{csm|Ekibiniz}",
            ),
            to="billing",
            transactional=True,
        ),
        wait("four-days", 4),
        {
            **mail(
                "third",
                ("Before access of {account} ends", "{account} erişimi bitmeden"),
                (
                    "Hello {first_name|there},\n\nthe payment for {product|your subscription} has been open for a week. In seven days access would end, and nobody here "
                    "wants that. "
                    "Answer this mail, and we find a way.\n\n{csm|The team}",
                    "Merhaba {first_name|},\n\n{product|Aboneliğinizin} ödemesi bir haftadır açık. Yedi gün sonra erişim sona erecek ve bunu kimse istemiyor. Bu e-postayı "
                    "yanıtlayın, bir "
                    "yol bulalım.\n\n{csm|Ekibiniz}",
                ),
                to="billing",
                transactional=True,
            ),
        },
        work("call", "Call about the open payment", "Açık ödeme için arayın", type="risk", priority="high", due_days=1),
        wait("last-week", 7),
        work("decide", "Payment open for two weeks: extend, pause or end", "Ödeme iki haftadır açık: uzatın, durdurun ya da bitirin", type="risk", priority="high", due_days=1),
    ),
    exits=({"event": "payment.recovered"}, {"event": "subscription.ended"}, _HARD),
    caps={"per_account": 1, "days": 14},
)

CARD_REFUSED = Shipped(
    key="card-refused",
    name=gettext_noop("Card refused for good"),
    description=gettext_noop("The bank will never accept this card again: no further try, but another card or an invoice."),
    trigger={"kind": "event", "event": "payment.failed", "where": {"hard_decline": True}},
    audience=_AUDIENCE,
    steps=(
        mail(
            "new-card",
            ("{account}: the card was refused for good", "{account}: kart kalıcı olarak reddedildi"),
            (
                "Hello {first_name|there},\n\nthe bank has refused the card of {account} for good, so we do not try it again. Please give us another card or ask for "
                "an invoice; it takes "
                "two minutes.\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nBanka {account} kartını kalıcı olarak reddetti; bu yüzden yeniden denemiyoruz. Lütfen başka bir kart verin ya da fatura "
                "isteyin; iki dakika "
                "sürer.\n\n{csm|Ekibiniz}",
            ),
            to="billing",
            transactional=True,
        ),
        wait("two-days", 2),
        work(
            "ask",
            "Card refused for good: ask for another one or an invoice",
            "Kart kalıcı olarak reddedildi: başka kart ya da fatura isteyin",
            type="risk",
            priority="high",
            due_days=1,
        ),
        wait("to-the-end", 12),
        work("decide", "Payment open for two weeks: extend, pause or end", "Ödeme iki haftadır açık: uzatın, durdurun ya da bitirin", type="risk", priority="high", due_days=1),
    ),
    exits=({"event": "payment.recovered"}, {"event": "subscription.ended"}),
    caps={"per_account": 1, "days": 14},
)
