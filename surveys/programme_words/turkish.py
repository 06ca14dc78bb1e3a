"""Bir programın cümlesinin Türkçe kalıpları: the phrases of a programme's sentence in Turkish. Pure.

The verb stands last; "after" takes the ablative of the participle ("çözüldükten … sonra"), "as soon
as" has a form of its own ("çözülünce"), "to" is the dative of whoever is asked. No number or name
takes an ending, since that would follow its last vowel (“180 gün” is the one that may: its last vowel is known).
"""

from __future__ import annotations

from decimal import Decimal

from surveys.programme_words.phrases import Phrases, joined

# kind: before "… sonra", and alone
_MOMENTS = {
    "account.created": ("bir hesap kaydedildikten", "bir hesap kaydedilince"),
    "account.churned": ("bir hesap ayrıldıktan", "bir hesap ayrılınca"),
    "account.reactivated": ("kaybedilen bir hesap geri döndükten", "kaybedilen bir hesap geri dönünce"),
    "trial.started": ("bir deneme başladıktan", "bir deneme başlayınca"),
    "trial.ended": ("bir deneme bittikten", "bir deneme bitince"),
    "onboarding.completed": ("başlangıç süreci tamamlandıktan", "başlangıç süreci tamamlanınca"),
    "purchase.completed": ("bir satın alma ödendikten", "bir satın alma ödenince"),
    "subscription.started": ("bir abonelik başladıktan", "bir abonelik başlayınca"),
    "subscription.changed": ("bir abonelik değiştikten", "bir abonelik değişince"),
    "subscription.cancelled": ("fesih bildirildikten", "fesih bildirilince"),
    "subscription.ended": ("ücretli hizmet sona erdikten", "ücretli hizmet sona erince"),
    "subscription.renewal_due": ("bir yenileme yaklaştıktan", "bir yenileme yaklaşınca"),
    "payment.failed": ("bir ödeme başarısız olduktan", "bir ödeme başarısız olunca"),
    "payment.recovered": ("başarısız bir ödeme tahsil edildikten", "başarısız bir ödeme tahsil edilince"),
    "ticket.opened": ("bir talep açıldıktan", "bir talep açılınca"),
    "ticket.solved": ("bir talep çözüldükten", "bir talep çözülünce"),
    "ticket.reopened": ("bir talep yeniden açıldıktan", "bir talep yeniden açılınca"),
    "ticket.sla_near": ("taahhüt edilen süre dolmaya yaklaştıktan", "taahhüt edilen süre dolmaya yaklaşınca"),
    "ticket.sla_breached": ("taahhüt edilen süre aşıldıktan", "taahhüt edilen süre aşılınca"),
    "ticket.reopen_wanted": ("müşteri talebin yeniden açılmasını istedikten", "müşteri talebin yeniden açılmasını isteyince"),
    "survey.requested": ("bir anket istendikten", "bir anket istenince"),
    "survey.reminded": ("bir anket hatırlatıldıktan", "bir anket hatırlatılınca"),
    "survey.sent": ("bir anket gönderildikten", "bir anket gönderilince"),
    "survey.answered": ("bir anket yanıtlandıktan", "bir anket yanıtlanınca"),
    "health.band_changed": ("bir hesabın sağlık durumu değiştikten", "bir hesabın sağlık durumu değişince"),
    "segment.changed": ("bir hesabın segmenti değiştikten", "bir hesabın segmenti değişince"),
    "stage.changed": ("bir hesap başka bir aşamaya geçtikten", "bir hesap başka bir aşamaya geçince"),
    "owner.changed": ("bir hesabın sorumlusu değiştikten", "bir hesabın sorumlusu değişince"),
    "touch.logged": ("müşteriyle görüşüldükten", "müşteriyle görüşülünce"),
    "note.added": ("bir not yazıldıktan", "bir not yazılınca"),
    "work.opened": ("bir iş açıldıktan", "bir iş açılınca"),
    "work.reopened": ("bir iş yeniden açıldıktan", "bir iş yeniden açılınca"),
    "work.done": ("bir iş tamamlandıktan", "bir iş tamamlanınca"),
    "work.handed_over": ("bir iş desteğe devredildikten", "bir iş desteğe devredilince"),
    "work.came_back": ("bir iş destekten döndükten", "bir iş destekten dönünce"),
    "case.late": ("mutsuz bir müşteriye yanıt geciktikten", "mutsuz bir müşteriye yanıt gecikince"),
    "case.closed": ("olumsuz bir yanıtın takibi kapandıktan", "olumsuz bir yanıtın takibi kapanınca"),
    "contact.erased": ("bir kişi silindikten", "bir kişi silinince"),
    "mail.complained": ("bir e-posta istenmeyen olarak bildirildikten", "bir e-posta istenmeyen olarak bildirilince"),
    "contact.unsubscribed": ("bir kişi anketleri reddettikten", "bir kişi anketleri reddedince"),
    "mail.bounced": ("bir e-posta geri döndükten", "bir e-posta geri dönünce"),
    "playbook.started": ("bir oyun planı başladıktan", "bir oyun planı başlayınca"),
    "playbook.mailed": ("bir oyun planı bir kişiye yazdıktan", "bir oyun planı bir kişiye yazınca"),
    "playbook.ended": ("bir oyun planı bittikten", "bir oyun planı bitince"),
    "playbook.resumed": ("bir oyun planı sürdürüldükten", "bir oyun planı sürdürülünce"),
    "usage.milestone": ("üründe bir dönüm noktasına ulaşıldıktan", "üründe bir dönüm noktasına ulaşılınca"),
}

