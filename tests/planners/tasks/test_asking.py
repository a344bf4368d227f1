"""What all questions together may take: calls, tokens and seconds, counted and never exceeded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from planners.tasks import Snapshot, assess
from planners.tasks.asking import CHARS_PER_TOKEN, Asking, CallCounts, Limits
from planners.tasks.calllog import Answer
from planners.tasks.prompt import Choice, Prompt, Rejection, parse, render

MakeSnapshot = Callable[..., Snapshot]
GOOD = json.dumps({"choice": "O2", "reason": ""})


class Clerk:
    """A client that gives one answer and notes the time that it was given for it."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.given_s: list[float] = []

    def ask(self, prompt: Prompt, deadline: float) -> Answer:
        self.given_s.append(deadline - time.monotonic())
        return self.answer

    def describe(self) -> str:
        return "a clerk"


@pytest.fixture
def prompt(a_snapshot: MakeSnapshot) -> Prompt:
    return render(a_snapshot(), assess(a_snapshot()).candidates)


def ask(asking: Asking, prompt: Prompt) -> Choice | Rejection:
    verdict = asking.ask(prompt, lambda reply: parse(reply, prompt.ids), time.monotonic() + 10.0)
    assert isinstance(verdict, Choice | Rejection)
    return verdict


def asked_until_limited(asking: Asking, prompt: Prompt) -> int:
    for turn in range(100):
        verdict = ask(asking, prompt)
        if isinstance(verdict, Rejection) and verdict.kind == "limit":
            assert asking.counts.limited == 1
            assert ask(asking, prompt) == verdict
            return turn
    raise AssertionError("no limit was met")


def test_calls_are_limited_and_retries_are_calls(prompt: Prompt) -> None:
    clerk = Clerk(Answer(reply=GOOD, retried=("status",)))
    assert asked_until_limited(Asking(clerk, limits=Limits(calls=5)), prompt) == 3
    assert len(clerk.given_s) == 3
    assert asked_until_limited(Asking(clerk, limits=Limits(calls=0)), prompt) == 0
    assert len(clerk.given_s) == 3


def test_tokens_are_limited(prompt: Prompt) -> None:
    clerk = Clerk(Answer(reply=GOOD, prompt_tokens=300, completion_tokens=40))
    assert asked_until_limited(Asking(clerk, limits=Limits(tokens=1000)), prompt) == 3


@pytest.mark.parametrize("retried", [(), ("status",)])
def test_a_server_that_counts_no_tokens_is_limited_too(
    prompt: Prompt, retried: tuple[str, ...]
) -> None:
    sent = sum(len(message["content"]) for message in prompt.messages) // CHARS_PER_TOKEN
    once = sent * (1 + len(retried)) + len(GOOD) // CHARS_PER_TOKEN
    asking = Asking(Clerk(Answer(reply=GOOD, retried=retried)), limits=Limits(tokens=4 * once))
    assert asked_until_limited(asking, prompt) == 4
    assert (asking.counts.prompt_tokens, asking.counts.completion_tokens) == (0, 0)


def test_seconds_are_limited_and_shorten_the_last_wait(prompt: Prompt) -> None:
    clerk = Clerk(Answer(reply=GOOD, latency_ms=8000.0))
    assert asked_until_limited(Asking(clerk, limits=Limits(seconds=20.0)), prompt) == 3
    first, second, last = clerk.given_s
    assert first <= 10.0 and second <= 10.0
    assert last <= 4.0


def test_failed_questions_use_the_limits_up_as_well(prompt: Prompt) -> None:
    clerk = Clerk(Answer(rejection=Rejection("timeout"), latency_ms=10.0))
    asking = Asking(clerk, limits=Limits(calls=2))
    assert asked_until_limited(asking, prompt) == 2
    assert asking.counts.rejections == {"timeout": 2}
    assert asking.counts.fallbacks == 4  # two failed, two beyond the limit


@pytest.mark.parametrize(
    "wrong", [{"calls": -1}, {"tokens": -5}, {"seconds": float("nan")}, {"seconds": float("inf")}]
)
def test_limits_that_make_no_sense_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)  # type: ignore[arg-type]


def test_a_report_of_nothing_has_no_latency() -> None:
    said = CallCounts().as_dict()
    assert said["latency_p50_ms"] is None and said["latency_p95_ms"] is None
    assert said["rejections"] == {} and said["differed_s"] == 0.0
