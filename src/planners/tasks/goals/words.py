"""The words of sequence that a goal may use, beside the names and times that notes know.

The vocabulary is closed: a clause with any other word is no part of a goal. Phrases are written as
`reader.tokenize` cuts them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..reader.chunks import DOUBTS, HEDGES
from ..reader.words import phrases

SIGNS: Mapping[str, str] = {
    "then": """then | next | after that | afterwards | after this | thereafter | followed by
        | finally | lastly | subsequently | after which | only then""",
    "before": "before | ahead of | prior to | earlier than",
    "after": "after | behind | later than | once",
    "start": """start with | begin with | starting with | beginning with | starts with | begins with
        | start from | start at""",
    "close": """finish with | end with | finishing with | ending with | ends with | finishes with
        | finish off with | wind up with""",
    "first": "first | first of all | comes first | before anything else | before everything else",
    "last": """last | last of all | at the very end | at the end | after all others
        | after everything else | until last | until the end | until the very end | can come last
        | can go last | comes last""",
    "by": "by | no later than | not later than | in time for",
    "verb": """clear | clear out | clear up | serve | empty | do | finish | handle | ship | fetch
        | collect | deliver | bring | take | send | get | complete | work on | work off | save
        | leave | keep | put | process | fulfil | fulfill | dispatch | pick up | run""",
    "ones": """ones | order | orders | jobs | deliveries | loads | the ones | items | parcels
        | stuff | things | goods | one | shipments""",
    "urgent": "urgent | rush | the urgent | high priority | top priority",
    "rush": "rush orders | rush jobs",
    "low": "low priority | low | non urgent | least urgent",
    "vehicle": """truck | lorry | van | train | pickup | pick up | collection | departure | courier
        | ferry | transport | shuttle | post | mail run | bus | plane | ship | shift change""",
    "done": """done | is done | are done | is delivered | are delivered | is there | are there
        | is gone""",
}  # fmt: skip
"""What a phrase is a sign of: ``ones`` makes a name of a level, ``vehicle`` a limit of a time."""

_KEPT = {"before", "after", "until", "once", "when", "sooner", "later", "earlier", "soon", "while"}
UNSURE: tuple[tuple[str, ...], ...] = (
    *DOUBTS,
    *(phrase for phrase in HEDGES if " ".join(phrase) not in _KEPT),
)
"""A sentence that holds one of these states no goal: doubts, negations, what others said."""


def signs() -> dict[tuple[str, ...], frozenset[str]]:
    """Every phrase and what it may be a sign of."""
    found: dict[tuple[str, ...], set[str]] = {}
    for sign, table in SIGNS.items():
        for phrase in phrases(table):
            found.setdefault(phrase, set()).add(sign)
    return {phrase: frozenset(kinds) for phrase, kinds in found.items()}
