"""Every parser turns any bytes into a result or a MapFormatError, in bounded memory."""

from __future__ import annotations

import contextlib
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.formats import (
    load_map,
    load_problem,
    load_scenario,
    load_tasks,
    save_map,
)
from planners import GridMap, MapFormatError

OCTILE = b"type octile\nheight 3\nwidth 4\nmap\n.@.T\n....\nSSGO\n"
LORR = b"type octile\nheight 3\nwidth 5\nmap\n.E.E.\nS@@@S\n.....\n"
FLOOR = GridMap([[0, 0, 0, 1]])

# --- maps -------------------------------------------------------------------------------------


def test_symbols_of_both_dialects():
    loaded = load_map(OCTILE)
    assert loaded.dialect == "movingai"
    assert loaded.grid.blocked.tolist() == [
        [False, True, False, True],
        [False] * 4,
        [False, False, False, True],
    ]
    assert loaded.storage.size == 0, "S is swamp in a MovingAI map"
    loaded = load_map(LORR)
    assert loaded.dialect == "lorr"
    assert loaded.stations.tolist() == [1, 3]
    assert loaded.storage.tolist() == [5, 9]
    assert loaded.grid.blocked.sum() == 3


def test_water_is_blocked_and_swamp_is_not():
    loaded = load_map(b"type octile\nheight 1\nwidth 3\nmap\n.WS\n", moves="four", cell_size_m=0.5)
    assert loaded.grid.blocked.tolist() == [[False, True, False]]
    assert (loaded.grid.moves, loaded.grid.cell_size_m) == ("four", 0.5)


def test_dialect_overrides_the_guess():
    storage_only = b"type octile\nheight 1\nwidth 2\nmap\n.S\n"
    assert load_map(storage_only).dialect == "movingai"
    assert load_map(storage_only, "lorr").storage.tolist() == [1]
    with pytest.raises(MapFormatError, match=r"line 5: unknown character 'E' in column 1.*'lorr'"):
        load_map(LORR, "movingai")
    with pytest.raises(MapFormatError, match=r"line 7: .*'G' in column 2.*'movingai'"):
        load_map(OCTILE, "lorr")
    with pytest.raises(ValueError, match="unknown dialect 'ros'"):
        load_map(OCTILE, "ros")


@pytest.mark.parametrize(
    "data",
    [
        OCTILE.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + OCTILE,
        OCTILE.rstrip(b"\n"),
        OCTILE.replace(b"\n", b"\r\n").rstrip(b"\r\n"),
        OCTILE + b"\n \r\n\n",
        OCTILE.replace(b"....\n", b"....\r\n"),
        OCTILE.replace(b"height 3\nwidth 4", b"width\t4\nheight  3 "),
    ],
    ids=["crlf", "bom", "no end", "crlf no end", "blank tail", "mixed ends", "header order"],
)
def test_harmless_variants_give_the_same_map(data):
    assert np.array_equal(load_map(data).symbols, load_map(OCTILE).symbols)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"height 1\nwidth 1\nmap\n.", r"line 3: expected 'type ...', not 'map'"),
        (b"type octile\nwidth 1\nmap\n.", r"line 3: expected 'height ...', not 'map'"),
        (b"type octile\nheight 1\nmap\n.", r"line 3: expected 'width ...', not 'map'"),
        (b"type octile\nheight 1\nwidth 1\n.\n", r"line 4: expected 'map', not '.'"),
        (b"type octile\nheight 1\nheight 1\nmap\n.", r"line 3: expected 'width ...', not 'height"),
        (b"type octile\nheight 1\nwidth 1\n", r"line 4: expected 'map', not ''"),
        (b"type hexagonal\nheight 1\nwidth 1\nmap\n.", r"line 1: type must be octile"),
        (b"type octile\nheight one\nwidth 1\nmap\n.", r"line 2: height must be .* not 'one'"),
        (b"type octile\nheight 1\nwidth -3\nmap\n.", r"line 3: width must be .* not '-3'"),
        (b"type octile\nheight 1.0\nwidth 1\nmap\n.", r"line 2: height must be .* not '1.0'"),
        (b"type octile\nheight 0\nwidth 1\nmap\n.", r"line 2: height must be at least 1, not 0"),
        (b"type octile\nheight " + b"9" * 5000 + b"\nwidth 1\nmap\n.", "line 2: height must be"),
        (b"type octile\nheight " + b"9" * 50 + b"\nwidth 1\nmap\n.", "line 2: height must be"),
        (OCTILE[:-6], r"line 5: truncated: the header claims 3 x 4 = 12 cells, but only 9"),
        (b"type octile\nheight 3\nwidth 2\nmap\n..\n..\n", r"line 7: truncated: 2 rows of 3"),
        (OCTILE.replace(b"....\n", b"...\n"), r"line 6: row 1 has 3 characters, .* width 4"),
        (OCTILE.replace(b"....\n", b".....\n"), r"line 6: row 1 has 5 characters, .* width 4"),
        (OCTILE.replace(b"SSGO", b"SSGO."), r"line 7: row 2 has 5 characters"),
        (OCTILE + b"....\n", r"line 8: the header claims 3 rows, but '....\\n' follows"),
        (OCTILE + b"\n\n@", r"line 10: the header claims 3 rows, but '@' follows"),
        (OCTILE.replace(b"....", b"..\0."), r"line 6: unknown character '\\x00' in column 2"),
        (OCTILE.replace(b"....", b".\xe9.."), r"line 6: unknown character '\\xe9' in column 1"),
        (OCTILE.replace(b"....", b". .."), r"line 6: unknown character ' ' in column 1"),
        (OCTILE.replace(b"\n", b"\r"), "line 1: expected"),
        (OCTILE.decode().encode("utf-16"), "line 1: expected"),
        (LORR.replace(b"S@@@S", b"S@W@S"), r"unknown character 'W'"),
    ],
)
def test_broken_maps_name_line_and_reason(data, reason):
    with pytest.raises(MapFormatError, match=reason) as caught:
        load_map(data, source="some.map")
    assert str(caught.value).startswith("some.map")


