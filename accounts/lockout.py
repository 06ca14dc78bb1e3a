"""How often somebody may try to sign in; counted in Valkey, each try before the password is looked at.

Five failures for one address of mail from one place lock that pair for 15 minutes; one place has 50
failures an hour; one address of mail has 100 an hour, but a place it signed in from lately goes on.
Unknown addresses are counted like known ones. Raises CountersDown where Valkey does not answer, so
that signing in fails closed.
"""

from __future__ import annotations

import functools
import hashlib

import redis
from django.conf import settings

PAIR_TRIES, PAIR_SECONDS = 5, 15 * 60
PLACE_TRIES = 50
PERSON_TRIES = 100
HOUR = 3600
KNOWN_SECONDS = 30 * 24 * 3600

# the count and its end are set in one step, so that no counter can live for ever
_COUNT = """
local counts = {}
for i, key in ipairs(KEYS) do
    counts[i] = redis.call('INCR', key)
    if counts[i] == 1 then redis.call('EXPIRE', key, ARGV[i]) end
end
return counts
"""


class CountersDown(RuntimeError):
    """Valkey does not answer, so nobody can be let in."""


@functools.cache
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)


def _key(kind: str, *parts: str) -> str:
    # hashed: neither addresses of mail nor of machines stand in the counters
    return f"vefa:login:{kind}:{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}"


def count_try(email: str, place: str) -> bool:
    """Counts one try and says whether it may go on to the password. Raises CountersDown."""
    keys = [_key("pair", email, place), _key("place", place), _key("person", email)]
    try:
        pair, at_place, person = _valkey().eval(_COUNT, 3, *keys, PAIR_SECONDS, HOUR, HOUR)  # type: ignore[misc]
        known = person > PERSON_TRIES and bool(_valkey().exists(_key("known", email, place)))
    except redis.RedisError as problem:
        raise CountersDown from problem
    return pair <= PAIR_TRIES and at_place <= PLACE_TRIES and (person <= PERSON_TRIES or known)


def forgive(email: str, place: str) -> None:
    """After a success: the pair starts anew, the try is taken back, the place is known. Raises CountersDown."""
    try:
        pipe = _valkey().pipeline(transaction=True)
        pipe.delete(_key("pair", email, place))
        pipe.decr(_key("place", place))
        pipe.decr(_key("person", email))
        pipe.set(_key("known", email, place), 1, ex=KNOWN_SECONDS)
        pipe.execute()
    except redis.RedisError as problem:
        raise CountersDown from problem
