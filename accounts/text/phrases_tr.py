"""Turkish phrases that speak well or badly, one a line, weighed by hand from -3 to 3; 0 takes words out. Pure.

Own lists; see `lexicon.py` for the notation. In folded letters; `NOT` is any verb that denies.
"""

from __future__ import annotations

PHRASES = {
    3.0: """
        beklenti* karsil*|_ karsiladi|karsiliyor
        on numara
        10 numara
        tek kelimeyle harika|mukemmel|super
        bir numara
        dort dortluk
        gonul rahatligiyla|rahatligi*
        gozunuz kapali
        iyi ki al*
        cok cok iyi|guzel
        =ne kadar iyi|guzel
        asiri iyi|guzel
        en iyi*
        kacirmayin
        hic dusunmeden
        dusunmeden al*
        kesinlikle tavsiye ed*
        kesinlikle al*
        kesinlikle oner*
        siddetle tavsiye*
        herkese tavsiye*
    """,
    2.0: """
        fena degil*
        kotu degil*
        fena sayilmaz
        sorun|sikinti|problem yok*
        sorun|sikinti|problem|hata|sorunu|sikintisi|problemi NOT
        sorun|sikinti|problem _ NOT
        bir|hic|hicbir sorun|sikinti|problem|kusur _ yok*|NOT
        tavsiye ed*
        tavsiye olunur
        pisman NOT
        pismanlik NOT
        pisman olmazsiniz|etmez|olmadim|degilim|etmedi
        ise yar*
        isimi gor*
        is gor*
        isini gor*
        cok iyi|guzel*
        tam istedigim*
        tam aradigim*
        istedigim|bekledigim gibi
        beklentimi karsiladi|karsiliyor
        beklentilerimi karsiladi|karsiliyor
        bekledigimden iyi|hizli|guzel
        fiyatina gore iyi|guzel|gayet|cok
        fiyat performans*
        bu fiyata iyi|guzel|cok|daha
        hakkini ver*
        parasini|fiyatini|paranin hak*
        parasina|fiyatina|parasini deg*
        emeginize|eline|elinize|ellerinize saglik
        zaman|vakit kaybetmeden
        aynisi geldi
        iyi paket*
        guler yuzlu*
        elimize|elime|hemen ulasti
        hizli kargo|teslimat|gonderi
        cok memnun*
        cok tesekkur*
        yok yok
        soz yok*
        diyecek* yok|NOT
        kusur yok*|NOT
        tereddut etmeden|NOT
        sizi uzmez
        hic NOT sorun|sikinti|problem
        sorun cikarmadi|yasatmadi|yasamadim|yasamadik
    """,
    1.0: """
        idare ed*
        hic bozulmadi
        bozulmadi
        =olmazsa =olmaz
        bir sey demeye
        yok pahasina
        ucuza al*
        sorun etmeyin
        acele etmeyin
        merak etmeyin
    """,
    0.0: """
        olumlu|olumsuz yonleri|yonler|yanlari|yanlar|yani|yonu|taraflari
        iyi olur
        iyi alisverisler|gunlerde
        daha iyi|iyisi|iyisini|kaliteli|uygun|guzel al*|bul*|var|cihaz*|urun*|marka*
        gerek yok|kal*
        sik sik
        alir almaz
        beklemeye gerek
        iyi gunler|aksamlar|forumlar|calismalar|haftalar|seneler|geceler|bayramlar
        iyi kotu
        musteri hizmetleri
        en azindan
        tam olarak
        yeni ald*
        henuz NOT
        daha NOT
        su an
        guzel olurdu|olabilirdi|olacakti
        farkli bir|renk|model
        olmasina ragmen
        olsa da
        zaman zaman
        geri kalan
        geri donus
        geri donut
        yanlis anla*
        ekran karti
        once NOT
        indirim* ald*
    """,
    -1.5: """
        fiyat* artis*|artti
        zaman asimi*
        uzun sur*
        daha iyi|guzel|kaliteli|uzun|hizli|ucuz|saglam|kucuk|buyuk|ince|genis|sessiz|guclu _ ol*
        olsaydi|olsa _ iyi|guzel|super|harika|mukemmel
        olsaydi|olsa daha iyi|guzel
        ister*d*
        isterdim|isterdik|dilerdim
        olmasi|olmasini gerek*|isterdim|lazim
        gelistirilmeli|duzeltilmeli|iyilestirilmeli|eklenmeli
        olabilirdi|verilebilirdi|konulabilirdi|yapilabilirdi|eklenebilirdi|koyulabilirdi
        tek kotu|eksi|sikinti|olumsuz|problem|sorun|eksigi|sorunu|dezavantaji
        cok ses*
        ses yapiyor|cikariyor|geliyor
        ne yazik
        fark* yok
        degmez|degmiyor|degmedi
        baska bir|bi marka|urun
        bir daha NOT
        daha sonra boz*
        2 yildiz
        1 yildiz
        tek yildiz
        bir yildiz
        cabuk boz*|kir*|bit*
        kisa sur*
    """,
    -2.0: """
        hakkini NOT
        beklenti* NOT
        hala yok
        neyi|neyini begen*
        tavsiye etm*|edilmez|etmem|etmiyorum|etmiyoruz
        tavsiye NOT
        memnun kalmad*|kalmadim|degilim|degiliz|kalmadik|olmadim
        hayal kirikli*
        hayal kirigi
        hayalkirikligi
        uzak dur*
        sakin al*
        sakin alma*
        ise yaramaz|yaramiyor|yaramadi
        para* yazik
        yazik para*
        paranizi|paraniza|parani|paraya NOT|yazik|acidim
        para etmez
        bes para
        besparaetmez
        bosa para
        bosuna para|alm*|masraf
        cope git*|att*|gid*
        cop oldu
        para tuzagi|kaybi|israfi
        zaman kaybi|israfi
        geri gonder*|iade|ver*|yolla*
        iade ed*|ett*
        geri donus|donut yok|NOT
        kac kere|defa|kez
        aylardir|gunlerdir|haftalardir
        hala gel*|bekli*|yok
        hic iyi|guzel|memnun|kullanisli|kaliteli|hos|saglam _ degil*|NOT
        hic iyi|guzel|memnun|kullanisli|kaliteli|hos|saglam degil*|NOT
        hic bir|bi ise
        hicbir|hic ise
        alakasi|ilgisi yok
        cevap|yanit|muhatap yok|alam*|NOT
        =bu ne
        pisman oldum|olduk|olursunuz|ettı|etti
        bin pisman
        elimde kaldi
        elinizde kal*
        ilk gun*|kullanim*|hafta* boz*|kir*|_ boz*
        ay|gun|hafta|kere|kez|defa sonra boz*|_ boz*
        yanlis|eksik|farkli|kirik|bozuk|hasarli|defolu|baska gel*|gonder*|cik*
        uzerinde|ekranda|icinde cizik|kirik|leke*
        kac para
        =cok kotu
        almayin|almayiniz sakin
    """,
}
