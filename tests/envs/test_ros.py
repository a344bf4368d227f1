"""Maps of ROS and costmaps of Nav2: orientation, thresholds, round trips, and any bytes at all."""

from __future__ import annotations

import io
import os
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from envs.formats import (
    load_costmap,
    load_ros_map,
    save_costmap,
    save_ros_map,
)
from envs.formats.pictures import read_picture, write_picture
from envs.formats.ros import MapMeta, occupancy_of, read_meta
from planners import CostField, GridMap, MapFormatError

# An F, which no turn and no mirror leaves as it is. Black is occupied.
LETTER = """
#####
#....
###..
#....
#....
"""
ROWS = LETTER.split()
F = np.array([[symbol == "#" for symbol in row] for row in ROWS])
YAML = """image: letter.pgm
resolution: 0.5
origin: [-1.0, 2.0, 0.0]
occupied_thresh: 0.65
free_thresh: 0.196
negate: 0
"""


def grey_of(symbols) -> np.ndarray:
    return np.where(symbols, 0, 254).astype(np.uint8)


def write(folder, text=YAML, grey=None, encoding="P5", name="letter.pgm"):
    write_picture(folder / name, grey_of(F) if grey is None else grey, encoding)
    (folder / "letter.yaml").write_text(text)
    return folder / "letter.yaml"


# --- orientation


@pytest.mark.parametrize("encoding", ["P5", "P2", "png"])
def test_the_picture_is_read_as_it_is_seen(tmp_path, encoding):
    loaded = load_ros_map(write(tmp_path, encoding=encoding))
    assert np.array_equal(loaded.grid.blocked, F), "row 0 is the top of the picture: no flip"
    assert loaded.grid.cell_size_m == 0.5
    assert loaded.origin == (-1.0, 2.0, 0.0)
    assert bytes(loaded.symbols[1]).decode() == "@...."


def test_a_message_holds_the_bottom_row_first(tmp_path):
    message = load_ros_map(write(tmp_path)).occupancy[::-1].ravel()  # nav_msgs/OccupancyGrid.data
    assert message[:5].tolist() == [100, 0, 0, 0, 0], "the foot of the F"
    assert message[-5:].tolist() == [100] * 5, "its head"


def test_world_metres_count_from_the_lower_left(tmp_path):
    loaded = load_ros_map(write(tmp_path))
    assert loaded.world_m([[4, 0], [0, 4]]).tolist() == [[-0.75, 2.25], [1.25, 4.25]]
    assert loaded.cells_at([[-0.75, 2.25], [1.49, 4.49]]).tolist() == [[4, 0], [0, 4]]
    assert loaded.cells_at([[-1.1, 2.0]]).tolist() == [[4, -1]], "outside is outside"
    turned = load_ros_map(write(tmp_path, YAML.replace("2.0, 0.0]", f"2.0, {np.pi / 2}]")))
    assert np.allclose(turned.world_m([[4, 1]]), [[-1.25, 2.75]]), "x of the picture points north"
    assert turned.cells_at(turned.world_m([[3, 2]])).tolist() == [[3, 2]]


# --- values


def occupancies(grey, **changes):
    fields = {"occupied_thresh": 0.65, "free_thresh": 0.196, "negate": False, "mode": "trinary"}
    meta = MapMeta("x.pgm", 1.0, (0, 0, 0), **{**fields, **changes})
    data = f"P5 {len(grey)} 1 255\n".encode() + bytes(grey)
    return occupancy_of(read_picture(data), meta)[0].tolist()


def test_trinary_thresholds():
    assert occupancies([0, 89, 90, 204, 205, 206, 254, 255]) == [100, 100, -1, -1, -1, 0, 0, 0]
    assert occupancies([205], free_thresh=0.25) == [0], "the trap of the later default"
    assert occupancies([0, 205, 255], negate=True) == [0, 100, 100]


def test_a_value_on_a_threshold_counts():
    share = (255 - 51) / 255  # exactly what the pixel has
    assert occupancies([50, 51, 52], occupied_thresh=share) == [100, 100, -1]
    free = (255 - 204) / 255
    assert occupancies([203, 204, 205], free_thresh=free) == [-1, 0, 0]


