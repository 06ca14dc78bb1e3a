"""English words and phrases that speak well or badly of a service or product, weighed by hand from -3 to 3. Pure.

Own lists. A word stands for its stem; see `lexicon.py` for the notation. Weights: 3 beyond doubt, 2 clear, 1 leaning, 0.5 a hint.
"""

from __future__ import annotations

from accounts.text.lexicon import WordList, word_list
from accounts.text.phrases_en import PHRASES

WORDS = {
    3.0: """
        excellent =exceptional exceptionally outstanding fantastic fabulous superb brilliant amazing amazed wonderful marvellous marvelous perfect =perfection perfectly
        phenomenal magnificent terrific awesome exemplary faultless flawless impeccable stellar delighted delightful thrilled incredible
        lifesaver lifesavers =tremendous unbeatable =ace =exceeded =exceeds splendid extraordinary spectacular invaluable =flawlessly loved =love =loves =loving
    """,
    2.0: """
        great good friendly helpful happy pleased satisfied satisfying satisfactory satisfaction efficient efficiently professional professionally professionalism polite politely courteous caring
        kind kindly kindness compassionate compassion empathetic empathy considerate attentive thoughtful supportive reliable reassuring reassured reassurance
        impressed impressive recommend recommended best enjoy enjoyed enjoyable pleasant pleasure lovely nice smooth smoothly seamless seamlessly easy easily effortless simple
        straightforward straight-forward prompt promptly quick quickly =fast =faster =speedy swift swiftly thank thanks thankyou =thankful grateful gratitude appreciate appreciated appreciative
        superior knowledgeable competent trustworthy dependable hassle-free intuitive =win comfortable comforting =comfort cheerful welcoming patient =patience =gem =gems
        respectful dignity punctual personable dedicated commendable praise congratulations =hero =heroes =heroic beautiful useful convenient clear =clearly
        =well likeable =cool valuable =treat =polished elegant =user-friendly =superb cheers =spot-on =faultlessly sympathetic =welcomed =positive supportive =mega
    """,
    1.0: """
        thorough thoroughly hassle free informative informed accurate accurately modern affordable =cheap =cheaper =cheapest reasonable fair flexible responsive
        calm calmly calming safe safely secure clean tidy listened =listening understanding understood explained explains explanation sorted resolved solved fixed
        =works =worked =fine =ok =okay =decent =improved =improvement trust trusted confident confidence honest value =bargain =perks =bonus
        stable robust =solid =like =liked =likes glad relaxed smile smiling care cared =help =helped =helps =assistance =pro =advantage =benefit =benefits safe-hands quality
        effective effectively success successful successfully =interesting =fun =kept =gentle gently warm warmly =accommodating =ease =advice =advise =guidance timely willing
        loyal loyalty =bless =blessed cheery jolly jovial humour =chatty approachable =ready =organised =organized =immediately =instantly
    """,
    0.5: "answered information urgently appropriate assured =seen =always =everything =able =correct =correctly =normal =sensible =adequate =adequately =available =support =supported",
    # what would be taken for a form of a listed word
    0.0: "=please =poorly =patient =patients =interest =interested =hardy =careful =carefully ==likely =unlikely =helpline =minded =personal =personally =honestly =timed =appreciably =pricing =cards",
    -0.5: "=only =another =again =eventually =finally =supposed =but =apparently =despite =nobody =told =month =months =hours =week =weeks =however",
    -1.0: """
        slow slowly late later delay delayed delays wait waited waiting =waits lost lose losing missing missed miss lack lacking lacks
        issue issues problem problems trouble difficult difficulty difficulties struggle struggled struggling complicated complex confusing confused confusion unclear
        expensive overpriced costly =price =pricey poorly =hold limited limitation =hard =cannot unable unhappy =unless =until =never =still =old
        error errors mistake mistakes incorrect incorrectly =wrong wrongly bug bugs buggy glitch glitches fault faults faulty crash crashed crashes crashing freeze freezes
        broken break breaks breaking broke damaged outage outages downtime interrupted interruption drop drops dropping dropped disconnect disconnected disconnects
        cancel cancelled canceled cancelling cancellation refund refused refuse refuses reject rejected ignored ignore ignoring ignores forgot forgotten
        complaint complaints complain complained complaining overcharged overcharge =charged =charge chase chased chasing repeatedly numerous =postponed
        unfortunately sadly sorry worry worried worrying concern =concerned concerning stress stressed anxious anxiety upset upsetting annoyed annoying annoy irritating irritated
        pain painful hassle messy muddle inconvenient inconvenience inaccurate outdated clunky cumbersome awkward tedious onerous
        weak unstable unreliable intermittent inconsistent inconsistency insufficient inadequate lacklustre average mediocre tired =noisy =dirty cold hunger rushed
        uncomfortable unaware unsure unanswered unresolved unsatisfied unsatisfactory dissatisfied dissatisfaction unhelpful unfriendly unprofessional
        =cut blame =excuse =excuses =bounced =bombarded =pushy =forced =failed =fail =fails =failing =failure =failures unacceptable unnecessary
        =negative =leaving =left =leave =spam =hung =disturbing =escalated =ombudsman =argue =argument =abrupt dismissive =cold =overworked =short-staffed =understaffed =shortage
        =inefficient =inefficiency unorganised disorganised disorganized uncaring =unwell =abandoned =abandon refer =crisis =queue =queues =queued =contradictory =conflicting
        =instead =sooner =promises =promised =supposedly =isn't =unavailable =unanswered =impossible =underwhelming =flaky =laggy =lag =lags =stuck =timeout =stopped =stops
    """,
    -2.0: """
        bad poor disappoint disappointed disappointing disappointment frustrate frustrated frustrating frustration mess shambles nightmare =chaos chaotic
        incompetent incompetence useless rude rudely =rudeness ridiculous ridiculously ignorant arrogant careless disrespectful patronising patronizing condescending
        unprofessional unhelpful unreliable unacceptable unsatisfactory dissatisfied dissatisfied unhappy inadequate inefficient mislead misled misleading mis-sold missold lied lies liar lying
        angry furious outraged =outrageous regret =regrets fed-up =worse worsen worsened mistreated neglect neglected negligence negligent =nonsense stupid
        =joke =scandal =farce =fiasco =ripoff =rip-off extortionate unfair unjust =waste =wasted =wasting =wastes failed failure =failings belittled =disgruntled
        =lousy =sucks =suck =hopeless =pointless =meaningless =dire =avoid =let-down =inept =abused =insulting =insulted =unsafe =lie
    """,
    -3.0: """
        terrible awful appalling appalled horrible horrific horrendous atrocious dreadful disgusting disgusted disgust disgrace disgraceful abysmal pathetic
        worst rubbish crap =shit =bullshit garbage shocking diabolical hate hated despise =scam =fraud =thieves =crooks deplorable =joke unforgivable =0/10 =disaster disastrous =shite =trash
    """,
}

