"""The surveys and touchpoints that every installation starts with, as plain data. Pure.

The words are data, not interface: each language stands here in full, so that a published version
never depends on a catalogue of translations. `{placeholders}`: see `accounts/placeholders.py`.
"""

from __future__ import annotations

from typing import Any

_NPS_REASONS = ["value", "ease", "features", "reliability", "support", "price", "other"]

SURVEYS: list[dict[str, Any]] = [
    {
        "key": "nps",
        "name": "Relationship NPS",
        "kind": "nps",
        "scale": (0, 10),
        "low_score": 6,
        "reasons": [{"key": key, "band": "any"} for key in _NPS_REASONS],
        "texts": {
            "en": {
                "mail_subject": "One question: would you recommend {sender}?",
                "mail_body": "Hello {name},\n\nyou and your colleagues at {account} have been working with us for a while, and we would like to know how that is going. It is one question and takes about ten seconds.",
                "question": "How likely are you to recommend {sender} to a friend or colleague?",
                "low_label": "Not at all likely",
                "high_label": "Extremely likely",
                "why_low": "What has let you down the most?",
                "why_middle": "What would make it a nine or a ten for you?",
                "why_high": "What do you value the most?",
                "thanks": "Thank you. A person reads every answer.",
                "reason_labels": {
                    "value": "What it does for us", "ease": "Ease of use", "features": "Features", "reliability": "Speed and reliability",
                    "support": "Support", "price": "Price", "other": "Something else",
                },
                "score_labels": {
                    "0": "not at all likely", "1": "very unlikely", "2": "very unlikely", "3": "unlikely", "4": "rather unlikely", "5": "neither likely nor unlikely",
                    "6": "slightly likely", "7": "rather likely", "8": "likely", "9": "very likely", "10": "extremely likely",
                },
            },
            "tr": {
                "mail_subject": "Tek soru: {sender} önerilir mi?",
                "mail_body": "Merhaba {name},\n\nbir süredir {account} ekibi olarak bizimle çalışıyorsunuz; bunun nasıl gittiğini sizden duymak isteriz. Tek bir soru, yanıtlaması on saniye sürer.",
                "question": "{sender} hizmetini bir arkadaşınıza veya meslektaşınıza önerme olasılığınız nedir?",
                "low_label": "Hiç önermem",
                "high_label": "Kesinlikle öneririm",
                "why_low": "Sizi en çok ne hayal kırıklığına uğrattı?",
                "why_middle": "Dokuz veya on vermeniz için neyi daha iyi yapmalıyız?",
                "why_high": "En çok neyi değerli buluyorsunuz?",
                "thanks": "Teşekkür ederiz. Her yanıtı bir insan okur.",
                "reason_labels": {
                    "value": "Bize sağladığı yarar", "ease": "Kullanım kolaylığı", "features": "Özellikler", "reliability": "Hız ve kararlılık",
                    "support": "Destek", "price": "Fiyat", "other": "Başka bir şey",
                },
                "score_labels": {
                    "0": "hiç önermem", "1": "büyük olasılıkla önermem", "2": "büyük olasılıkla önermem", "3": "pek önermem", "4": "pek önermem", "5": "kararsızım",
                    "6": "belki öneririm", "7": "önerebilirim", "8": "öneririm", "9": "büyük olasılıkla öneririm", "10": "kesinlikle öneririm",
                },
            },
        },
    },
    {
        "key": "csat",
        "name": "Satisfaction (CSAT)",
        "kind": "csat",
        "scale": (1, 5),
        "low_score": 2,
        "reasons": [
            {"key": "slow", "band": "low"}, {"key": "unsolved", "band": "low"}, {"key": "unclear", "band": "low"}, {"key": "repeat", "band": "low"}, {"key": "tone", "band": "low"},
            {"key": "fast", "band": "high"}, {"key": "solved", "band": "high"}, {"key": "clear", "band": "high"}, {"key": "friendly", "band": "high"},
            {"key": "other", "band": "any"},
        ],
        "texts": {
            "en": {
                "mail_subject": "How did we do?",
                "mail_body": "Hello {name},\n\nwe would like to know how satisfied you are with {occasion}. One press on a face is enough.",
                "question": "Overall, how satisfied are you with {occasion}?",
                "low_label": "Very dissatisfied",
                "high_label": "Very satisfied",
                "why_low": "What went wrong?",
                "why_middle": "What could we have done better?",
                "why_high": "What went well?",
                "thanks": "Thank you. Your answer goes straight to the people concerned.",
                "reason_labels": {
                    "slow": "It took too long", "unsolved": "The problem is still there", "unclear": "The answer was unclear", "repeat": "I had to explain it again", "tone": "The tone was not right",
                    "fast": "It was fast", "solved": "The problem was solved", "clear": "The explanation was clear", "friendly": "The people were friendly", "other": "Something else",
                },
                "score_labels": {"1": "Very dissatisfied", "2": "Dissatisfied", "3": "Neither", "4": "Satisfied", "5": "Very satisfied"},
            },
            "tr": {
                "mail_subject": "Nasıldı, söyler misiniz?",
                "mail_body": "Merhaba {name},\n\n{occasion} ne kadar memnun kaldığınızı öğrenmek isteriz. Bir yüze dokunmanız yeterli.",
                "question": "Genel olarak {occasion} ne kadar memnun kaldınız?",
                "low_label": "Hiç memnun değilim",
                "high_label": "Çok memnunum",
                "why_low": "Ters giden neydi?",
                "why_middle": "Neyi daha iyi yapabilirdik?",
                "why_high": "Neyi iyi yaptık?",
                "thanks": "Teşekkür ederiz. Yanıtınız doğrudan ilgili kişilere gidiyor.",
                "reason_labels": {
                    "slow": "Çok uzun sürdü", "unsolved": "Sorun hâlâ sürüyor", "unclear": "Yanıt anlaşılır değildi", "repeat": "Yeniden anlatmam gerekti", "tone": "Üslup uygun değildi",
                    "fast": "Hızlıydı", "solved": "Sorun çözüldü", "clear": "Açıklama anlaşılırdı", "friendly": "Ekip güler yüzlüydü", "other": "Başka bir şey",
                },
                "score_labels": {"1": "Hiç memnun değilim", "2": "Memnun değilim", "3": "Kararsızım", "4": "Memnunum", "5": "Çok memnunum"},
            },
        },
    },
    {
        "key": "ces",
        "name": "Effort (CES)",
        "kind": "ces",
        "scale": (1, 7),
        "low_score": 3,
        "reasons": [
            {"key": "steps", "band": "low"}, {"key": "hidden", "band": "low"}, {"key": "faults", "band": "low"}, {"key": "waiting", "band": "low"}, {"key": "contact", "band": "low"},
            {"key": "simple", "band": "high"}, {"key": "guidance", "band": "high"}, {"key": "help", "band": "high"},
            {"key": "other", "band": "any"},
        ],
        "texts": {
            "en": {
                "mail_subject": "Was it easy?",
                "mail_body": "Hello {name},\n\nthings should be easy with us. Were they this time? It is about {occasion}; please say how far you agree with one sentence.",
                "question": "{sender} made it easy for me to do what I wanted to do.",
                "low_label": "Strongly disagree",
                "high_label": "Strongly agree",
                "why_low": "What made it hard?",
                "why_middle": "What would have made it easier?",
                "why_high": "What made it easy?",
                "thanks": "Thank you. What was hard for you goes on our list.",
                "reason_labels": {
                    "steps": "Too many steps", "hidden": "Hard to find", "faults": "Something did not work", "waiting": "I had to wait", "contact": "I had to ask for help",
                    "simple": "Few steps", "guidance": "Clear guidance", "help": "Quick help", "other": "Something else",
                },
                "score_labels": {
                    "1": "strongly disagree", "2": "disagree", "3": "rather disagree", "4": "neither agree nor disagree", "5": "rather agree", "6": "agree", "7": "strongly agree",
                },
            },
            "tr": {
                "mail_subject": "Kolay oldu mu?",
                "mail_body": "Merhaba {name},\n\nbizimle işler kolay yürümeli. Bu kez {occasion} söz ediyoruz: Kolay oldu mu? Aşağıdaki cümleye ne ölçüde katıldığınızı söylemeniz yeterli.",
                "question": "{sender}, yapmak istediğim şeyi kolayca yapmamı sağladı.",
                "low_label": "Hiç katılmıyorum",
                "high_label": "Tamamen katılıyorum",
                "why_low": "Zor olan neydi?",
                "why_middle": "Ne olsaydı daha kolay olurdu?",
                "why_high": "İşinizi kolaylaştıran neydi?",
                "thanks": "Teşekkür ederiz. Sizi zorlayan şeyi listemize aldık.",
                "reason_labels": {
                    "steps": "Adım sayısı fazlaydı", "hidden": "Bulması zordu", "faults": "Bir şey çalışmadı", "waiting": "Beklemem gerekti", "contact": "Yardım istemem gerekti",
                    "simple": "Az adımda bitti", "guidance": "Yönlendirme açıktı", "help": "Yardım hızlı geldi", "other": "Başka bir şey",
                },
                "score_labels": {
                    "1": "hiç katılmıyorum", "2": "katılmıyorum", "3": "pek katılmıyorum", "4": "kararsızım", "5": "biraz katılıyorum", "6": "katılıyorum", "7": "tamamen katılıyorum",
                },
            },
        },
    },
    {
        "key": "exit",
        "name": "Exit",
        "kind": "exit",
        "scale": (1, 5),
        "low_score": 2,
        "reasons": [
            {"key": "price", "band": "any"},
            *({"key": f"price.{key}", "band": "any", "parent": "price"} for key in ("too_expensive", "budget_cut", "cheaper_elsewhere")),
            {"key": "product", "band": "any"},
            *({"key": f"product.{key}", "band": "any", "parent": "product"} for key in ("missing_feature", "hard_to_use", "unreliable")),
            {"key": "service", "band": "any"},
            *({"key": f"service.{key}", "band": "any", "parent": "service"} for key in ("slow_support", "unsolved", "poor_start")),
            {"key": "need", "band": "any"},
            *({"key": f"need.{key}", "band": "any", "parent": "need"} for key in ("project_over", "hardly_used", "own_solution", "closing_down")),
            {"key": "other", "band": "any"},
        ],
        "texts": {
            "en": {
                "mail_subject": "Before you go: what should we have done better?",
                "mail_body": "Hello {name},\n\nwe are sorry that {account} is leaving. We will not try to change your mind here; we only want to learn from it. Two short questions, and a person reads the answers.",
                "question": "Can you imagine coming back to {sender} one day?",
                "low_label": "Certainly not",
                "high_label": "Certainly",
                "why_low": "What was the main reason for leaving?",
                "why_middle": "What was the main reason for leaving?",
                "why_high": "What was the main reason for leaving?",
                "thanks": "Thank you for your frankness, and for the time with us.",
                "reason_labels": {
                    "price": "Price", "price.too_expensive": "Too expensive for what it does", "price.budget_cut": "Our budget was cut", "price.cheaper_elsewhere": "Cheaper elsewhere",
                    "product": "The product", "product.missing_feature": "Something we need is missing", "product.hard_to_use": "Hard to use", "product.unreliable": "Slow or unreliable",
                    "service": "The service", "service.slow_support": "Support was slow", "service.unsolved": "Problems stayed unsolved", "service.poor_start": "We never got properly started",
                    "need": "We do not need it any more", "need.project_over": "The project is over", "need.hardly_used": "We hardly used it", "need.own_solution": "We built our own",
                    "need.closing_down": "We are closing down", "other": "Something else",
                },
                "score_labels": {"1": "certainly not", "2": "rather not", "3": "perhaps", "4": "rather yes", "5": "certainly"},
            },
            "tr": {
                "mail_subject": "Ayrılmadan önce: neyi daha iyi yapmalıydık?",
                "mail_body": "Merhaba {name},\n\n{account} ekibinin bizden ayrılmasına üzüldük. Sizi kararınızdan döndürmeye çalışmayacağız; yalnızca ders çıkarmak istiyoruz. İki kısa soru var ve yanıtları bir insan okuyor.",
                "question": "Bir gün {sender} ile yeniden çalışmayı düşünür müsünüz?",
                "low_label": "Kesinlikle hayır",
                "high_label": "Kesinlikle evet",
                "why_low": "Ayrılmanızın asıl nedeni neydi?",
                "why_middle": "Ayrılmanızın asıl nedeni neydi?",
                "why_high": "Ayrılmanızın asıl nedeni neydi?",
                "thanks": "Açık sözlülüğünüz ve bizimle geçirdiğiniz zaman için teşekkür ederiz.",
                "reason_labels": {
                    "price": "Fiyat", "price.too_expensive": "Sağladığına göre pahalı", "price.budget_cut": "Bütçemiz kısıldı", "price.cheaper_elsewhere": "Başka yerde daha ucuz",
                    "product": "Ürün", "product.missing_feature": "İhtiyacımız olan bir şey eksik", "product.hard_to_use": "Kullanması zor", "product.unreliable": "Yavaş veya kararsız",
                    "service": "Hizmet", "service.slow_support": "Destek yavaştı", "service.unsolved": "Sorunlar çözülmedi", "service.poor_start": "Hiç tam olarak başlayamadık",
                    "need": "Artık ihtiyacımız yok", "need.project_over": "Proje bitti", "need.hardly_used": "Pek kullanmadık", "need.own_solution": "Kendi çözümümüzü kurduk",
                    "need.closing_down": "Faaliyetimizi sonlandırıyoruz", "other": "Başka bir şey",
                },
                "score_labels": {"1": "kesinlikle hayır", "2": "pek sanmıyorum", "3": "belki", "4": "sanırım evet", "5": "kesinlikle evet"},
            },
        },
    },
]  # fmt: skip

