"""Templates of onboarding plans that Vefa ships, in English and in Turkish; installations change them or stop offering them."""

from django.db import migrations

SEEN = {"all": [{"field": "last_seen_on", "op": "is_not_empty"}]}
REGULAR = {"all": [{"usage": {"measure": "active_days", "feature": "", "days": 14, "per": "total"}, "op": "gte", "value": "6"}]}


def step(name, details="", *, days=None, required=True, side="us", visible=True, rule=None):
    return {"name": name, "details": details, "required": required, "side": side, "visible": visible, "due_days": days, "rule": rule}


ENGLISH = [
    {
        "name": "Kick-off",
        "steps": [
            step("Meet and agree on the goal", "What should be better for you in three months, and how do we see it?", days=3),
            step("Name the person who leads on your side", days=5, side="customer"),
            step("Hand over from sales to customer success", days=2, visible=False),
        ],
    },
    {
        "name": "Set up",
        "steps": [
            step("Invite the people who will work with it", days=5, side="customer"),
            step("Send the data to start with", "A file is enough; we show you which columns.", days=8, side="customer"),
            step("Set up and check the data together", days=10),
            step("Connect other systems", days=15, required=False),
        ],
    },
    {"name": "First use", "steps": [step("Train the first people", days=5), step("First use", days=8, rule=SEEN)]},
    {
        "name": "Used as a habit",
        "steps": [
            step("Used on six days in two weeks", days=20, rule=REGULAR),
            step("Look back together: is the goal near?", days=25),
            step("Tell us how getting started was", days=28, required=False, side="customer"),
        ],
    },
]
TURKISH = [
    {
        "name": "Başlangıç",
        "steps": [
            step("Tanışma ve hedefte anlaşma", "Üç ay sonra sizin için ne daha iyi olmalı ve bunu nasıl göreceğiz?", days=3),
            step("Sizin taraftaki sorumluyu belirleyin", days=5, side="customer"),
            step("Satıştan müşteri başarısına devir", days=2, visible=False),
        ],
    },
    {
        "name": "Kurulum",
        "steps": [
            step("Kullanacak kişileri davet edin", days=5, side="customer"),
            step("Başlangıç verilerini gönderin", "Bir dosya yeter; hangi sütunların gerektiğini gösteririz.", days=8, side="customer"),
            step("Verilerin birlikte kurulması ve denetlenmesi", days=10),
            step("Öteki sistemlere bağlanma", days=15, required=False),
        ],
    },
    {"name": "İlk kullanım", "steps": [step("İlk kişilerin eğitimi", days=5), step("İlk kullanım", days=8, rule=SEEN)]},
    {
        "name": "Alışkanlık olarak kullanım",
        "steps": [
            step("İki haftada altı gün kullanım", days=20, rule=REGULAR),
            step("Birlikte geriye bakış: hedef yakın mı?", days=25),
            step("Başlangıcın nasıl geçtiğini bize anlatın", days=28, required=False, side="customer"),
        ],
    },
]
SHIPPED = (
    ("onboarding", "Onboarding in eight weeks", "From the first meeting to regular use.", "en", ENGLISH),
    ("baslangic", "Sekiz haftada başlangıç", "İlk görüşmeden düzenli kullanıma.", "tr", TURKISH),
)


def add(apps, schema_editor):
    model = apps.get_model("accounts", "PlanTemplate")
    for key, name, description, language, milestones in SHIPPED:
        model.objects.get_or_create(key=key, defaults={"name": name, "description": description, "language": language, "milestones": milestones})


def remove(apps, schema_editor):
    used = apps.get_model("accounts", "OnboardingPlan").objects.values("template_id")
    apps.get_model("accounts", "PlanTemplate").objects.filter(key__in=[row[0] for row in SHIPPED]).exclude(pk__in=used).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0026_shipped_playbooks")]
    operations = [migrations.RunPython(add, remove)]
