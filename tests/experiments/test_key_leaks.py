"""A key and a password leave by the request alone: no artefact and no message holds them."""

from __future__ import annotations

import json

import pytest
from fake_local_model import python_path, write_packages

from planners.tasks import local

KEY = "sk-SECRETSECRETSECRETSECRET"
BUSY = ("--orders-per-hour", "60", "--llm-deadline", "90")
WORD = "PASSPHRASE"  # of the address


def first_id(handler):
    schema = handler.server.requests[-1][2]["response_format"]["json_schema"]["schema"]
    return schema["properties"]["choice"]["enum"][0]


def spelled():
    """The key as JSON may also write it."""
    return "".join(f"\\u{ord(letter):04x}" for letter in KEY)


ECHOES = [
    lambda h: h.choose(first_id(h), f"your key is {KEY}"),
    lambda h: h.say(f'{{"choice": "{first_id(h)}", "reason": "{spelled()}"}}'),
    lambda h: h.body(json.dumps({"error": {"message": f"bad key {KEY}"}}).encode(), 401),
    lambda h: h.choose(first_id(h), "a good one"),
    lambda h: h.say(None, refusal=f"not with {KEY}"),
    lambda h: h.say(f"Dear {KEY}, no"),
    lambda h: h.choose(first_id(h), "a good one"),
    lambda h: h.body(f"<p>{KEY}</p>".encode()),
    lambda h: h.choose(KEY),
]


def secrets_in(folder, *results):
    texts = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    texts |= {"screen": "".join(r.output + r.stderr for r in results).encode()}
    assert len(texts) > 2
    words = (b"SECRET", WORD.encode(), spelled()[:24].encode())
    return [(name, word) for name, text in texts.items() for word in words if word in text]


@pytest.fixture
def address(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = ECHOES
    return server.url.replace("http://", f"http://me:{WORD}@") + f"?token={WORD}"


def test_no_file_of_a_shift_holds_a_key(call, server, address, tmp_path):
    asked = ("deliver", "--llm", address, "--minutes", "30", *BUSY, "--seed",
             "1", "--notes", "mind the forklift")  # fmt: skip
    shown = call(*asked, "--out", tmp_path / "shown")
    asjson = call(*asked, "--out", tmp_path / "json", "--json")
    assert (shown.exit_code, asjson.exit_code) == (0, 0), shown.stderr + asjson.stderr
    assert len(server.requests) > len(ECHOES), "not every echo was heard"
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    log = tmp_path / "shown" / "calls.jsonl"
    assert "[key]" in log.read_text()
    again = call("deliver", "--llm", f"replay:{log}", *asked[3:], "--out", tmp_path / "again")
    assert again.exit_code == 0, again.stderr
    assert secrets_in(tmp_path, shown, asjson, again) == []


def test_no_row_of_a_comparison_holds_a_key(call, server, address, tmp_path):
    compared = call("deliver", "--llm", address, "--minutes", "4", *BUSY,
                    "--compare", "factors", "--seeds", "1", "--out", tmp_path)  # fmt: skip
    assert compared.exit_code == 0, compared.stderr
    assert server.requests
    assert secrets_in(tmp_path, compared) == []


def test_no_error_names_a_key(call, address, tmp_path):
    wrong = [
        call("deliver", "--llm", address.replace("http:", "ftp:"), "--out", tmp_path / "x"),
        call("deliver", "--llm", address, "--chooser", "utility", "--out", tmp_path / "x"),
        call("deliver", "--llm", address, "--llm-calls", "-1", "--out", tmp_path / "x"),
    ]
    for result in wrong:
        assert result.exit_code == 2
        assert WORD not in result.stderr and "SECRET" not in result.stderr, result.stderr


def test_the_local_model_is_sent_no_key_by_its_environment(call, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = tmp_path / "model"
    folder.mkdir()
    monkeypatch.setattr(local, "SHA256", write_packages(folder, "serve"))
    monkeypatch.setenv("PYTHONPATH", python_path(folder))
    monkeypatch.syspath_prepend(str(folder))
    done = call("deliver", "--llm", "local", "--minutes", "4", *BUSY,
                "--out", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert secrets_in(tmp_path, done) == []
