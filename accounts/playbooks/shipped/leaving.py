"""Shipped playbooks for the end: notice with its reason, the survey, the attempt to save, the hand-over; and winning back."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from accounts.playbooks.shipped.shape import Shipped, is_, mail, wait, work

_PRICE = ["price", "budget", "too_expensive", "budget_cut", "cheaper_elsewhere"]
_PRODUCT = ["product", "missing_feature", "feature", "features", "hard_to_use", "unreliable", "quality", "speed"]

OFFBOARDING = Shipped(
    key="offboarding",
    name=gettext_noop("Offboarding with an attempt to save"),
    description=gettext_noop("Notice was given: VIP customers are called first; all are asked why, get an answer that fits the reason, and are handed over decently."),
    trigger={"kind": "event", "event": "subscription.cancelled"},
    steps=(
        {"key": "vip", "kind": "branch", "longest_days": 0, "otherwise": "ask", "branches": [{"when": is_("segment", "eq", "vip"), "go": "call"}]},
        work(
            "call",
            "Notice of a VIP customer: call before anything is written",
            "VIP müşteri fesih bildirdi: bir şey yazmadan önce arayın",
            type="risk",
            priority="high",
            due_days=1,
        ),
        {"key": "called", "kind": "wait", "event": "touch.logged", "longest_days": 3},
        {"key": "ask", "kind": "survey", "survey": "exit", "to": "main"},
        {
            "key": "reason",
            "kind": "branch",
            "longest_days": 7,
            "otherwise": "save-open",
            "branches": [
                {"when": is_("churn_reason", "in", _PRICE), "go": "save-price"},
                {"when": is_("churn_reason", "in", _PRODUCT), "go": "save-product"},
            ],
        },
        {
            **work(
                "save-open", "Attempt to save: find the reason, make one offer", "Kurtarma girişimi: nedeni bulun, tek bir öneri yapın", type="risk", priority="high", due_days=2
            ),
            "next": "weeks",
        },
        mail(
            "save-price",
            ("Before {account} leaves because of the price", "{account} fiyat yüzünden ayrılmadan önce"),
            (
                "Hello {first_name|there},\n\nthank you for telling us that it is about money. There are two ways that cost less: a smaller plan, or a pause of up to "
                "three months with your "
                "data kept. Shall I write either down for you?\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nNedenin bütçe olduğunu yazdığınız için teşekkürler. Daha az tutan iki yol var: daha küçük bir paket ya da verileriniz "
                "saklanarak üç aya kadar "
                "ara vermek. Hangisini sizin için yazayım?\n\n{csm|Ekibiniz}",
            ),
        ),
        {
            **work("offer-price", "Save by terms: smaller plan or pause", "Koşullarla kurtarın: daha küçük paket ya da ara verme", type="risk", priority="high", due_days=2),
            "next": "weeks",
        },
        work(
            "save-product",
            "Save by the product: show what has changed, bring an engineer",
            "Ürünle kurtarın: değişenleri gösterin, bir mühendis getirin",
            type="risk",
            priority="high",
            due_days=2,
        ),
        wait("weeks", 14),
        work(
            "hand-over", "Hand over: export of data, last day, who is told", "Devir: veri aktarımı, son gün, kime haber verilecek", type="lifecycle", due_days=5, keep_on_exit=True
        ),
        mail(
            "goodbye",
            ("Your data and the last day", "Verileriniz ve son gün"),
            (
                "Hello {first_name|there},\n\nthank you for the time together. You can take your data with you at any time until the last day; answer this mail if we "
                "should do it for you. "
                "The door stays open.\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nBirlikte geçirdiğimiz zaman için teşekkürler. Son güne kadar verilerinizi dilediğiniz an alabilirsiniz; isterseniz bu "
                "e-postayı yanıtlayın, sizin "
                "için biz yapalım. Kapımız açık.\n\n{csm|Ekibiniz}",
            ),
            transactional=True,
        ),
    ),
    exits=({"event": "subscription.started"}, {"event": "account.reactivated"}),
    caps={"per_account": 1, "days": 60},
    includes_churned=True,
)

WIN_BACK = Shipped(
    key="win-back",
    name=gettext_noop("Win back"),
    description=gettext_noop("Two months after a customer left for a reason that can be mended: tell what has changed and offer a way back."),
    trigger={"kind": "date", "field": "churned_at", "days": 60},
    audience={"all": [{"field": "churned", "op": "eq", "value": True}, {"field": "churn_reason", "op": "not_in", "value": ["closing_down", "out_of_business", "project_over"]}]},
    steps=(
        work("read", "Why they left, and what has changed since", "Neden ayrıldılar, o günden beri ne değişti", type="expansion", due_days=3),
        wait("five-days", 5),
        mail(
            "news",
            ("What has changed since {account} left", "{account} ayrıldığından beri neler değişti"),
            (
                "Hello {first_name|there},\n\nyou left us two months ago and told us why. Some of that is different now, and I would like to show you what, without "
                "any obligation. "
                "Would 20 minutes next week suit you?\n\n{csm|The team}",
                "Merhaba {first_name|},\n\nİki ay önce nedenini söyleyerek bizden ayrıldınız. O günden beri bazı şeyler değişti; bağlayıcı olmadan göstermek isterim. "
                "Gelecek hafta 20 "
                "dakika uyar mı?\n\n{csm|Ekibiniz}",
            ),
        ),
        {"key": "listen", "kind": "wait", "event": "touch.logged", "longest_days": 21, "since": "step", "otherwise": "last"},
        {
            **work(
                "offer",
                "They listen: offer to bring their data back within a day",
                "Dinliyorlar: verilerini bir günde geri getirmeyi önerin",
                type="expansion",
                priority="high",
                due_days=2,
            ),
            "next": "end",
        },
        work("last", "One last call, then leave them in peace", "Son bir arama, sonra rahat bırakın", type="expansion", priority="low", due_days=7),
    ),
    exits=({"event": "account.reactivated"}, {"event": "subscription.started"}),
    caps={"per_account": 1, "days": 365},
    hold_out_percent=20,
    includes_churned=True,
)