_IF = "yalnızca {conditions}, "
_TIME = {"one": "kendi saatiyle", "many": "kendi saatleriyle"}


def _percent(share: Decimal) -> str:
    return "%" + f"{share.quantize(Decimal('0.01')).normalize():f}".replace(".", ",")


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _capital(text: str) -> str:
    return {"i": "İ", "ı": "I"}.get(text[:1], text[:1].upper()) + text[1:]


_UNITS = {"minute": "dakika", "hour": "saat", "day": "gün"}

PHRASES = Phrases(
    moments={kind: forms[0] for kind, forms in _MOMENTS.items()},
    at_once={kind: forms[1] for kind, forms in _MOMENTS.items()},
    audiences={
        "requester": "ilgili kişiye",
        "requester:ticket": "talebi açan kişiye",
        "requester:survey": "yanıtlayan kişiye",
        "requester:rhythm": "ana kişiye",
        "main": "ana kişiye",
        "everybody": "hesabın bütün kişilerine",
        "everybody:rhythm": "bütün kişilere",
    },
    some_survey="…",
    later="{event_kind} {delay} sonra",
    now="{event_kind}",
    rhythm="her {every_days}de bir",
    main={
        (many, has): "{occasion}, " + (_IF if has else "") + "{audience} {weekdays} " + _TIME[many] + " {hours} arasında “{survey}” anketi gönderilir"
        for many in ("one", "many")
        for has in (False, True)
    },
    holidays_too="resmî tatillerde de gönderilir",
    cool_down="aynı kişiye giden iki anket arasında en az {cool_down_days} bırakılır",
    gap="bu anket aynı kişiye {gap_days} geçmeden yeniden gönderilmez",
    reminder="yanıt gelmezse {reminder_after_days} sonra bir kez hatırlatılır",
    sample="uygun kişiler içinden {sampling} oranında örneklem alınır",
    segments_one="yalnızca {segments} segmentine gönderilir",
    segments_many="yalnızca {segments} segmentlerine gönderilir",
    cap="günde en çok {daily_cap} kişiye gönderilir",
    weeks={(1, 2, 3, 4, 5): "hafta içi", (1, 2, 3, 4, 5, 6, 7): "haftanın her günü", (6, 7): "hafta sonu"},
    day_names=["Pzt", "Sal", "Çar", "Per", "Cum", "Cmt", "Paz"],
    day_span="{first}–{last} günleri",
    day_list="{names} günleri",
    day_single="{names} günü",
    labels={
        "source": "kaynak",
        "reason": "neden",
        "reason_detail": "ayrıntılı neden",
        "voluntary": "kendi isteğiyle ayrıldı",
        "preceding_upgrade": "öncesinde yükseltme yaptı",
        "preceding_downgrade": "öncesinde düşürme yaptı",
        "is_reactivation": "daha önce geri dönmüştü",
        "plan": "plan",
        "converted": "aboneliğe dönüştü",
        "days": "gün sayısı",
        "currency": "para birimi",
        "product": "ürün",
        "attempt": "girişim sırası",
        "failure_code": "hata kodu",
        "hard_decline": "kesin reddedildi",
        "severity": "önem",
        "channel": "kanal",
        "category": "kategori",
        "resolution": "çözüm",
        "person_replied": "bir insan yanıt verdi",
        "group": "grup",
        "target": "taahhüt",
        "survey": "anket",
        "survey_kind": "anket türü",
        "touchpoint": "temas noktası",
        "score": "puan",
        "low": "düşük puan",
        "call_me": "aranmak istiyor",
        "is_suspect": "otomatik görünüyor",
        "band": "sağlık durumu",
        "band_before": "önceki sağlık durumu",
        "segment": "segment",
        "segment_before": "önceki segment",
        "override": "elle belirlendi",
        "stage": "aşama",
        "stage_before": "önceki aşama",
        "outcome": "sonuç",
        "type": "iş türü",
        "in_time": "zamanında",
        "feature": "özellik",
        "count": "sayı",
        "milestones": "dönüm noktası sayısı",
    },
    yes_no={
        "person_replied": ("bir insan yanıt verdiyse", "hiçbir insan yanıt vermediyse"),
        "converted": ("aboneliğe dönüştüyse", "aboneliğe dönüşmediyse"),
        "voluntary": ("müşteri bunu kendi istediyse", "müşteri bunu kendi istemediyse"),
        "hard_decline": ("ödeme kesin reddedildiyse", "ödeme kesin reddedilmediyse"),
        "preceding_upgrade": ("öncesinde yükseltme olduysa", "öncesinde yükseltme olmadıysa"),
        "preceding_downgrade": ("öncesinde düşürme olduysa", "öncesinde düşürme olmadıysa"),
        "is_reactivation": ("müşteri daha önce geri döndüyse", "müşteri daha önce geri dönmediyse"),
        "low": ("puan düşükse", "puan düşük değilse"),
        "call_me": ("müşteri aranmak istiyorsa", "müşteri aranmak istemiyorsa"),
        "is_suspect": ("yanıt otomatik görünüyorsa", "yanıt gerçek görünüyorsa"),
        "override": ("elle belirlendiyse", "elle belirlenmediyse"),
        "in_time": ("zamanında olduysa", "geciktiyse"),
    },
    truth={True: "evet", False: "hayır"},
    is_value="{label} {value} ise",
    rows={
        "event": "{event_kind} {delay_value} {delay_unit} sonra",
        "rhythm": "her {every_days} günde bir",
        "ask": "{audience} {survey} anketi gönderilir",
        "hours": "kişinin kendi saatiyle {window_from} ile {window_until} arasında",
        "condition": "{key} {value} ise",
        "sample": "uygun kişiler içinden yüzde {sampling_percent}",
        "cap": "günde en çok {daily_cap} kişi",
        "cool_down": "aynı kişiye giden iki anket arasında en az {cool_down_days} gün",
        "gap": "bu anket aynı kişiye yeniden en erken {gap_days} gün sonra",
        "reminder": "yanıt vermeyenlere {reminder_after_days} gün sonra bir kez",
        "valid": "olaydan en geç {valid_value} {valid_unit} sonra",
        "link": "bağlantı {link_days} gün geçerli",
        "priority": "birkaç program aynı kişiye sormak isterse 100 içinde sıra {priority}; 1 en öndedir",
    },
    units=_UNITS,
    count=lambda number, unit: f"{_thousands(number)} {_UNITS[unit]}",
    number=_thousands,
    percent=_percent,
    listed=lambda items: joined(items, "ve"),
    either=lambda items: joined(items, "veya"),
    capital=_capital,
)
