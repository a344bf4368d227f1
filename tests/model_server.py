"""A scripted model server of the standard library, and every fault that one may have."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[Any], None]


class Handler(BaseHTTPRequestHandler):
    """One request: the server's script says what happens; these are the verbs of the script."""

    server: Server

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.server.requests.append((self.path, dict(self.headers), request))
        turn = min(len(self.server.requests), len(self.server.script)) - 1
        try:
            self.server.script[turn](self)
        except OSError:
            self.close_connection = True  # the client has left, as it should

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def begin(self, length: int, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, raw: bytes, status: int = 200, **headers: str) -> None:
        self.begin(len(raw), status, **headers)
        self.wfile.write(raw)

    def fail(self, status: int, **headers: str) -> None:
        self.body(b'{"error": {"message": "no luck today"}}', status, **headers)

    def say(self, content: Any, finish: str = "stop", **message: Any) -> None:
        """A completion whose message has this content."""
        said = {"role": "assistant", "content": content, **message}
        first = {"index": 0, "finish_reason": finish, "message": said}
        usage = {"prompt_tokens": 321, "completion_tokens": 17, "total_tokens": 338}
        body = {"id": "c", "object": "chat.completion", "choices": [first], "usage": usage}
        self.body(json.dumps(body).encode())

    def choose(self, choice: str, reason: str = "it is due first") -> None:
        """A completion with a reply of the right shape."""
        self.say(json.dumps({"choice": choice, "reason": reason}))

    def drip(self, piece: bytes = b" ") -> None:
        """The piece every 50 ms, until the server stops or the client leaves."""
        while not self.server.stopping.wait(0.05):
            self.wfile.write(piece)
            self.wfile.flush()

    def hang(self) -> None:
        self.server.stopping.wait(20.0)

    def drop(self) -> None:
        self.close_connection = True

    def reset(self) -> None:
        """Close the connection as a crash does: with a reset instead of an end."""
        no_linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True

    def first(self) -> None:
        """The first id of what was asked, in the right shape."""
        schema = self.server.requests[-1][2]["response_format"]["json_schema"]["schema"]
        self.choose(schema["properties"]["choice"]["enum"][0])