@pytest.mark.parametrize("side", [10**9, 9_999_999_999])
def test_a_huge_claim_allocates_nothing(side):
    data = f"type octile\nheight {side}\nwidth {side}\nmap\n....\n".encode()
    tracemalloc.start()
    with pytest.raises(MapFormatError, match=f"{side} x {side}.*only 5 bytes follow"):
        load_map(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_memory_stays_within_a_small_multiple_of_the_file():
    rows, cols = 600, 800
    header = f"type octile\nheight {rows}\nwidth {cols}\nmap\n".encode()
    good = header + (b"." * cols + b"\n") * rows
    for data in (good, good[:-cols] + b"x" * cols, header + b"\n" * (rows * cols)):
        tracemalloc.start()
        with contextlib.suppress(MapFormatError):
            load_map(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 * len(data)


def test_files_that_cannot_be_read_name_their_path(tmp_path):
    with pytest.raises(MapFormatError, match=r"absent\.map: cannot be read: No such file"):
        load_map(tmp_path / "absent.map")
    with pytest.raises(MapFormatError, match=f"{tmp_path}: is a folder"):
        load_map(str(tmp_path))
    with pytest.raises(MapFormatError, match="cannot be read"):
        load_map("a\0b")
    big = tmp_path / "big.map"
    with big.open("wb") as stream:
        stream.truncate(300 * 2**20)  # sparse: takes no room
    with pytest.raises(MapFormatError, match=r"big\.map: is 314572800 bytes, over the limit"):
        load_map(big)
    with pytest.raises(MapFormatError, match="over the limit of 10"):
        load_map(OCTILE, limit_bytes=10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.map")
    with pytest.raises(MapFormatError, match="not a regular file"):
        load_map(tmp_path / "pipe.map")


symbols = st.integers(1, 12).flatmap(
    lambda cols: st.lists(
        st.text(alphabet=".@GOTSW", min_size=cols, max_size=cols), min_size=1, max_size=12
    )
)


def as_file(rows):
    head = f"type octile\nheight {len(rows)}\nwidth {len(rows[0])}\nmap\n"
    return (head + "\n".join(rows) + "\n").encode()


@settings(deadline=None)
@given(symbols)
def test_saving_and_loading_is_the_identity(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("maps") / "again.map"
    loaded = load_map(as_file(rows))
    save_map(path, loaded)
    assert path.read_bytes() == as_file(rows)
    save_map(path, loaded.grid)
    assert np.array_equal(load_map(path).grid.blocked, loaded.grid.blocked)


PARSERS = [load_map, load_scenario, lambda data: load_tasks(data, FLOOR)]


@pytest.mark.parametrize("parse", PARSERS)
@settings(deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_parsed_or_refused(parse, data):
    try:
        parse(data)
    except MapFormatError as error:
        assert len(str(error)) < 1000 and "\n" not in str(error)


SCENARIO = b"version 1\n0\ta.map\t4\t3\t0\t1\t2\t1\t2.0\n1\ta.map\t4\t3\t0\t1\t3\t2\t3.41\n"
TASKS = b"# version for LoRR 2026\n3\n0\n1,2\n2,0,1\n"
VALID = [
    (load_map, OCTILE),
    (load_map, LORR),
    (load_scenario, SCENARIO),
    (lambda data: load_tasks(data, FLOOR), TASKS),
]


@pytest.mark.parametrize(("parse", "valid"), VALID)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_mutated_files_are_parsed_or_refused(parse, valid, data):
    parse(valid)
    mutant = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant)))
        span = data.draw(st.integers(0, 3))
        mutant[at : at + span] = data.draw(st.binary(max_size=3) | st.sampled_from([b"\n", b"9"]))
    try:
        parse(bytes(mutant))
    except MapFormatError as error:
        assert "\n" not in str(error)


# --- scenarios --------------------------------------------------------------------------------


def test_scenario_cells_are_row_first():
    scenario = load_scenario(SCENARIO, load_map(OCTILE))
    assert len(scenario) == 2
    assert scenario.shape == (3, 4)
    assert scenario.starts.tolist() == [[1, 0], [1, 0]]
    assert scenario.goals.tolist() == [[1, 2], [2, 3]]
    assert scenario.optimal.tolist() == [2.0, 3.41]
    assert scenario.bucket.tolist() == [0, 1]
    assert scenario.map_names == ("a.map", "a.map")
    assert not scenario.starts.flags.writeable


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"version 1\n", b"", r"line 1: expected 'version 1'"),
        (b"version 1\n", b"version 2\n", r"line 1: expected 'version 1', not 'version 2'"),
        (b"\t2.0\n", b"\n", r"line 2: a query has 9 fields .*, not 8"),
        (b"\t3\t2\t3.41", b"\t4\t2\t3.41", r"line 3: goal x = 4 lies outside 0..3"),
        (b"\t3\t2\t3.41", b"\t3\t3\t3.41", r"line 3: goal y = 3 lies outside 0..2"),
        (b"\t3\t2\t3.41", b"\t3\t2\tnan", r"line 3: optimal length .* not 'nan'"),
        (b"\t3\t2\t3.41", b"\t3\t2\t-1", r"line 3: optimal length .* not '-1'"),
        (b"0\ta", b"-1\ta", r"line 2: bucket must be .* not '-1'"),
        (b"1\ta.map\t4\t3", b"1\ta.map\t5\t3", r"line 3: .*map of 3 rows x 5 columns, not 3 x 4"),
        (SCENARIO, b"version 1\n", r"line 1: no queries"),
    ],
)
def test_broken_scenarios_name_line_and_reason(old, new, reason):
    assert old in SCENARIO
    with pytest.raises(MapFormatError, match=reason):
        load_scenario(SCENARIO.replace(old, new))


