"""The log of model calls: one JSON object per line, and the cassette that replays them.

A line holds ``prompt_hash, model, messages, ids, reply, status, detail, tokens, retried,
latency_ms``. ``reply`` is null where no reply came (``status`` names why); else ``status`` is
``ok`` or the kind of rejection that the reply met. Keys are never written: the client hands over
texts without them.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .prompt import Prompt, Rejection


@dataclass(frozen=True)
class Answer:
    """What one question to a model brought: a reply, or a rejection of the call.

    Exactly one of ``reply`` and ``rejection`` is set. ``retried`` holds the kinds of the attempts
    before the last one; tokens are 0 where the server does not say.
    """

    reply: str | None = None
    rejection: Rejection | None = None
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_ms: float = 0.0
    retried: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.reply is None) == (self.rejection is None):
            raise ValueError("an answer has either a reply or a rejection, not both or none")


class CallLog:
    """Appends one line per question to a file; the file and its folder are made when missing.

    Raises ValueError at once where the file cannot be written.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = Path(file)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            raise ValueError(f"cannot write the call log {self.file}: {error.strerror}") from None

    def append(self, prompt: Prompt, answer: Answer, rejection: Rejection | None) -> None:
        """Add one question with its answer; ``rejection`` is the final verdict, None if taken."""
        row = {
            "prompt_hash": prompt.hash,
            "model": answer.model,
            "messages": [dict(message) for message in prompt.messages],
            "ids": list(prompt.ids),
            "reply": answer.reply,
            "status": "ok" if rejection is None else rejection.kind,
            "detail": "" if rejection is None else rejection.detail,
            "tokens": {"prompt": answer.prompt_tokens, "completion": answer.completion_tokens},
            "retried": list(answer.retried),
            "latency_ms": answer.latency_ms,
        }
        with self.file.open("a", encoding="utf-8") as stream:
            # ASCII on disk: a reply may hold half a surrogate pair, which UTF-8 cannot.
            stream.write(json.dumps(row, ensure_ascii=True) + "\n")


class ReplayClient:
    """Answers from a call log instead of a network: by prompt hash, in the order of equal hashes.

    A question that the log does not hold is the rejection ``replay_miss``. Raises ValueError for a
    file that cannot be read or is not a call log, with the line counted from 1.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = Path(file)
        self._rows: dict[str, deque[Answer]] = defaultdict(deque)
        try:
            lines = self.file.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise ValueError(f"cannot read the call log {self.file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{self.file} is not a call log: it is not UTF-8 text") from None
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._add(line, number)

    def _add(self, line: str, number: int) -> None:
        where = f"{self.file}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError(f"{where}: not a JSON object; is this a call log?") from None
        try:
            self._rows[_text(row, "prompt_hash")].append(_answer(row))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ValueError(f"{where}: not a call of a model ({error})") from None

    def ask(self, prompt: Prompt, deadline: float) -> Answer:
        """The next logged answer to this very prompt; the deadline is never near."""
        answers = self._rows.get(prompt.hash)
        if not answers:
            detail = (
                f"{self.file.name} has no (further) answer to prompt {prompt.hash[:12]}: replay "
                "what was recorded (the same snapshot or seed, chooser, notes), or record it anew"
            )
            return Answer(rejection=Rejection("replay_miss", detail), model="replay")
        return answers.popleft()

    def describe(self) -> str:
        """Who answers, in a few words."""
        return f"the recorded calls of {self.file}"


def _answer(row: dict[str, Any]) -> Answer:
    reply = row["reply"]
    if reply is not None and not isinstance(reply, str):
        raise TypeError(f"reply is {type(reply).__name__}, not text or null")
    gone = (
        None if reply is not None else Rejection(_text(row, "status"), str(row.get("detail", "")))
    )
    tokens = row.get("tokens", {})
    return Answer(
        reply=reply,
        rejection=gone,
        model=str(row.get("model", "")),
        prompt_tokens=int(tokens.get("prompt", 0)),
        completion_tokens=int(tokens.get("completion", 0)),
        latency_ms=float(row.get("latency_ms", 0.0)),
        retried=tuple(map(str, row.get("retried", ()))),
    )


def _text(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {type(value).__name__}, not text")
    return value
