"""Times in words and digits: spans, times of day, and what a preposition makes of them.

All in seconds from the snapshot's moment. A time of day is its next occurrence in the shift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..names import Names
from .tokens import Token
from .words import phrases

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBERS: Mapping[str, int] = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
    "fourty": 40,
}
UNITS: Mapping[str, int] = {
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1),
    **dict.fromkeys(["m", "min", "mins", "minute", "minutes", "minutes'"], 60),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3600),
}
_SPANS: Mapping[tuple[str, ...], float] = {
    tuple(words.split()): seconds
    for words, seconds in {
        "half an hour": 1800.0, "a half hour": 1800.0, "half hour": 1800.0, "half a minute": 30.0,
        "a quarter of an hour": 900.0, "quarter of an hour": 900.0, "a quarter hour": 900.0,
        "quarter hour": 900.0, "three quarters of an hour": 2700.0, "an hour": 3600.0,
        "three quarter of an hour": 2700.0, "a minute": 60.0, "an hour and a half": 5400.0,
        "a minute and a half": 90.0, "an hour and a quarter": 4500.0, "half an hr": 1800.0,
        "a full hour": 3600.0, "one hour and a half": 5400.0, "a dozen minutes": 720.0,
        "an hr": 3600.0, "a min": 60.0, "hour": 3600.0,
        "two and a half minutes": 150.0, "two and a half hours": 9000.0,
        "one and a half hours": 5400.0, "one and a half minutes": 90.0,
    }.items()
}  # fmt: skip

# What comes before a time, and the role that it gives it.
_ROLES: Mapping[str, str] = {
    "by": """by | no later than | not later than | can not be later than | must not be later than
        | not be later than | can be no later than | at the latest by | latest by | latest at
        | not be any later than | and not later than | and no later than | not after
        | no later | by no later than | must not be there later than | at the latest at""",
    "before": "before",
    "within": """within | in under | in less than | inside of | inside | in at most
        | within the next | in the next | under | in no more than | in not more than
        | less than | at most | no more than | not more than | in | only | within at most
        | in max | max | maximum""",
    "until": "until | up to | up until",
    "for": "for | for the next | for another | the next | another | for a further",
    "at": "at",
    "not_before": "not before | not until | only after | only from | only at",
    "later": "add | later by | back by | postpone by | plus | postponed by | extended by",
    "sooner": "earlier by | forward by | sooner by | minus",
}
_AFTER: Mapping[str, str] = {  # and what comes behind it
    "by": "at the latest | latest | at the very latest",
    "within": "at most | at the most | max | maximum | tops | or less | or sooner",
    "sooner": """earlier | sooner | earlier than booked | sooner than booked | earlier than planned
        | sooner than planned | earlier than agreed | sooner than agreed | earlier than scheduled
        | sooner than scheduled | early | quicker than booked | less than planned
        | earlier than it was due | sooner than it was due | earlier than due | less than booked""",
    "later": """later | later than booked | later than planned | later than agreed
        | later than scheduled | extra | longer than booked | longer than planned | more
        | later than it was due | later than due | longer""",
}
_ROLE_PHRASES = {words: role for role, table in _ROLES.items() for words in phrases(table)}
_AFTER_PHRASES = {words: role for role, table in _AFTER.items() for words in phrases(table)}


@dataclass(frozen=True)
class When:
    """A time that was read: ``role`` is how it is used, ``seconds`` None where it has no end.

    Roles: by, before, within, until, for, at, not_before, sooner, later, or none where
    nothing says how it is meant; ``clock`` tells a time of day from a span. ``fault`` says why
    a time of day cannot be used.
    """

    role: str
    seconds: float | None
    clock: bool = False
    fault: str | None = None


Found = tuple[int, float, bool, str | None]
"""How many tokens, the seconds, whether a time of day, and a fault."""


def read_when(tokens: Sequence[Token], at: int, names: Names) -> tuple[int, When] | None:
    """The longest time with its role that begins at a token; None where none does."""
    size, role = _match(_ROLE_PHRASES, tokens, at)
    found = _read_time(tokens, at + size, names, said=bool(size))
    if found is None:
        return None
    length, seconds, clock, fault = found
    size += length
    more, after = _match(_AFTER_PHRASES, tokens, at + size)
    if more:
        if after in ("sooner", "later") and (clock or role not in ("", "by", "later", "sooner")):
            return None
        if role in ("until", "for", "at", "not_before") and after != role:
            return None
        role, size = after, size + more
    if not _fits(role, clock):
        return None
    return size, When(role, seconds, clock, fault)


def _fits(role: str, clock: bool) -> bool:
    if clock:
        return role in ("", "by", "before", "until", "for", "at", "not_before")
    return role in ("", "within", "for", "sooner", "later")


def _match(
    table: Mapping[tuple[str, ...], str], tokens: Sequence[Token], at: int
) -> tuple[int, str]:
    """The longest phrase of a table at a token: its length and its value, else 0 and nothing."""
    words: list[str] = []
    best = (0, "")
    for token in tokens[at : at + 8]:
        if token.kind not in ("word", "number"):
            break
        words.append(token.text)
        if tuple(words) in table:
            best = (len(words), table[tuple(words)])
    return best


def _read_time(tokens: Sequence[Token], at: int, names: Names, said: bool) -> Found | None:
    span = read_span(tokens, at)
    clock = _read_clock(tokens, at, bare=said)
    if span is not None and (clock is None or span[0] >= clock[0]):
        return span[0], span[1], False, None
    if clock is None or _word(tokens, at + clock[0]) in UNITS:
        return None  # five to ten minutes is no time of day
    size, hour, minute, half = clock
    seconds, fault = next_time(hour, minute, half, names)
    return size, seconds, True, fault


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) and tokens[at].kind == "word" else ""


def read_number(tokens: Sequence[Token], at: int) -> tuple[int, int] | None:
    """A whole number below 1000 in digits, or one below 100 in words, and how many tokens it is."""
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.kind == "number":
        return (1, int(token.text)) if len(token.text) <= 4 else None
    first = NUMBERS.get(token.text)
    if first is None or token.kind != "word":
        return None
    unit = NUMBERS.get(_word(tokens, at + 1), 0)
    if first >= 20 and 1 <= unit <= 9:
        return 2, first + unit
    return 1, first


def read_span(tokens: Sequence[Token], at: int) -> tuple[int, float] | None:
    """A span of time: its tokens and its seconds.

    Halves and quarters, then numbers with units, hours before minutes before seconds.
    """
    size, seconds = _fixed_span(tokens, at)
    if size == 0:
        found = _counted(tokens, at)
        if found is None:
            return None
        size, seconds, last = found
    else:
        last = 3600 if seconds % 3600 == 0 else 0
    while last > 1:
        joined = 1 if _word(tokens, at + size) == "and" else 0
        more = _counted(tokens, at + size + joined)
        if more is None or more[2] >= last:
            if _half(tokens, at + size):
                return size + 3, seconds + last / 2
            break
        size, seconds, last = size + joined + more[0], seconds + more[1], more[2]
    return size, seconds


def _half(tokens: Sequence[Token], at: int) -> bool:
    return [_word(tokens, at + k) for k in range(3)] == ["and", "a", "half"]


def _fixed_span(tokens: Sequence[Token], at: int) -> tuple[int, float]:
    best = (0, 0.0)
    for words, seconds in _SPANS.items():
        if len(words) > best[0] and [_word(tokens, at + k) for k in range(len(words))] == [*words]:
            best = (len(words), seconds)
    return best


def _counted(tokens: Sequence[Token], at: int) -> tuple[int, float, int] | None:
    """A number and its unit: tokens, seconds, seconds of the unit."""
    number = read_number(tokens, at)
    if number is None:
        return None
    unit = UNITS.get(_word(tokens, at + number[0]))
    return None if unit is None else (number[0] + 1, float(number[1] * unit), unit)


Clock = tuple[int, int | None, int, str]
"""How many tokens, the hour (None: the next one that fits), the minute, am or pm or nothing."""


def _read_clock(tokens: Sequence[Token], at: int, bare: bool) -> Clock | None:
    """A time of day; a bare number is one only behind a preposition."""
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.kind == "clock":
        hour, minute = map(int, token.text.split(":"))
        return _halved(tokens, at, 1, hour, minute, 23)
    if token.text in ("noon", "midday"):
        return 1, 12, 0, "24"
    found = _past_or_to(tokens, at)
    if found is not None:
        return found
    number = read_number(tokens, at)
    if number is None:
        return None
    size, hour = number
    if token.kind == "number" and len(token.text) == 4 and _word(tokens, at + 1) in ("", "hours"):
        return (2 if _word(tokens, at + 1) else 1), hour // 100, hour % 100, "24"
    minute_found = read_number(tokens, at + size) if token.kind == "word" else None
    if minute_found is not None and 10 <= minute_found[1] <= 59:
        return _halved(tokens, at, size + minute_found[0], hour, minute_found[1], 12)
    if _word(tokens, at + size) == "oclock":
        return _halved(tokens, at, size + 1, hour, 0, 12)
    if _word(tokens, at + size) in ("am", "pm") or bare:
        return _halved(tokens, at, size, hour, 0, 23)
    return None


def _halved(
    tokens: Sequence[Token], at: int, size: int, hour: int, minute: int, most: int
) -> Clock | None:
    """The clock time with the half of the day that may stand behind it."""
    half = _word(tokens, at + size)
    if half not in ("am", "pm"):
        half = "24" if hour > 12 or hour == 0 else ""
        return (size, hour, minute, half) if hour <= most and minute < 60 else None
    if not 1 <= hour <= 12 or minute > 59:
        return None
    return size + 1, hour, minute, half


def _past_or_to(tokens: Sequence[Token], at: int) -> Clock | None:
    """``quarter to eleven``, ``five past``, ``half eleven`` (half past), ``20 minutes to ten``."""
    start = at + (_word(tokens, at) == "a")
    word = _word(tokens, start)
    if word in ("half", "quarter"):
        size, minutes = 1, 30 if word == "half" else 15
    else:
        number = read_number(tokens, start)
        if number is None or not 1 <= number[1] <= 59:
            return None
        size, minutes = number
        size += _word(tokens, start + size) in ("minutes", "mins", "min")
    size += start - at
    side = _word(tokens, at + size)
    hour = read_number(tokens, at + size + (side in ("past", "to")))
    named = hour is not None and 1 <= hour[1] <= 12
    if word == "half" and side != "past" and named and hour is not None:
        return _halved(tokens, at, size + hour[0], hour[1], 30, 12)
    if side not in ("past", "to") or (word == "half" and side == "to"):
        return None
    size += 1
    minute = minutes if side == "past" else 60 - minutes
    if not named or hour is None:
        noon = _word(tokens, at + size) in ("noon", "midday")
        hour_of = 12 if noon else None
        after = tokens[at + size].kind if at + size < len(tokens) else "end"
        if not noon and (hour is not None or (side == "to" and after in ("word", "clock"))):
            return None  # by ten, to dock 3
        hour_of = 11 if noon and side == "to" else hour_of
        return size + noon, hour_of, minute, "24" if noon else ""
    size += hour[0]
    found = _halved(tokens, at, size, hour[1], minute, 12)
    if found is None or side == "past":
        return found
    before = hour[1] - 1 if hour[1] > 1 else 12
    return found[0], before, minute, found[3]


def next_time(hour: int | None, minute: int, half: str, names: Names) -> tuple[float, str | None]:
    """Seconds to the next such time in the shift, or 0 and why there is none.

    ``half`` is am, pm, 24 (the hour is of 24) or nothing (of 12 or of 24); without an hour it is
    the next one that has the minute.
    """
    if names.clock_s is None:
        return 0.0, "a time of day, and no clock is given"
    if hour is None:
        hours = list(range(24))
    elif half == "24":
        hours = [hour]
    elif half:
        hours = [hour % 12 + 12 * (half == "pm")]
    else:
        hours = [hour % 12, hour % 12 + 12]
    times = sorted(3600.0 * h + 60.0 * minute for h in hours)
    first_s, last_s = names.shift_s
    left = [time_s for time_s in times if time_s > names.clock_s and first_s <= time_s <= last_s]
    if not left:
        said = " and ".join(f"{int(t) // 3600:02d}:{minute:02d}" for t in times[:2])
        return 0.0, f"{said}: past, or not in this shift"
    return left[0] - names.clock_s, None
