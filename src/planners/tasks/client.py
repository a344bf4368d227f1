"""One question to an OpenAI-compatible endpoint, answered within a deadline, whatever happens.

The only file that imports ``openai``, inside a function. What the package would do by itself is
switched off or bounded: no retries of its own (it would sleep a Retry-After), no redirects, no
endpoint from the environment, no proxy between us and loopback. Its timeout counts per read, so a
body that drips could hold a call for ever: the call runs in a daemon thread, the body is read in
pieces against the deadline, and whoever asks waits for the rest of the deadline and no longer.
"""

from __future__ import annotations

import ipaddress
import json
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from .calllog import Answer
from .prompt import Prompt, Rejection, plain

DEFAULT_MODEL = "default"  # (a) servers of one model ignore the name
MAX_OUTPUT_TOKENS = 160  # (a) at least 96: one id and one sentence
MAX_BODY_BYTES = 256 * 1024  # (a) a reply is below 2 kB
MAX_THREADS = 4  # (a) calls that may hang at the same time; further ones are `busy`
MAX_ATTEMPTS = 2  # (a) one retry of a fault that passes: connection, 408, 409, 429, 5xx
BACKOFF_S = 0.2  # (a) before the retry, where the server asks for nothing
_LEAST_CALL_S = 0.1  # (a) with less time left a retry is not worth starting
_DUMMY_KEY = "none"
_SHORTEST_SECRET = 8  # shorter keys are placeholders, and occur in ordinary words


class Client(Protocol):
    """Whoever answers prompts: an endpoint, a cassette, a double in a test."""

    def ask(self, prompt: Prompt, deadline: float) -> Answer:
        """The answer, at most a blink after ``deadline`` on `time.monotonic`'s clock; no raise."""
        ...

    def describe(self) -> str:
        """Who answers, in a few words, without secrets."""
        ...