def test_scale_and_raw():
    scale = {"mode": "scale", "occupied_thresh": 0.8, "free_thresh": 0.2}
    assert occupancies([0, 51, 127, 128, 204, 255], **scale) == [100, 100, 50, 50, 0, 0]
    assert occupancies([0, 1, 100, 101, 255], mode="raw", negate=True) == [0, 1, 100, -1, -1]


def test_alpha(tmp_path):
    pixels = np.array([[[0, 0, 0, 255], [255, 255, 255, 255], [0, 0, 0, 0]]], dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    for mode, found in (("trinary", [100, 0, 100]), ("scale", [100, 0, -1])):
        (tmp_path / "a.yaml").write_text(YAML.replace("letter.pgm", "a.png") + f"mode: {mode}\n")
        assert load_ros_map(tmp_path / "a.yaml").occupancy.tolist() == [found]


@pytest.mark.parametrize("kind", ["RGB", "P", "1", "L"])
def test_png_kinds(tmp_path, kind):
    Image.fromarray(grey_of(F) // 254 * 255).convert(kind).save(tmp_path / "f.png")
    (tmp_path / "f.yaml").write_text(YAML.replace("letter.pgm", "f.png"))
    assert np.array_equal(load_ros_map(tmp_path / "f.yaml").grid.blocked, F)


def test_unknown_cells_follow_the_policy(tmp_path):
    file = write(tmp_path, grey=np.array([[254, 205, 0]], dtype=np.uint8))
    assert load_ros_map(file).grid.blocked.tolist() == [[False, True, True]]
    free = load_ros_map(file, unknown="free")
    assert free.grid.blocked.tolist() == [[False, False, True]]
    assert free.occupancy.tolist() == [[0, -1, 100]]
    scaled = write(tmp_path, YAML + "mode: raw\n", np.array([[0, 49, 50, 101]], dtype=np.uint8))
    strict = load_ros_map(scaled, unknown="free", lethal_threshold=50)
    assert strict.grid.blocked.tolist() == [[False, False, True, False]]


# --- round trips

occupancy_tables = st.integers(1, 9).flatmap(
    lambda cols: st.lists(
        st.lists(st.integers(-1, 100), min_size=cols, max_size=cols), min_size=1, max_size=9
    )
)


@settings(deadline=None, max_examples=60)
@given(table=occupancy_tables, encoding=st.sampled_from(["P5", "P2", "png"]), three=st.booleans())
def test_saving_and_loading_keeps_every_value(tmp_path_factory, table, encoding, three):
    folder = tmp_path_factory.mktemp("ros")
    values = np.array(table)
    if three:  # what map_saver's three greys can say
        values = np.where(values > 66, 100, np.where(values < 33, 0, -1))
    grey = np.where(values < 0, 255, values).astype(np.uint8)
    loaded = load_ros_map(write(folder, YAML + "mode: raw\n", grey))
    assert np.array_equal(loaded.occupancy, values)
    save_ros_map(folder / "again.yaml", loaded, encoding=encoding)
    again = load_ros_map(folder / "again.yaml")
    assert np.array_equal(again.occupancy, values)
    assert np.array_equal(again.grid.blocked, loaded.grid.blocked)
    assert (again.origin, again.grid.cell_size_m) == (loaded.origin, loaded.grid.cell_size_m)
    assert read_meta(folder / "again.yaml")[0].mode == (
        "trinary" if np.isin(values, [-1, 0, 100]).all() else "raw"
    )


def test_any_grid_can_be_saved(tmp_path):
    image = save_ros_map(tmp_path / "f.yaml", GridMap(F, 0.25), origin=(1.0, 2.0, 0.5))
    assert image == tmp_path / "f.pgm" and image.read_bytes().startswith(b"P5\n5 5\n255\n\x00\x00")
    loaded = load_ros_map(tmp_path / "f.yaml")
    assert np.array_equal(loaded.grid.blocked, F) and loaded.origin == (1.0, 2.0, 0.5)
    with pytest.raises(ValueError, match=r"ends in \.yaml"):
        save_ros_map(tmp_path / "f.pgm", GridMap(F))


# --- costmaps


@settings(deadline=None, max_examples=60)
@given(
    table=occupancy_tables,
    extra=st.floats(0.01, 100),
    encoding=st.sampled_from(["P5", "P2", "png"]),
)
def test_costmaps_round_trip(tmp_path_factory, table, extra, encoding):
    file = tmp_path_factory.mktemp("costs") / "costs.yaml"
    costs = np.array(table) * 254 // 100 % 253
    grid, layer = load_costmap(costs, cell_size_m=0.1, extra_at_252=extra)
    field = CostField(grid, layers=[layer])
    save_costmap(file, grid, field.layer("costmap"), extra_at_252=extra, encoding=encoding)
    again, same = load_costmap(file, extra_at_252=extra)
    assert again.cell_size_m == 0.1 and np.array_equal(again.blocked, grid.blocked)
    assert np.array_equal(np.asarray(same.values), np.asarray(layer.values))


def test_a_trinary_map_is_no_costmap(tmp_path):
    with pytest.raises(MapFormatError, match="mode trinary: a costmap is raw"):
        load_costmap(write(tmp_path))


# --- broken files


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("image: letter.pgm\n", "", "needs image"),
        ("letter.pgm", "absent.pgm", "'absent.pgm' not found"),
        ("letter.pgm", "../letter.pgm", "outside the folder"),
        ("letter.pgm", "/etc/passwd", "outside the folder"),
        ("letter.pgm", "[1]", r"line 1: image must be the name of a picture, not a list of 1"),
        ("0.5", "0", r"line 2: resolution must be .* not 0"),
        ("0.5", ".nan", r"line 2: resolution must be .* not nan"),
        ("0.5", "1" + "0" * 400, r"line 2: resolution must be .* not a huge number"),
        ("[-1.0, 2.0, 0.0]", "[1, 2]", r"line 3: origin must be three numbers"),
        ("0.65", "1.5", r"line 4: occupied_thresh must be a number from 0 to 1, not 1.5"),
        ("0.196", "0.7", r"line 5: free_thresh must be at most occupied_thresh"),
        ("negate: 0", "negate: maybe", r"line 6: negate must be 0 or 1, not 'maybe'"),
        ("negate: 0", "negate: 0\nmode: fuzzy", r"line 7: mode must be trinary or scale or raw"),
        ("negate: 0", "negate: 0\nnegate: [", r"line 8: no valid YAML"),
        ("negate: 0", "negate: !!python/object/apply:os.system [x]", r"line 6: no valid YAML"),
        (YAML, "", "must hold keys"),
        (YAML, "- 1", "must hold keys such as 'image: map.pgm', not list"),
        (YAML, "[" * 3000, "no valid YAML"),
    ],
)
def test_broken_yaml_names_line_and_reason(tmp_path, old, new, reason):
    assert old in YAML
    with pytest.raises(MapFormatError, match=reason) as caught:
        load_ros_map(write(tmp_path, YAML.replace(old, new)))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_numbers_that_yaml_takes_for_text(tmp_path):
    assert load_ros_map(write(tmp_path, YAML.replace("0.5", "5e-2"))).grid.cell_size_m == 0.05