# standing before a word, they deny it
NEGATORS = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "neither",
        "nor",
        "cannot",
        "can't",
        "cant",
        "couldn't",
        "couldnt",
        "won't",
        "wont",
        "wouldn't",
        "wouldnt",
        "don't",
        "dont",
        "doesn't",
        "doesnt",
        "didn't",
        "didnt",
        "isn't",
        "isnt",
        "aren't",
        "arent",
        "wasn't",
        "wasnt",
        "weren't",
        "werent",
        "haven't",
        "havent",
        "hasn't",
        "hasnt",
        "hadn't",
        "hadnt",
        "shouldn't",
        "shouldnt",
        "ain't",
        "aint",
        "hardly",
        "barely",
        "scarcely",
        "rarely",
        "seldom",
        "without",
        "lack",
        "lacking",
        "n't",
        "nobody",
        "zero",
    ]
)
INTENSIFIERS = {
    word: weight
    for weight, words in {
        1.3: "very really so extremely absolutely totally completely incredibly highly utterly truly exceptionally especially particularly super always most consistently ever",
        0.7: "quite fairly pretty rather somewhat slightly bit little relatively mostly generally sometimes occasionally usually reasonably",
    }.items()
    for word in words.split()
}
CONTRASTS = frozenset("but however although though yet except unfortunately".split())
# the clause that follows weighs less than the one after it
CONCESSIONS = frozenset(["although", "though", "despite"])
# an answer made of these alone: to "what should be better" they praise, to "what was good" they blame
EMPTY = frozenset(
    [
        "nothing",
        "none",
        "no",
        "nil",
        "n",
        "a",
        "na",
        "nope",
        "not",
        "at",
        "all",
        "anything",
        "really",
        "much",
        "think",
        "i",
        "can",
        "of",
        "thing",
        "one",
        "x",
        "absolutely",
        "whatsoever",
        "literally",
        "obvious",
        "else",
        "add",
        "to",
        "mean",
        "and",
        "that",
        "on",
        "this",
        "occasion",
        "my",
        "part",
        "don't",
        "cannot",
        "can't",
    ]
)
EVERYTHING = frozenset("everything all every aspect of it the literally absolutely".split())
OPENS_EMPTY = frozenset(["nothing", "none", "no", "n/a"])
CLOSES_EMPTY = frozenset("was is has gets done happened ever about works worked good one body communication reply help support".split())
ASKS_BLAME = ("improve", "better", "wrong", "missing", "dislike", "worst", "change", "disappoint", "dissatisfied", "frustrat", "stop", "leave", "leaving", "cancel")
ASKS_PRAISE = ("good", "like most", "like best", "best", "enjoy", "well", "love", "satisfied", "value most")