class OpenAIClient:
    """Asks the endpoint at ``url`` (the base of ``/chat/completions``, such as .../v1).

    The key is ``OPENAI_API_KEY`` or, without it, the word none; the endpoint is ``url`` and
    nothing else. Raises ValueError for a url that is not plain http or https.
    """

    def __init__(self, url: str, model: str | None = None) -> None:
        self.url = url
        self.model = model or DEFAULT_MODEL
        self._shown = shown_url(url)
        self._key = os.environ.get("OPENAI_API_KEY") or _DUMMY_KEY
        self._secret = re.compile("".join(map(_spelled, self._key)))
        self._slots = threading.BoundedSemaphore(MAX_THREADS)
        self._sdk = _sdk()

    def describe(self) -> str:
        """Model and endpoint, without user, password and query of the url."""
        return f"{self.model} at {self._shown}"

    def ask(self, prompt: Prompt, deadline: float) -> Answer:
        """The answer to a prompt within the deadline, retries included. Never raises."""
        began = time.monotonic()
        retried: list[str] = []
        while True:
            answer, wait_s = self._attempt(prompt, deadline)
            again = time.monotonic() + (wait_s or 0.0) + _LEAST_CALL_S < deadline
            if wait_s is None or len(retried) + 1 >= MAX_ATTEMPTS or not again:
                break
            retried.append(answer.rejection.kind if answer.rejection else "")
            time.sleep(wait_s)
        return Answer(
            reply=answer.reply,
            rejection=answer.rejection,
            model=self.model,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            latency_ms=round(1000.0 * (time.monotonic() - began), 3),
            retried=tuple(retried),
        )

    def _attempt(self, prompt: Prompt, deadline: float) -> tuple[Answer, float | None]:
        """One attempt, and the seconds to wait before another (None: another is no use)."""
        if time.monotonic() >= deadline:
            return Answer(rejection=Rejection("timeout", "no time was left to ask")), None
        if not self._slots.acquire(blocking=False):
            detail = f"{MAX_THREADS} earlier calls still hang"
            return Answer(rejection=Rejection("busy", detail)), None
        box: queue.SimpleQueue[tuple[Answer, float | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                box.put(self._call(prompt, deadline))
            finally:
                self._slots.release()

        threading.Thread(target=work, name="aislewise-model-call", daemon=True).start()
        try:
            return box.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return Answer(rejection=Rejection("timeout", "no whole reply in time")), None

    def _call(self, prompt: Prompt, deadline: float) -> tuple[Answer, float | None]:
        sdk = self._sdk
        try:
            return read_completion(self._body(prompt, deadline), self._without_key), None
        except _BodyTooLong:
            detail = f"the reply exceeds {MAX_BODY_BYTES} bytes"
            return Answer(rejection=Rejection("too_long", detail)), None
        except (sdk.APITimeoutError, TimeoutError):
            return Answer(rejection=Rejection("timeout", "no whole reply in time")), None
        except _BadStatus as error:
            detail = f"HTTP {error.code} {plain(self._without_key(_said(error.body)), 120)}"
            return Answer(rejection=Rejection("status", detail.strip())), error.pause_s
        except (sdk.APIConnectionError, _BrokenBody) as error:
            cause = type(error.__cause__ or error).__name__
            return Answer(rejection=Rejection("connection", f"no connection ({cause})")), BACKOFF_S
        except Exception as error:  # a fault in the package must not stop the robot
            detail = f"the call failed with {type(error).__name__}"
            return Answer(rejection=Rejection("client", detail)), None

    def _body(self, prompt: Prompt, deadline: float) -> bytes:
        """The bytes of one completion; every way out closes its sockets."""
        left_s = max(_LEAST_CALL_S, deadline - time.monotonic())
        transport = self._sdk.DefaultHttpxClient(
            trust_env=not is_loopback(self.url),
            follow_redirects=False,
            timeout=left_s,
            event_hooks={
                "request": [self._bare],
                "response": [lambda response: _check_status(response, deadline)],
            },
        )
        with self._sdk.OpenAI(
            api_key=self._key,
            base_url=self.url,
            timeout=left_s,
            max_retries=0,
            http_client=transport,
        ) as client:
            request = client.chat.completions.with_streaming_response.create(
                model=self.model,
                messages=[dict(message) for message in prompt.messages],
                response_format=prompt.response_format,
                temperature=0,
                max_tokens=MAX_OUTPUT_TOKENS,
            )
            with request as response:
                return _read(response.http_response.iter_raw, deadline)

    def _bare(self, request: Any) -> None:
        """Only this goes out: the package adds, and replaces, what it finds in the environment."""
        request.headers.clear()
        request.headers.update({
            "Host": request.url.netloc.decode("ascii"),
            "Connection": "close",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "aislewise",
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(request.content)),
            "X-Stainless-Raw-Response": "stream",  # the package reads it back from its request
        })  # fmt: skip

    def _without_key(self, text: str) -> str:
        """Text without the key: a server may echo what it was sent."""
        if self._key == _DUMMY_KEY or len(self._key) < _SHORTEST_SECRET:
            return text
        return self._secret.sub("[key]", text)


def _spelled(character: str) -> str:
    """A pattern for a character as it stands, or as JSON may write it, in a string in a string."""
    backslash = r"\\(?:\\|u005[Cc]){0,7}"  # limited: a reply of backslashes alone must not stall us
    escaped = f"{backslash}u(?i:{ord(character):04x})"
    if character in '"/\\':
        escaped += f"|{backslash}{re.escape(character)}"
    return f"(?:{re.escape(character)}|{escaped})"


def _sdk() -> Any:
    """The package, imported when a model is to be asked and not before: it costs a second."""
    import openai

    return openai


class _BodyTooLong(Exception):
    """The body is longer than any honest reply."""


class _BrokenBody(Exception):
    """The body broke off; the transport's own error, whichever it is, is the cause."""


class _BadStatus(Exception):
    """The server answered with an error; ``pause_s`` as in `_pause_s`."""

    def __init__(self, code: int, retry_after: str | None, body: bytes) -> None:
        super().__init__(code)
        self.code = code
        self.body = body
        self.pause_s = _pause_s(code, retry_after)


def _read(pieces: Callable[[], Any], deadline: float) -> bytes:
    """The body as it is on the wire: nobody asked for a packed one, which may hide any size."""
    body = bytearray()
    try:
        for piece in pieces():
            body += piece
            if len(body) > MAX_BODY_BYTES or time.monotonic() > deadline:
                break
    except Exception as error:
        raise _BrokenBody from error
    if len(body) > MAX_BODY_BYTES:
        raise _BodyTooLong
    if time.monotonic() > deadline:
        raise TimeoutError
    return bytes(body)


def read_completion(body: bytes, scrub: Callable[[str], str] = str) -> Answer:
    """The reply in the bytes of a chat completion, or why there is none. Never raises.

    ``scrub`` cleans the reply's text of secrets.

    >>> read_completion(b'{"choices": []}').rejection.kind
    'empty_choices'
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _none("malformed", f"the body is not JSON: {_start(body, scrub)!r}")
    if not isinstance(value, dict) or "choices" not in value:
        return _none("malformed", f"the body is not a completion: {_start(body, scrub)!r}")
    choices = value["choices"]
    if not choices or not isinstance(choices, list):
        return _none("empty_choices", f"choices is {'empty' if choices == [] else 'no list'}")
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        return _none("malformed", "the first choice has no message")
    found = _content(message, choices[0].get("finish_reason"), scrub)
    usage = value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Answer(
        reply=found if isinstance(found, str) else None,
        rejection=found if isinstance(found, Rejection) else None,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _content(message: dict[str, Any], finish: Any, scrub: Callable[[str], str]) -> str | Rejection:
    refusal, content = message.get("refusal"), message.get("content")
    if refusal:
        return Rejection("refusal", f"the model refuses: {plain(scrub(str(refusal)), 120)!r}")
    if finish == "content_filter":
        return Rejection("content_filter", "the server's content filter stopped the reply")
    if finish == "length":
        return Rejection("length", f"the reply was cut at {MAX_OUTPUT_TOKENS} tokens or fewer")
    if content is None or content == "":
        return Rejection("empty", "the message has no content")
    if not isinstance(content, str):
        return Rejection("malformed", f"content is {type(content).__name__}, not text")
    return scrub(content)


def _none(kind: str, detail: str) -> Answer:
    return Answer(rejection=Rejection(kind, detail))


def _start(body: bytes, scrub: Callable[[str], str]) -> str:
    """The beginning of a body; cleaned before it is cut, lest half a secret survives."""
    return plain(scrub(body.decode("utf-8", errors="replace")), 80)


def _count(value: Any) -> int:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if good else 0


def _check_status(response: Any, deadline: float) -> None:
    """Raise for every status but success, before the package reads a body without a limit."""
    if 200 <= response.status_code < 300:
        return
    try:
        body = _read(response.iter_raw, deadline)
    except (_BodyTooLong, _BrokenBody):
        body = b""
    raise _BadStatus(response.status_code, response.headers.get("retry-after"), body)


def _pause_s(code: int, retry_after: str | None) -> float | None:
    """Seconds before a retry of a status that may pass; None for one that will not."""
    if code not in (408, 409, 429) and code < 500:
        return None
    if retry_after is None:
        return BACKOFF_S
    try:
        wait_s = float(retry_after)
    except ValueError:  # a date: some other clock's word, not worth a robot's wait
        return None
    return max(wait_s, BACKOFF_S) if wait_s < float("inf") else None


def _said(body: bytes) -> str:
    """The message in an error's body; empty where the body is no JSON of the usual shape."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = value.get("error", value) if isinstance(value, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""


def shown_url(url: str) -> str:
    """The url without user, password, query and fragment: fit for logs and reports.

    Raises ValueError for anything but http or https with a host.

    >>> shown_url("http://me:secret@127.0.0.1:8080/v1?key=x")
    'http://127.0.0.1:8080/v1'
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(
            f"{bare_url(url)!r} is not an endpoint: give http://HOST:PORT/v1 or https://..."
        )
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def bare_url(url: str) -> str:
    """Any text that was given as an address, less what may be secret in it: for messages.

    >>> bare_url("me:secret@host/v1?key=x")
    'host/v1'
    """
    return re.split(r"[?#]", url.rpartition("@")[2])[0]


def is_loopback(url: str) -> bool:
    """Whether the url stays on this machine, where no proxy belongs in between.

    >>> is_loopback("http://127.0.0.1:8080/v1"), is_loopback("https://example.org/v1")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
