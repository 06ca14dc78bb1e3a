"""Names and sentences of the demo, in Turkish and English."""

from __future__ import annotations

COMPANIES = {
    "tr": (
        ("Boğaziçi", "Ege", "Çınar", "Anadolu", "Trakya", "Marmara", "Toros", "Kapadokya", "İzmir", "Akdeniz", "Karadeniz", "Uludağ", "Palandöken", "Meriç", "Fırat", "Dicle", "Gökçe", "Bereket", "Şirin", "Ilgaz", "Işık", "Kızılırmak", "Halıç", "Yörük", "Özgür"),
        ("Lojistik A.Ş.", "Kargo", "Gıda Dağıtım", "Nakliyat", "Soğuk Zincir", "Medikal Depo", "Kurye Kooperatifi", "Tarım Birliği", "Dağıtım Ltd. Şti."),
    ),
    "en": (
        ("Northgate", "Silverline", "Hollis & Crane", "Kestrel", "Brightwater", "Oakfield", "Van der Linden", "Marchetti", "Lindqvist", "Bergmann", "Ashcombe", "Fairhaven", "Redmoor", "Tidewell", "Dunmore", "Peak & Vale", "Stonebridge", "Cromer", "Westerdam", "Halden", "Ferrand", "Iversen", "Beaumont", "Calloway", "Rosendal"),
        ("Freight", "Couriers", "Movers", "Transport", "Logistics", "Haulage", "Cold Store", "Foods", "Medical Supply"),
    ),
}  # fmt: skip
FIRST = {
    "tr": ("Selin", "Kerem", "Ece", "Murat", "Özlem", "Burak", "Gülşen", "İpek", "Ayşe", "Hakan", "Derya", "Onur", "Zeynep", "Emre", "Filiz", "Tolga", "Şule", "Volkan", "Ilgın", "Barış"),
    "en": ("Harry", "Marcus", "Joost", "Ingrid", "Sofia", "Liam", "Hannah", "Oscar", "Chloe", "Daan", "Freya", "Lucas", "Emily", "Noah", "Martha", "Jonas", "Alice", "Piet", "Nora", "Felix"),
}  # fmt: skip
LAST = {
    "tr": ("Aydın", "Doğan", "Arslan", "Çetin", "Şahin", "Işık", "Öztürk", "Kılıç", "Yalçın", "Güneş", "Koç", "Acar", "Ünal", "Bozkurt", "Erdem"),
    "en": ("Weber", "Bakker", "Hill", "Novak", "Moretti", "Jansen", "Clarke", "Olsen", "Fischer", "Dubois", "Walsh", "Hughes", "Berg", "Martin", "Keller"),
}
JOBS = {
    "sponsor": {"tr": "Mali işler direktörü", "en": "Chief financial officer"},
    "champion": {"tr": "Operasyon müdürü", "en": "Head of operations"},
    "user": {"tr": "Filo planlama uzmanı", "en": "Fleet planner"},
    "billing": {"tr": "Muhasebe sorumlusu", "en": "Accounts payable"},
}
PLACES = {"tr": (("TR", "Europe/Istanbul"),), "en": (("GB", "Europe/London"), ("NL", "Europe/Amsterdam"), ("DE", "Europe/Berlin"), ("US", "America/Chicago"))}
INDUSTRIES = ("Logistics", "Courier", "Food distribution", "Cold chain", "Medical supply", "Retail")

# what people write, by how they feel and what it is about
VERBATIMS: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "low": {
        "speed": {
            "tr": ("Haritalar son haftalarda çok yavaş açılıyor, şoförler beklemekten bıktı.", "Sürüm güncellemesinden beri rota hesaplama dakikalar sürüyor.", "Sistem yavaşladı, sabahları işe geç başlıyoruz."),
            "en": ("Since the last release the maps take forever to load.", "Route planning got so slow that we went back to the spreadsheet for a week.", "It freezes every morning when all the drivers sign in."),
        },
        "support": {
            "tr": ("Çözüldü ama üç kişiye aynı şeyi anlattım.", "Talebime dört gün sonra dönüldü.", "Her seferinde baştan anlatmak yoruyor."),
            "en": ("Right answer, nine days late.", "I had to explain the same thing to three people.", "Nobody called back although it was promised twice."),
        },
        "price": {
            "tr": ("Fiyat artışını hak eden bir yenilik göremedik.", "Kullandığımızdan fazlasını ödüyoruz."),
            "en": ("The price went up and we use less than half of it.", "Good tool, but hard to defend at this price."),
        },
        "feature": {
            "tr": ("Çevrimdışı kullanım olmadan saha ekibi işini yapamıyor.", "Excel aktarımında saatler kayıyor, hâlâ düzelmedi."),
            "en": ("The app loses my stops when I go offline.", "We still wait for the fuel report that was promised in spring."),
        },
    },
    "middle": {
        "feature": {
            "tr": ("Genel olarak iyi ama raporlar daha esnek olabilir.", "İş görüyor, birkaç eksiği var."),
            "en": ("Does the job. Reports could be more flexible.", "Fine so far, the mobile app needs some love."),
        },
    },
    "high": {
        "support": {
            "tr": ("Ekip çok ilgili, her sorumuza aynı gün yanıt aldık.", "Elif Hanım sayesinde geçiş bir haftada bitti."),
            "en": ("Support answered within the hour and it was fixed the same day.", "Our CSM knows our routes better than we do."),
        },
        "feature": {
            "tr": ("Rota paylaşımı işimizi yarı yarıya kolaylaştırdı.", "Yakıt giderimiz üç ayda yüzde on iki düştü."),
            "en": ("Route sharing alone saves our planners an hour a day.", "Fuel cost is down twelve per cent since March."),
        },
    },
}  # fmt: skip

TICKETS = (
    ("Maps", "Haritalar yüklenmiyor", "Maps do not load", 3),
    ("Routes", "Rota optimizasyonu hata veriyor", "Route optimisation fails with an error", 4),
    ("Export", "Excel aktarımında saat kayması", "Times are shifted in the Excel export", 2),
    ("Mobile", "Sürücü uygulaması oturumu kapatıyor", "Driver app signs people out", 3),
    ("Billing", "Faturada yanlış koltuk sayısı", "Wrong number of seats on the invoice", 2),
    ("Access", "Yeni kullanıcı eklenemiyor", "Cannot add a new user", 1),
    ("How-to", "Bölge tanımını nasıl değiştiririz?", "How do we change a delivery zone?", 1),
)
FIRST_REPLIES = {
    "tr": ("Merhaba, bildiriminiz için teşekkürler. Kayıtları inceliyoruz, bugün içinde döneceğiz.", "Merhaba, sorunu aynı şekilde görebildik. Ekibimiz üzerinde çalışıyor."),
    "en": ("Hello, thanks for letting us know. We are looking at the logs and will be back today.", "Hello, we can see the same thing here. The team is on it."),
}
SOLUTIONS = {
    "tr": ("Düzeltme yayında, deneyip haber verir misiniz?", "Ayarı sizin için güncelledik; artık çalışıyor olmalı."),
    "en": ("The fix is live. Could you try again and tell us?", "We changed the setting for you; it should work now."),
}
NOTES = (
    "Board meets at the end of the month. They want one page: fuel saved per route against the licence cost.",
    "Kurul ay sonunda toplanıyor; rota başına yakıt tasarrufunu tek sayfada istiyorlar.",
    "They compare us on price only; the operations lead prefers to stay.",
    "Yeni depo haziranda açılıyor, 30 koltuk daha gerekecek.",
)
