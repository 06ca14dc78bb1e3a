"""The canned replies every installation starts with, in both languages."""

from django.db import migrations

# shortcut: (name, English, Turkish)
REPLIES = {
    "received": (
        "Received, looking into it",
        """Hello {first_name},

thank you for writing to us. I am looking into #{ticket} and will come back to you as soon as I know more.

{agent}""",
        """Merhaba {first_name},

bize yazdığınız için teşekkür ederiz. #{ticket} numaralı talebinizi inceliyorum; bir sonuca varır varmaz size döneceğim.

{agent}""",
    ),
    "more": (
        "Please tell us more",
        """Hello {first_name},

to find the cause I need to know a little more:

- What did you do just before it happened?
- What did you expect, and what did you see instead?
- Since when, and do your colleagues see it too?

A picture of the screen often helps.

{agent}""",
        """Merhaba {first_name},

nedenini bulabilmem için biraz daha bilgiye ihtiyacım var:

- Sorun ortaya çıkmadan hemen önce ne yapıyordunuz?
- Ne olmasını bekliyordunuz, onun yerine ne gördünüz?
- Ne zamandan beri oluyor, çalışma arkadaşlarınızda da oluyor mu?

Bir ekran görüntüsü çoğu zaman işimizi kolaylaştırır.

{agent}""",
    ),
    "solved": (
        "It should work now",
        """Hello {first_name},

this should work again now. Please try it; if it does not, simply answer this mail and #{ticket} is open again.

{agent}""",
        """Merhaba {first_name},

sorun şimdi giderilmiş olmalı. Dener misiniz? Düzelmediyse bu e-postayı yanıtlamanız yeterli; #{ticket} numaralı talebiniz yeniden açılır.

{agent}""",
    ),
    "call": (
        "Let us talk",
        """Hello {first_name},

I think we get there faster on the phone. Which number may I call, and which two times suit you?

{agent}""",
        """Merhaba {first_name},

telefonda daha çabuk sonuca varacağımızı düşünüyorum. Sizi hangi numaradan arayabilirim ve hangi iki zaman size uyar?

{agent}""",
    ),
}


def add(apps, schema_editor):
    """Adds what is missing; what is there stays as it is."""
    reply_model, text_model = apps.get_model("tickets", "CannedReply"), apps.get_model("tickets", "CannedReplyText")
    for shortcut, (name, english, turkish) in REPLIES.items():
        if reply_model.objects.filter(name=name).exclude(shortcut=shortcut).exists():
            continue
        reply, new = reply_model.objects.get_or_create(shortcut=shortcut, defaults={"name": name})
        if new:
            for language, body in (("en", english), ("tr", turkish)):
                text_model.objects.get_or_create(reply=reply, language=language, defaults={"body": body})


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("tickets", "0006_correspondence")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
