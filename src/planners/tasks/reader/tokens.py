"""Text cut into tokens: small words, numbers, marks. Every token knows its place in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .words import CONTRACTIONS

_TOKEN = re.compile(
    r"(?P<clock>[0-9]{1,2}[:.][0-9]{2}(?![0-9]))|(?P<number>[0-9]+)(?:'s)?"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)?)|(?P<dots>\.{2,}|…)|(?P<other>\S)"
)
_SENTENCE_ENDS = frozenset(".!?;\n")
_PAUSES = frozenset(",:()—–")  # in a note all of them part clauses alike
_SILENT = frozenset("-#'\"“”‘*")  # between or around words


@dataclass(frozen=True)
class Token:
    """``kind`` is word, number, clock, end (of a sentence), pause or symbol."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, in order; never raises, whatever the text.

    >>> [token.text for token in tokenize("Don't send O5 before 10:20!")]
    ['do', 'not', 'send', 'o', '5', 'before', '10:20', '!']
    """
    tokens: list[Token] = []
    for line_start, line in _lines(text):
        for match in _TOKEN.finditer(line):
            tokens += _tokens(match, line, line_start)
        tokens.append(Token("end", "\n", line_start + len(line), line_start + len(line)))
    return tokens[:-1]


def _lines(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    for line in text.split("\n"):
        found.append((start, line.replace("’", "'")))
        start += len(line) + 1
    return found


def _tokens(match: re.Match[str], line: str, shift: int) -> list[Token]:
    kind = str(match.lastgroup)
    text = match[kind].lower()
    start, end = match.start() + shift, match.end() + shift
    if kind == "word":
        return [Token("word", word, start, end) for word in _words(text)]
    if kind == "dots":
        return [Token("pause", "...", start, end)]
    if kind in ("clock", "number"):
        return [Token(kind, text.replace(".", ":") if kind == "clock" else text, start, end)]
    if text in _SENTENCE_ENDS:
        return [Token("end", text, start, end)]
    spaced = line[match.start() - 1 : match.start()] == " " and line[match.end() :][:1] == " "
    if text in _PAUSES or (text == "-" and spaced):
        return [Token("pause", text, start, end)]
    if text == "&":
        return [Token("word", "and", start, end)]
    if text in _SILENT or unicodedata.category(text[0]) in ("So", "Sk", "Mn", "Cf"):
        return []  # quotation marks, hyphens, pictures
    return [Token("symbol", text, start, end)]


def _words(word: str) -> list[str]:
    """A word without its contraction; a possessive ``'s`` goes."""
    if word in CONTRACTIONS:
        return CONTRACTIONS[word].split()
    return [word.partition("'")[0]] if word.endswith("'s") else [word]