def test_a_yaml_bomb_stays_small(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 30)]
    text = "\n".join(lines) + "\n" + YAML.replace("[-1.0, 2.0, 0.0]", "*a29")
    with pytest.raises(MapFormatError, match=r"origin must be three numbers.* not a list of 9"):
        load_ros_map(write(tmp_path, text))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_does_not_lead_outside(tmp_path):
    (tmp_path / "maps").mkdir()
    write_picture(tmp_path / "secret.pgm", grey_of(F), "P5")
    (tmp_path / "maps" / "letter.pgm").symlink_to(tmp_path / "secret.pgm")
    (tmp_path / "maps" / "letter.yaml").write_text(YAML)
    with pytest.raises(MapFormatError, match="outside the folder"):
        load_ros_map(tmp_path / "maps" / "letter.yaml")


P2 = b"P2\n# by hand\n3 2\n255\n0 1 2\n3 4 255\n"
P5 = b"P5 3 2 255\n\x00\x01\x02\x03\x04\xff"


def png_of(grey) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, format="PNG")
    return stream.getvalue()


PNG = png_of(np.array([[0, 1, 2], [3, 4, 255]], dtype=np.uint8))


@pytest.mark.parametrize("data", [P2, P5, PNG])
def test_the_three_encodings_say_the_same(data):
    picture = read_picture(data)
    assert (picture.total.tolist(), picture.full) == ([[0, 1, 2], [3, 4, 255]], 255)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no PGM"),
        (b"P6 1 1 255\n\x00\x00\x00", "no PGM"),
        (b"P2\n3 x\n255\n0\n", r"line 2: height must be a whole number, not 'x'"),
        (b"P2\n-3 2\n255\n0\n", r"line 2: width must be a whole number, not '-3'"),
        (b"P2\n3 2\n0\n0 0 0 0 0 0\n", r"line 4: the largest value must be 1 to 255 .* not 0"),
        (b"P5 1 1 65535\n\x00\x00", "the largest value must be 1 to 255 .* not 65535"),
        (b"P5 0 5 255\n", "has no cell"),
        (b"P5 3 2 255\n\x00", "claims 2 x 3 pixels, but only 1 bytes"),
        (b"P5 3 2 255", "white space must follow"),
        (b"P2 3 1 255\n1 2 z\n", r"line 2: a pixel must be a whole number, not 'z'"),
        (b"P2 2 1 255\n1 2\n3\n", r"more than the claimed 2"),
        (b"P2 3 1 255\n1      2\n", r"line 3: truncated: 2 of 3 pixels"),
        (b"P2 2 1 9\n1 10\n", "pixel 1 of row 0 is 10, over the largest value 9"),
        (b"P2 2 1 255\n1 9999999999\n", "pixel 1 of row 0 is 65535, over"),
        (PNG[:20], "truncated PNG"),
        (PNG[:-30], "no whole PNG"),
        (png_of(np.zeros((2, 2), dtype=np.uint16)), "16 bits a channel"),
    ],
)
def test_broken_pictures_name_line_and_reason(data, reason):
    with pytest.raises(MapFormatError, match=reason):
        read_picture(data, source="some.pgm")