def test_a_scenario_of_another_map_is_refused():
    with pytest.raises(MapFormatError, match=r"line 2: .*3 rows x 4 columns, not 1 x 4"):
        load_scenario(SCENARIO, FLOOR)


# --- the real files ---------------------------------------------------------------------------


def test_real_maps_and_scenarios(shared_data):
    free = {
        "16room_000": 231854,
        "AcrosstheCape": 392287,
        "Berlin_1_1024": 799311,
        "arena2": 24311,
        "brc202d": 43151,
        "lak303d": 14784,
        "maze512-8-0": 232931,
        "random512-20-0": 209281,
        "warehouse-10-20-10-2-1": 5699,
        "warehouse-20-40-10-2-2": 38756,
    }
    paths = [*shared_data.glob("movingai/*.map"), *shared_data.glob("warehouse/*.map")]
    assert {path.stem for path in paths} == set(free)
    for path in paths:
        loaded = load_map(path)
        assert loaded.name == path.stem and loaded.dialect == "movingai"
        assert loaded.grid.size - loaded.grid.blocked.sum() == free[path.stem]
        for scen in path.parent.glob(f"{path.stem}*.scen"):
            scenario = load_scenario(scen, loaded)
            assert len(scenario) >= 900
            ends = np.vstack([scenario.starts, scenario.goals])
            assert not loaded.grid.blocked[tuple(ends.T)].any()


def test_real_lorr_files(shared_data):
    small = load_map(shared_data / "lorr" / "warehouse_small.map")
    assert (small.dialect, small.grid.shape) == ("lorr", (33, 57))
    assert (small.stations.size, small.storage.size) == (40, 342)
    problem = load_problem(shared_data / "lorr" / "fulfill-example_2500.json")
    assert problem.loaded.grid.shape == (140, 500)
    assert (len(problem.tasks), problem.agents.size) == (22_500, 2_500)
    assert problem.tasks[0] == (39498, 28883, 959)