class Server(ThreadingHTTPServer):
    """Listens on a free loopback port and follows ``script``, its last entry for ever."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Callable[[Handler], None]] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        self.thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def valid(choice: str) -> str:
    return json.dumps({"choice": choice, "reason": "it is due first"})


def dripping_headers(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.drip(b"a")


def dripping_body(handler: Any) -> None:
    handler.begin(100_000)
    handler.drip()


def dripping_error(handler: Any) -> None:
    handler.begin(100_000, 500)
    handler.drip()


def closed_mid_reply(handler: Any) -> None:
    handler.begin(5000)
    handler.wfile.write(b'{"choices": [')
    handler.drop()


def endless(status: int) -> Behaviour:
    def flood(handler: Any) -> None:
        handler.begin(10**12, status)
        while not handler.server.stopping.is_set():
            handler.wfile.write(b" " * 65_536)

    return flood


def reset_mid_reply(handler: Any) -> None:
    handler.begin(5000)
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.reset()


def chunked_and_cut(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b'd\r\n{"choices": [\r\n')
    handler.drop()


LATE = "Wed, 21 Oct 2099 07:28:00 GMT"
BOMB = gzip.compress(bytes(100_000_000), 9)  # 100 kB on the wire
FAULTS: list[tuple[str, Behaviour, str, int]] = [
    ("wrong id", lambda h: h.choose("O9"), "unknown_id", 1),
    ("id with a space", lambda h: h.choose("O1 "), "unknown_id", 1),
    ("malformed json", lambda h: h.say('{"choice": O1, "reason": ""}'), "malformed", 1),
    ("cut json", lambda h: h.say('{"choice": "O1", "rea'), "malformed", 1),
    ("cut at the limit", lambda h: h.say('{"choice": "O1", "rea', "length"), "length", 1),
    ("content filter", lambda h: h.say(None, "content_filter"), "content_filter", 1),
    ("prose around", lambda h: h.say(f"Sure! {valid('O1')} Good luck."), "prose", 1),
    ("prose after", lambda h: h.say(f"{valid('O1')}\nGood luck."), "prose", 1),
    ("a fence", lambda h: h.say(f"```json\n{valid('O1')}\n```"), "prose", 1),
    ("extra key", lambda h: h.say('{"choice": "O1", "reason": "", "cost": 1}'), "schema", 1),
    ("missing key", lambda h: h.say('{"choice": "O1"}'), "schema", 1),
    ("twice", lambda h: h.say('{"choice": "O1", "choice": "O2", "reason": ""}'), "schema", 1),
    ("a number", lambda h: h.say('{"choice": 1, "reason": ""}'), "schema", 1),
    ("a list", lambda h: h.say('["O1"]'), "schema", 1),
    ("deep nesting", lambda h: h.say("[" * 100_000), "malformed", 1),
    ("refusal", lambda h: h.say(None, refusal="I would rather not"), "refusal", 1),
    ("null content", lambda h: h.say(None), "empty", 1),
    ("blank content", lambda h: h.say(" \n "), "empty", 1),
    ("content of parts", lambda h: h.say([{"type": "text"}]), "malformed", 1),
    ("broken 200", lambda h: h.body(b'{"choices": ['), "malformed", 1),
    ("html 200", lambda h: h.body(b"<html>welcome</html>"), "malformed", 1),
    ("not utf-8", lambda h: h.body(b"\xff\xfe{}"), "malformed", 1),
    ("a string 200", lambda h: h.body(b'"hello"'), "malformed", 1),
    ("an error 200", lambda h: h.body(b'{"error": {"message": "busy"}}'), "malformed", 1),
    ("empty choices", lambda h: h.body(b'{"choices": []}'), "empty_choices", 1),
    ("null choices", lambda h: h.body(b'{"choices": null}'), "empty_choices", 1),
    ("choices by name", lambda h: h.body(b'{"choices": {"0": {}}}'), "empty_choices", 1),
    ("no message", lambda h: h.body(b'{"choices": [{}]}'), "malformed", 1),
    ("huge body", lambda h: h.body(b'{"choices": "' + b"x" * 3_000_000), "too_long", 1),
    ("a bomb", lambda h: h.body(BOMB, Content_Encoding="gzip"), "malformed", 1),
    ("endless body", endless(200), "too_long", 1),
    ("endless error", endless(500), "status", 2),
    ("401", lambda h: h.fail(401), "status", 1),
    ("404", lambda h: h.fail(404), "status", 1),
    ("redirect", lambda h: h.fail(302, Location="http://127.0.0.1:9/v1"), "status", 1),
    ("429, wait a minute", lambda h: h.fail(429, Retry_After="60"), "status", 1),
    ("429, until a date", lambda h: h.fail(429, Retry_After=LATE), "status", 1),
    ("429, not a number", lambda h: h.fail(429, Retry_After="nan"), "status", 1),
    ("500", lambda h: h.fail(500), "status", 2),
    ("closed mid-reply", closed_mid_reply, "connection", 2),
    ("closed at once", lambda h: h.drop(), "connection", 2),
    ("reset mid-reply", reset_mid_reply, "connection", 2),
    ("reset at once", lambda h: h.reset(), "connection", 2),
    ("chunks that break off", chunked_and_cut, "connection", 2),
    ("no http", lambda h: h.wfile.write(b"220 mail.example ESMTP\r\n"), "connection", 2),
    ("slow headers", lambda h: h.hang(), "timeout", 1),
    ("dripping headers", dripping_headers, "timeout", 1),
    ("dripping body", dripping_body, "timeout", 1),
    ("dripping error", dripping_error, "timeout", 1),
]