def huge_png(side: int) -> bytes:
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    chunk = (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk


@pytest.mark.parametrize(
    "data", [b"P5 999999999 999999999 255\n0", b"P2 99999 99999 255\n0", huge_png(2**31 - 1)]
)
def test_a_huge_claim_allocates_nothing(data):
    tracemalloc.start()
    with pytest.raises(MapFormatError, match="claims"):
        read_picture(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


def test_memory_stays_within_a_small_multiple_of_the_file():
    data = b"P2 1000 1000 255\n" + b"0 " * 1_000_000
    tracemalloc.start()
    read_picture(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * len(data)


def parse_yaml(data: bytes) -> None:
    read_meta(data)


VALID = [(read_picture, P2), (read_picture, P5), (read_picture, PNG), (parse_yaml, YAML.encode())]


@pytest.mark.parametrize(("parse", "valid"), VALID)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_mutated_files_are_parsed_or_refused(parse, valid, data):
    parse(valid)
    mutant = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant)))
        span = data.draw(st.integers(0, 3))
        odd = [b"\n", b"9", b"!!int ", b"!!timestamp ", b"&a ", b"*a ", b"<<: ", b"= ", b"? "]
        mutant[at : at + span] = data.draw(st.binary(max_size=3) | st.sampled_from(odd))
    try:
        parse(bytes(mutant))
    except MapFormatError as error:
        assert "\n" not in str(error) and len(str(error)) < 600


@pytest.mark.parametrize("head", [b"", b"P2 ", b"P5 ", PNG[:8], PNG[:33]])
@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_refused(head, data):
    for parse in (read_picture, parse_yaml):
        try:
            parse(head + data)
        except MapFormatError as error:
            assert "\n" not in str(error) and len(str(error)) < 600