HOUR, DAY = 60, 24 * 60

TOUCHPOINTS: list[dict[str, Any]] = [
    {"key": "onboarding-completed", "name": "After onboarding", "survey": "ces", "event_kind": "onboarding.completed", "delay_minutes": DAY, "valid_hours": 7 * 24},
    {"key": "trial-ended", "name": "After the trial", "survey": "csat", "event_kind": "trial.ended", "delay_minutes": DAY, "valid_hours": 7 * 24},
    {"key": "purchase-completed", "name": "After a purchase", "survey": "csat", "event_kind": "purchase.completed", "delay_minutes": 3 * DAY, "valid_hours": 10 * 24},
    # 96 hours: what is solved before a weekend is asked about on Monday, not dropped
    {
        "key": "ticket-solved", "name": "After a solved ticket", "survey": "csat", "event_kind": "ticket.solved", "delay_minutes": DAY, "valid_hours": 96,
        "conditions": {"person_replied": True}, "link_days": 14,
    },
    {"key": "renewal-due", "name": "Before a renewal", "survey": "nps", "event_kind": "subscription.renewal_due", "audience": "main", "delay_minutes": 0, "valid_hours": 7 * 24},
    {"key": "subscription-cancelled", "name": "After a cancellation", "survey": "exit", "event_kind": "subscription.cancelled", "delay_minutes": HOUR, "valid_hours": 14 * 24},
    {"key": "relationship-nps", "name": "Relationship, every half year", "survey": "nps", "event_kind": "", "every_days": 180, "audience": "everybody", "delay_minutes": 0, "valid_hours": 14 * 24},
]  # fmt: skip
