"""Turkish words and phrases that speak well or badly of a service or product, weighed by hand from -3 to 3. Pure.

Own lists, in folded letters (ç c, ğ g, ı i, ö o, ş s, ü u). See `lexicon.py` for the notation: `guzel` with the endings of nouns,
`begen-` a verb that a denial turns round, `=fena` as it stands, `mukemmel*` whatever follows.
"""

from __future__ import annotations

from accounts.text.lexicon import WordList, word_list
from accounts.text.phrases_tr import PHRASES

WORDS = {
    3.0: """
        mukemmel* muhtesem* harika* super kusursuz* sahane* sikintisiz* problemsiz* fevkalade* enfes efsane* muazzam* bayil- bayildi* =on10 =onnumara olaganustu mukkemel* mukemel* mukenmel*  harka
        hayran* mukkemmel*  sevdim* =best =perfect
    """,
    2.0: """
        guzel* iyi memnun memnunum* memnunuz* memnuniyet* begen- tavsiye* oner- onerilir sev- basarili basariyla kaliteli kullanisli sorunsuz* hizli saglam* tesekkur* tskler tesekur* tesekk* tsk*  sagol* =sagolun saolun
        eksiksiz* hatasiz pratik kolay konforlu rahat sessiz şık şıktı artısı =artilari estetik ozenli ilgili guleryuzlu nazik guvenilir guvenli profesyonel cozum* cozdu* cozuldu* faydali yararli ideal
        dayanikli guclu performansli temiz lezzetli uygun hesapli ekonomik avantajli degdi* degiyor* degerli kibar yardimsever tatmin*  =bravo =tebrik tebrikler helal =afiyet keyif* keyifli
        fp =f/p mutlu* sevin- sevindi* begendi* begenerek cabuk vazgecilmez* guvendi* kazanc     basari* tavsiyem* kullanisi muthis* hos*  sirin =cool =iyii =iyy gzl* =gzel =guze
        alinabilir* alabilirsiniz*  aliniz* hasarsiz ozen* titiz super* ucuz* olumlu orjinal orijinal kararli istedigim* istedigimiz bekledigim* kurtarici =tek =ideali zevkle begenil- begenildi memnn* memun* memmun* sevdik* sevdi*
    """,
    1.0: """
        yeterli kadar yumusak hafif sade modern yeni ferah genis hizla =seri anlasilir net  fark etkili verimli tasarruf* aynen aynisi =ayni pisman- tercih* =evet cicek indirim* hediye* isimi gor- =calisiyor zamaninda sicak parlak canli
        saglikli guvendim garantili hizmet kampanya* uyumlu sukur cazip =yapiyor =umarim keskin kucuk =kullaniyorum =kullaniyoruz =zarif =hala =yillardir =bol =herkese
    """,
    0.5: "kalite performans* tasarim",
    # what would be taken for a form of a listed word
    0.0: "=nedeniyle =nedenle =nedeni =donus =donuste =kesinlikle =kesin =zaman =zamanlarda =nedense =temizlik =temizlemesi =temizlenmesi =temizleme =devamli =acikcasi =ekonomi =sertlik =kadari",
    -1.0: """
        pahali* agir yavas gec =gecikti gecik- eksik* zor* zayif kisa dar sert ince =kucuk basit idare =vasat orta ortalama gurultu* =sesli koku* kokuyor* isin- isini* bekle- beklet- bekliyor* beklemeyin* donuyor* dondu cokuyor* coktu ayril- zam zammi kesinti* gecikme* =aksadi sikintili*
        degisim* iptal* yipran- solu* sahte* taklit* farkli yanlis ayip* uzgun* maalesef malesef*  ugras* ugrast- karmasik anlamsiz gereksiz yetersiz dayaniksiz takil- kopuk* kop- kesil- kes- kas- kasma*  donma
        dusuk dusur- leke* kirli tozlu pis cizik cizil- darbe* ezik ezil- acik yirtik yirtil- kirik kiril- kirildi* catla- catlak* sok- patla- patlak akit- akitiyor* sizdir- dokul- dusuk
        sikayet* servis* garanti* tamir* iade* geri =keske ariza* arizali bozul- bozuk* boz- problem* sorun* sikinti* hata* hatali dezavantaj* olumsuz* eksi eksisi eksileri yamuk* egri* plastik* kalitesiz*
        rahatsiz* =uyar- uyari* iskence* dert* derdi =neden =niye =hala =gelmedi kaba ilgisiz* saygisiz* tutarsiz guvensiz kararsiz* sorunlu  =yalan* kandir- =maalesef kullanissiz* beklenti* umdu* sasir- =sadece usen- sacma*  kayip* =artik
    """,
    -2.0: """
        kotu* basarisiz* berbat* rezalet* rezil* igrenc* fiyasko* felaket* pisman* pismanim* sinir*  husran* cop copu cope cope* dandik* tirt* uyduruk* adi =fos* kazik* kaziklan- dolandir* sahtekar* zarar* yazik* bosa* bosuna* almayin* almayiniz* alinmaz*
        bozuldu* kirildi* kalitesiz* kullanissiz* berbatt vasat* sacmalik* sacma* yalan* magdur* utan* aldatil* kandir* defolu defo* hurda* cirkin* kullanilmaz* =beter =facia lanet* zirva* =nefret skandal* rezillik* iade* ayipli ariza* arizalan* yaramaz* yaramadi* yaramiyor*
        bozuk* aldanma* kacin* hic =sifir  memnuniyetsiz* =ozensiz* ozensiz*  eziyet* cekilmez* cileden cile*  patladi* yirtildi* calismaz*
    """,
}

