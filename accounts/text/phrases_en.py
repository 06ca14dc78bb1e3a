"""English phrases that speak well or badly, one a line, weighed by hand from -3 to 3; 0 takes words out. Pure.

Own lists; see `lexicon.py` for the notation.
"""

from __future__ import annotations

PHRASES = {
    3.0: """
        =can't|=cannot|=couldn't|=not|=don't =think =of =anything|=a|=one
        =nothing =comes|=springs =to =mind
        =nothing =i =can|=could =think
        =nothing =to =add|=say
        =nothing =really
        =nothing =at =all
        =not =a =thing
        =cannot|=can't|=couldn't =better|=improve|=complain
        =can =not =complain|=fault|=improve
        hard|difficult _ fault|faults
        second to none
        first class|rate
        top class|notch|marks|quality
        above and beyond
        over and above
        could not|n't fault
        couldn't|cannot|can't fault
        can not fault
        can't|cannot|couldn't praise _ enough
        can't|cannot|couldn't|can't thank _ enough
        nothing =is|=was too much trouble
        nothing =is|=was too much
        nothing =was|=is =a bother|trouble
        nothing|never but praise
        five|5 star|stars
        =10 =out =of =10
        not|couldn't|can't|cannot|n't ask|asked for more
        not =have asked for more
        could|can =not =be better
        could|can =not =have been better
        could|can =not =have =been =any better
        couldn't|can't|cannot =be better
        couldn't|can't|cannot =be =any better
        couldn't|can't =have =been better
        couldn't|can't =have =been =any better
        could =not =have =done =any better|more
        could =not =have =done better|more
        couldn't =have =done better|more
        couldn't =have =done =any better|more
        could =not =do =any better|more
        could =not =do better|more
        could =not =have =asked =for
        could =not =be more
        couldn't =be|=have more
        could =not =have =been more
        couldn't =have =been more
        couldn't|can't =do =any better|more
        =no =one could =have =it better
        well =done
        keep =it =up
        keep =up =the
        great|excellent|amazing|fantastic|brilliant|good job|work
        hats =off
        saved =my|=his|=her|=our life
        credit =to =the|=their|=your|=our
        asset =to
        spot =on
        highly =recommend|=recommended
        =would =definitely recommend
    """,
    2.0: """
        =don't|=not|=dont think|feel|believe|see _ =could|=can|=needs _ better|improved|=done|=improve|=more
        =nothing bad|negative
        keep going|=it|=this
        keep =on =doing
        =no =problem|=problems|=issues|=issue|=complaints|=complaint|=trouble|=hassle|=fuss|=faults|=difficulty|=difficulties
        =no =real|=major|=further =problem|=problems|=issues|=issue|=complaints
        =without =any =problem|=problems|=issues|=issue|=fuss|=hassle|=trouble|=delay
        =without =problem|=problems|=issues|=issue|=fuss|=hassle|=trouble|=delay
        =never =had =any =problem|=problems|=issues|=issue|=trouble
        =never =had =a|=an =problem|=problems|=issues|=issue|=trouble|=fault
        =not =had =any =problem|=problems|=issues|=issue|=trouble
        =haven't =had =any =problem|=problems|=issues|=issue|=trouble
        =problem|=hassle|=trouble|=stress|=pain =free
        =problem-free
        =no =fault
        =nothing =wrong
        =nothing =to =complain|=improve
        =nothing|=anything _ =could|=can|=needs|=need|=should _ better|improved|improving|=more|=done|=changed|=differently
        =nothing|=anything _ =else =could|=can|=needs|=need|=should _ better|improved|improving|=more|=done|=changed
        =nothing =negative
        =nothing =you|=they|=we =can|=could
        =nothing =can|=could =be =done
        =nothing =need|=needs|=needed _ improvement|improving|change|changing
        =no =change|=changes
        =keep =the|=it =same
        =same =as =before|=always
        =treated =with =respect|=kindness|=dignity|=care
        =extra =mile
        =made =me|=us =better|=laugh|=smile|=happy
        =they|=there|=who|=you look|looks =after
        =not =wait|=have _ =long
        =not =long =to =wait
        =dealt =with quickly|promptly|=well|efficiently|professionally
        =there's|=is =nothing
        nothing =needs|=need|=to improve|improving|improved|changing|change
        =no =improvement|=improvements
        =no =need =to improve|change
        keep =doing =what
        carry|keep =on =as
        keep =up
        carry =on
        =just continue
        continue =what|=as|=the|=with
        =on =time
        =in =time
        =right =away
        straight =away
        =straight =forward
        =as =promised|=expected|=described|=advertised
        =no =need =to =worry
        =put|=puts =me|=us|=him|=her|=you =at =ease
        =at =ease
        =made|=makes|=make =me|=us|=him|=her =feel =safe|=comfortable|=welcome|=better|=relaxed|=at|=calm|=valued
        =felt =safe|=comfortable|=supported|=listened|=cared|=valued|=understood|=reassured
        =feel =safe|=comfortable|=supported|=listened|=valued|=better
        =listened =to
        =good|=safe|=best =hands
        =well =looked =after
        =looked =after
        =took|=taken|=take|=takes =care
        =very =well
        =value =for =money
        =good|=great|=excellent|=fair|=best =value|=price|=deal|=offer|=prices|=deals
        =went =out =of =their|=his|=her =way
        =happy =to =help
        =pleased =to =help
        =worth =it|=every
        =number =one|=1
        =up =and =running
        =kept =me|=us =informed|=updated|=calm
        =keep =us|=me =informed|=updated
        =sorted =it|=out|=everything
        =as =good =as
        =all =good|=ok|=fine|=well
        =so =far =so =good
        =within =minutes|=seconds|=hours|=days
        =peace =of =mind
        =big =help
        =thumbs =up
        =no =pressure|=pain|=waiting
        =less =than
        =did|=do|=doing =their|=his|=her|=your =best
        =much|=lot|=so|=far|=even|=feel|=feeling|=got|=gets|=getting =better
        =ease =of
        =easy =to
        =made =it =easy
        =nice =to
        =like =the|=this|=that|=how|=your|=it|=using
        =really|=i|=we =like|=liked
        =working =well|=fine|=perfectly|=great
        =works =well|=fine|=perfectly|=great
        =can =do|=done =anything
    """,
    1.0: """
        =not =bad
        =not =too =bad
        =would =use =again
        =a =good
        =quality =of
        =explained =everything|=things|=what|=to|=it|=all
        =answered =all|=my|=the|=our|=quickly|=promptly
    """,
    -1.0: """
        =average =at =best
        =n't =really
        =not =so
        =nothing =special
        =hit =and|=or|=& =miss
        =not =sure
        =far =too
        =too|=to =long|=many|=much|=late|=slow|=few|=small|=big|=short|=expensive|=complicated|=hot|=cold|=busy|=far
        =so =long|=slow|=late|=many
        =very|=quite|=long|=too =late
        =long =time|=wait|=waits|=waiting|=queue|=queues|=delay|=delays
        =waiting =time|=times|=list|=lists
        =wait =time|=times
        =had|=have|=having =to =call|=phone|=ring|=chase|=wait|=contact|=go|=ask|=cancel|=repeat|=pay|=explain|=re-order|=reorder|=complain
        =keep|=keeps|=kept =having|=getting|=going|=dropping|=cutting|=changing|=ringing|=calling|=being|=asking|=phoning|=telling|=freezing|=crashing|=cancelling|=sending
        =lack =of
        =no =choice|=option|=alternative|=other
        =no =one|=body|=reply|=response|=answer|=communication|=contact|=internet|=broadband|=service|=information|=support|=help|=phone|=explanation|=follow|=line|=connection|=idea|=apology|=notice|=clue|=signal|=update|=updates|=email|=customer|=access|=way|=sense
        =not =enough
        =nothing =has|=had|=was|=is|=happened|=works|=done|=been
        =did|=does|=do =not =know|=have|=get|=answer|=want|=understand|=arrive|=turn|=come|=show|=care
        =didn't|=doesn't|=don't =know|=have|=get|=answer|=want|=understand|=arrive|=turn|=come|=show|=care|=even|=reply|=respond|=tell|=work|=do|=listen|=help|=let|=seem|=deliver|=happen|=return|=feel
        =still =not|=no|=haven't|=waiting|=don't|=hasn't|=having|=doesn't|=isn't|=can't|=awaiting
        =have|=has|=had|=was|=is|=are|=were =still|=yet
        =over =a =month|=week|=year
        =several|=many|=multiple|=numerous|=countless|=various|=repeated|=constant|=endless|=three|=3|=4|=5|=two =times|=calls|=phone|=occasions|=emails|=visits|=attempts|=weeks|=months|=hours|=telephone|=engineers|=engineer
        =lots =of =phone|=calls|=emails
        =length =of =time
        =passed =around|=from|=between|=about|=to
        =back =and =forth|=forwards
        =went|=gone =wrong
        =go =wrong
        =wrong =with
        =how =long|=hard|=difficult
        =told|=promised|=said =me|=i|=us|=it|=we|=they|=that|=there =would|=was|=were|=had
        =one|=1|=a =star
        =out =of =date|=order|=stock
        =at =least
        =turn|=turned|=show|=showed =up
    """,
    -1.5: """
        =timing|=times|=timed =out
        price|prices|pricing|cost|costs =went|=going|=goes|=gone =up
        goes|went|=is|=was =down
        =log|=logs|=logged|=kicks|=kicked =me|=us =out
        could|should|would|needs|need =be better
        could|should =be more|quicker|improved|faster|easier|clearer|cheaper|longer
        could|should =have =been better|more|quicker|faster|easier|clearer
        could =do|=have better|=done
        should =be|=have
        needs|need|needed =to =be|=improve|=have|=get|=sort|=do|=make|=listen|=learn|=take|=work|=give
        needs|need|requires|require improvement|improving|improve|work|more|better|=a|=an
        =room =for improvement
        =more =staff|=training|=communication|=information|=support|=help|=resources|=time|=options|=choice|=phones|=operators|=ambulances|=appointments|=regular|=frequent|=contact|=consistent|=beds|=activities|=funding|=doctors|=nurses|=drivers|=call|=people|=transport|=comfortable|=details
        better communication|training|=information|=food|=organisation|=explanation|=service|=customer|=support|=coordination|=response|=staff|=system
        =quicker|=faster|=shorter|=earlier =response|=times|=time|=service|=answer|=appointment|=appointments|=pick|=waiting|=wait|=call
        =would =have =been =nice|=better|=good|=helpful|=useful|=easier|=great|=appreciated
        =would =be|=have =nice|=better|=good|=helpful|=helped|=useful|=easier|=great
        =would =like|=prefer
        =i =wish
        =wish =i|=you|=they|=it|=there|=we
        =if =only
        less =waiting|=time|=wait|=questions|=forms|=noise
        try =to
        please =can|=could|=make|=improve|=add|=fix|=stop|=sort|=give|=provide|=keep|=let
        =instead =of
        improve =the|=your|=communication|=on|=waiting|=response|=times|=service
    """,
    -2.0: """
        =anything|=nothing _ =good
        =not|=nothing|=n't|=can't|=cannot|=didn't|=don't _ =anything =good|=positive
        =can't|=cannot|=not|=don't =think =of =anything =that|=was|=good _ =good
        =nothing =was|=is =good
        =not =much|=a =lot
        =let =down|=me|=us
        =not|=never|=haven't|=hasn't|=yet _ refunded|repaid|reimbursed
        =fed =up
        =sick =of
        =tired =of
        =nothing =works|=worked
        =waste =of
        =not =fit
        =not =working|=work|=works|=resolved|=fixed|=received|=arrive|=arrived|=connected|=completed|=delivered|=listen|=listened|=able|=care|=interested|=available|=answer|=answered
        =can't|=cannot|=couldn't|=can =get|=not|=access|=use|=seem|=contact|=log|=connect|=afford|=even|=wait|=speak|=believe
        =had|=have =enough
        =messed =me|=us|=up|=about|=around
        =cut =off|=me
        =hung =up
        =stay|=steer|=keep =away|=clear
        =never =again|=ever|=received|=been|=arrived|=turned|=came|=got|=called|=return|=returned|=rang|=responded|=answered|=had|=worked|=get|=works
        =not =once
        =rip|=ripped =off
        =no =better|=good|=use
        =wouldn't|=won't|=not recommend|recommending|=recommended
        =nobody|=no-one =seems|=knows|=cares|=called|=knew|=answers
        =no =one =seems|=knows|=cares|=called|=knew|=answers|=came|=told|=turned|=could|=would|=listens|=rang
        =all =over =the =place
        =go =elsewhere
        =not =interested
        =don't =bother
        =don't|=didn't =care|=listen|=help
        =left =without|=me|=us|=waiting|=feeling|=alone|=in|=for|=on
        =hours|=days|=weeks|=months =later|=late|=without|=for|=on|=to|=waiting
        =took|=taken|=takes|=take =over|=so|=too|=forever|=ages|=months|=weeks|=hours|=days|=far|=three|=two|=six|=several|=4|=3|=2|=5|=6|=almost|=nearly|=more|=a
        =waited =over|=for|=hours|=ages|=weeks|=months|=more|=too|=nearly|=almost|=all
        =no =help
        =any =help
        =gave =up
    """,
    0.0: """
        =customer =care|=support|=service
        =mental =health
        =health =care|=service
        =crisis =team
        =pain =relief
        =care =plan|=home|=team|=coordinator|=co-ordinator
        =fast =broadband|=faster
        =faster|=superfast|=fast =broadband|=internet|=speed
        =not =only|=just
        =not =that
        =why =not
        =if =not
        =or =not
        =whether =or =not
        =doesn't|=didn't|=don't =matter|=mind|=think|=believe
        =don't =worry
        =not =mind|=need|=needed
        =don't =need
        =not =applicable
        =did =not =answer
        =not =yet
        =not =used
        =not =my|=their =fault
        =as =well =as
        =as =well
        =well =as
        =live =chat
        =best =of =luck
        =help =line|=desk
        =waiting =for
        =like =to|=that
        =feel|=felt|=looks|=look|=just|=something|=things|=stuff|=more|=sounds =like
        =no =thanks|=thank
        =patient =transport
        =patient =was|=is|=has|=had|=with|=and|=in|=to
        =a|=the|=each|=every|=other|=another|=my|=one|=mental|=right|=elderly =patient
        =good =morning|=afternoon|=luck|=night
        =advice =line
        =out =of =hours
        =24 =hours
        =happy =birthday
        =kind =of
        =value =added
        =in =case
    """,
}
