"""Topics an installation of a software company starts with, in both languages. Pure."""

from __future__ import annotations

from typing import NamedTuple


class StarterTopic(NamedTuple):
    """A topic: key, name and query in English and Turkish."""

    key: str
    name: str
    name_tr: str
    query_en: str
    query_tr: str


STARTER_TOPICS: tuple[StarterTopic, ...] = (
    StarterTopic(
        "support", "Support", "Destek",
        'support OR helpdesk OR "help desk" OR "customer service" OR "customer care" OR ticket OR hotline OR (agent NEAR (reply OR answer OR help)) OR ((waited OR waiting) NEAR (reply OR answer OR response))',
        'destek OR "müşteri hizmet*" OR "müşteri temsilci*" OR "çağrı merkez*" OR talep OR (bilet NEAR (yanıt OR cevap OR açmak)) OR (cevap NEAR (beklemek OR vermek OR alamad*)) OR (yanıt NEAR (beklemek OR vermek OR alamad*))',
    ),
    StarterTopic(
        "price", "Price", "Fiyat",
        'price OR pricing OR expensive OR overpriced OR pricey OR cheap OR affordable OR cost OR costs OR "value for money" OR "too much money" OR discount OR (plan NEAR money)',
        'fiyat OR ücret OR pahalı OR ucuz OR zam OR indirim OR iskonto OR maliyet OR bütçe OR "paraya değ*" OR ekonomik OR "fiyat performans"',
    ),
    StarterTopic(
        "onboarding", "Onboarding", "Başlangıç",
        'onboarding OR onboard OR training OR setup OR "set up" OR "getting started" OR "get started" OR implementation OR kickoff OR webinar OR migration OR ((first OR initial) NEAR/3 (steps OR days OR week))',
        'kurulum OR eğitim OR başlangıç OR devreye OR "ilk adım*" OR "ilk günler*" OR oryantasyon OR webinar OR "geçiş süre*" OR ((veri OR sistem) NEAR taşımak)',
    ),
    StarterTopic(
        "bugs", "Bugs", "Hatalar",
        'bug OR buggy OR error OR crash OR glitch OR broken OR freezes OR "not working" OR "does not work" OR "doesn\'t work" OR "stopped working" OR faulty OR defect',
        'hata OR bozuk OR bozulmak OR arıza OR çalışmıyor OR çalışmadı OR çöküyor OR çöktü OR donuyor OR dondu OR "hata ver*" OR açılmıyor OR takılıyor',
    ),
    StarterTopic(
        "missing-features", "Missing features", "Eksik özellikler",
        '((missing OR lack OR need OR wish OR want OR add OR without) NEAR (feature OR functionality OR option OR function)) OR "feature request" OR "would be nice" OR "would like to see" OR "no way to" OR "wish it had" OR "wish there" OR roadmap',
        '((eksik OR yok OR gerek OR lazım OR eklemek OR eklen* OR istemek) NEAR (özellik OR fonksiyon OR seçenek OR modül)) OR keşke OR "olsa iyi olur*" OR "olsaydı" OR "yol haritası" OR eklenmeli OR eklenebilir',
    ),
    StarterTopic(
        "usability", "Usability", "Kullanım kolaylığı",
        'usability OR intuitive OR interface OR UI OR UX OR "user friendly" OR "user-friendly" OR "easy to use" OR "hard to use" OR "difficult to use" OR confusing OR complicated OR clunky OR cluttered OR "hard to find" OR navigation OR "learning curve"',
        'kullanışlı OR kullanışsız OR arayüz OR "kullanıcı dostu" OR karmaşık OR karışık OR (kullanım NEAR (kolay OR zor OR rahat OR basit)) OR (kullanmak NEAR (kolay OR zor OR rahat OR basit)) OR anlaşılır OR anlaşılmaz OR menü OR ekran',
    ),
    StarterTopic(
        "speed", "Speed", "Hız",
        'speed OR fast OR faster OR slow OR slower OR slowness OR sluggish OR lag OR laggy OR loading OR "load time" OR "takes forever" OR performance OR timeout',
        'hız OR hızlı OR yavaş OR yavaşlamak OR kasıyor OR "geç açıl*" OR yüklenmiyor OR (yüklenmek NEAR (uzun OR geç)) OR performans OR gecikme',
    ),
    StarterTopic(
        "reliability", "Reliability", "Güvenilirlik",
        'outage OR downtime OR uptime OR "goes down" OR "went down" OR "is down" OR "was down" OR unavailable OR unreliable OR reliable OR reliability OR stable OR unstable OR stability OR disconnects OR "data loss"',
        'kesinti OR "erişim yok" OR erişilemiyor OR erişemiyoruz OR erişemedik OR giremiyoruz OR giremedik OR bağlanamıyor* OR "sistem çök*" OR güvenilir OR güvenilmez OR kararlı OR kararsız OR kopma OR kopuyor OR "veri kaybı"',
    ),
    StarterTopic(
        "documentation", "Documentation", "Belgeler",
        'documentation OR docs OR manual OR tutorial OR guide OR "knowledge base" OR "help center" OR "help centre" OR FAQ OR instructions OR "how-to"',
        'doküman OR dokümantasyon OR belgelendirme OR kılavuz OR rehber OR "yardım merkezi" OR "bilgi bankası" OR "sık sorulan" OR "yardım sayfa*" OR talimat',
    ),
    StarterTopic(
        "integrations", "Integrations", "Entegrasyonlar",
        'integrat* OR API OR webhook OR connector OR plugin OR "single sign-on" OR SSO OR sync OR synchronisation OR synchronization OR ((export OR import) NEAR (data OR file OR excel OR CSV))',
        'entegrasyon OR entegre OR API OR webhook OR bağlayıcı OR eklenti OR senkron* OR eşitleme OR "tek oturum" OR ((aktarmak OR aktarım) NEAR (veri OR dosya OR excel))',
    ),
    StarterTopic(
        "billing", "Billing", "Faturalama",
        "invoice OR billing OR bill OR charged OR overcharged OR refund OR payment OR paid OR renewal OR ((credit OR debit) NEAR/2 card) OR receipt OR VAT",
        'fatura OR ödeme OR tahsilat OR iade OR yenileme OR (para NEAR (çekmek OR çekil* OR kesil*)) OR "kredi kart*" OR makbuz OR KDV OR abonelik',
    ),
    StarterTopic(
        "delivery", "Delivery", "Teslimat",
        'delivery OR delivered OR shipping OR shipment OR courier OR parcel OR package OR "arrived late" OR "not arrived" OR "never arrived" OR installation OR engineer',
        'teslimat OR "teslim et*" OR "teslim al*" OR kargo OR kurye OR paket OR paketleme OR gönderi OR ulaşmadı OR gelmedi OR montaj OR "elime ulaş*"',
    ),
    StarterTopic(
        "staff", "Friendliness of staff", "Çalışanların ilgisi",
        "friendly OR polite OR courteous OR kind OR rude OR helpful OR unhelpful OR professional OR unprofessional OR attentive OR knowledgeable OR patient OR arrogant OR ((staff OR team OR people OR representative) NEAR (nice OR great OR lovely OR bad))",
        'güleryüzlü OR "güler yüz*" OR nazik OR kibar OR kaba OR ilgili OR ilgisiz OR yardımsever OR saygılı OR saygısız OR profesyonel OR sabırlı OR ((ekip OR çalışan OR personel OR temsilci) NEAR (iyi OR harika OR kötü OR ilgi))',
    ),
    StarterTopic(
        "mobile", "Mobile app", "Mobil uygulama",
        'mobile OR android OR iphone OR ipad OR ios OR smartphone OR "app store" OR ((phone OR tablet) NEAR (app OR use OR version)) OR "the app"',
        'mobil OR android OR iphone OR ipad OR ios OR "akıllı telefon" OR ((telefon OR tablet OR cep) NEAR (uygulama OR sürüm OR kullanmak))',
    ),
)  # fmt: skip