# what a verb weighs when it is denied; said plainly it says nothing
DENIED = {
    -2.0: "calis- ac- acil- cek- et- tavsiye- al- oner- deg- yara- cevap- sagla- karsila- iste- kaldir- yapis- tut- yet- ol- olma- olun- yap- yapil- bul- geç- ver- veril- coz- cozul- oku- gor- ulas- gonder- tani- cik- yikan- kal- isin- isit- otur- dur- bagla- baglan- anla- don- ilgilen- uyus- uy-",
    -1.0: "gel- git- bit- sar- goster- bil- bas- pis- kullan- kullanil- dus-",
}

# verbs that only carry the word before them ("memnun kalmadım", "sorun yaşamadım"): they deny it from three words away, other verbs only the next
CARRIERS = ("ol", "kal", "et", "yap", "yasa", "cik", "gor", "bul", "ver", "al", "ed", "soyle", "dusun", "hisset", "duy", "gel", "dur", "sun")
NEGATORS = frozenset("degil degildi degilim degiliz degilmis deil degl dgil diil yok yoktu yokmus".split())
# standing alone they say this
BARE = {"degil": -0.7, "yok": -0.5, "deil": -0.7, "yoktu": -0.5, "degildi": -0.7, "degilmis": -0.7, "degilim": -0.7}
# a denied verb that is in no list: mostly something does not do what it should
BARE_DENIAL = -0.7
# "sorun yok", "problem yaşamadım" praise more than an English "not bad"
TURN_BAD = -1.0
INTENSIFIERS = {
    word: weight
    for weight, words in {
        1.3: "cok gayet kesinlikle asiri son derece oldukca baya bayagi gercekten inanilmaz fazlasiyla epey en tam hic ciddi",
        0.7: "biraz bi birazcik pek sanki az nispeten kismen",
    }.items()
    for word in words.split()
}
CONTRASTS = frozenset("ama fakat ancak lakin yalniz yanliz oysa halbuki ragmen ne var".split()) - {"ne", "var"}
CONCESSIONS: frozenset[str] = frozenset()
EMPTY = frozenset("hicbir hic sey yok bir birsey bisey hicbiri hayir hicbirsey aklima gelen gelmiyor su an icin".split())
EVERYTHING = frozenset("her sey hersey hepsi tumu tamami her seyi".split())
OPENS_EMPTY = frozenset(["hicbir", "hic", "yok", "hayir", "hicbirsey"])
CLOSES_EMPTY = frozenset(["iyi", "memnun", "begen"])
ASKS_BLAME = ("gelistir", "iyilestir", "daha iyi", "eksik", "sorun", "neden ayril", "begenmedi", "degistir", "yanlis", "zor", "iptal", "birak")
ASKS_PRAISE = ("begendi", "iyi olan", "iyiydi", "sevdi", "hosunuza", "memnun eden", "guzel")

LIST: WordList = word_list("tr", WORDS, PHRASES, DENIED)