# a denial of a verb that denies nothing listed: mostly something does not do what it should
BARE_DENIAL = -0.8
BARE = frozenset(
    [
        "not",
        "cannot",
        "can't",
        "cant",
        "couldn't",
        "couldnt",
        "won't",
        "wont",
        "don't",
        "dont",
        "doesn't",
        "doesnt",
        "didn't",
        "didnt",
        "isn't",
        "isnt",
        "wasn't",
        "wasnt",
        "weren't",
        "haven't",
        "havent",
        "hasn't",
        "hasnt",
        "never",
        "without",
    ]
)
# a sentence that begins with one of these tells us what to do: what it names well is what is missing
WISH = -1.5
SUGGESTS = frozenset(
    [
        "more",
        "less",
        "better",
        "quicker",
        "faster",
        "shorter",
        "longer",
        "earlier",
        "sooner",
        "fewer",
        "improve",
        "improving",
        "provide",
        "send",
        "stop",
        "listen",
        "make",
        "have",
        "offer",
        "give",
        "ensure",
        "ensured",
        "check",
        "allow",
        "try",
        "be",
        "add",
        "let",
        "reduce",
        "increase",
        "employ",
        "hire",
        "invest",
        "train",
        "teach",
        "educate",
        "educating",
        "answer",
        "arrive",
        "turn",
        "call",
        "come",
        "communicate",
        "stick",
        "speed",
        "bring",
        "open",
        "put",
        "shorten",
        "follow",
        "reply",
        "respond",
        "update",
        "include",
        "introduce",
        "treat",
        "stay",
        "consider",
        "hiring",
        "reducing",
        "providing",
        "training",
        "sending",
        "letting",
        "getting",
        "get",
        "improvements",
        "improvement",
        "need",
        "needs",
        "please",
        "perhaps",
        "maybe",
        "should",
        "could",
        "needing",
    ]
)


LIST: WordList = word_list("en", WORDS, PHRASES)
