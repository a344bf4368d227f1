"""Named streams: keyed by name and entity, the same on every machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from envs.streams import draw, stream, stream_key, unit


def test_streams_differ_by_name_entity_and_seed_only() -> None:
    first = stream(1, "worker", 3).random(4).tolist()
    assert first == stream(1, "worker", 3).random(4).tolist()
    for other in (stream(2, "worker", 3), stream(1, "orders", 3), stream(1, "worker", 4)):
        assert first != other.random(4).tolist()


def test_a_draw_does_not_depend_on_how_often_it_is_asked() -> None:
    key = stream_key(5, "sensor")
    once = [draw(key, tick, 2) for tick in range(20)]
    again = [draw(key, tick, 2) for tick in reversed(range(20))]
    assert once == again[::-1]
    assert len(set(once)) == 20


def test_unit_is_uniform_enough_for_a_detection_rate() -> None:
    key = stream_key(0, "sensor")
    hits = sum(unit(key, tick, entity) < 0.98 for tick in range(500) for entity in range(20))
    assert abs(hits / 10_000 - 0.98) < 0.01
    values = [unit(key, tick, 0) for tick in range(2000)]
    assert min(values) >= 0.0
    assert max(values) < 1.0


def test_negative_seeds_are_refused_by_value() -> None:
    with pytest.raises(ValueError, match="seed must be a whole number >= 0, got -1"):
        stream(-1, "worker")


def test_keys_agree_across_processes_and_hash_seeds() -> None:
    code = "from envs.streams import stream_key; print(stream_key(7, 'orders'))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert found == {f"{stream_key(7, 'orders')}\n"}
