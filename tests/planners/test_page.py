"""The page of a search: its data, and the page at work in a real browser without a display."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from instances import open_grid
from matplotlib.colors import to_rgb

from planners import GraphMap, GridMap, plan
from planners.drawing.colours import FLOOR, VERMILION, WAITING, WALL

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GRAPH = GraphMap(
    [0, 2, 3, 5, 5], [1, 2, 3, 3, 0], [1.0, 1.0, 1.0, 2.0, 1.0],
    [[0, 0], [5, 0], [0, 5], [5, 5]], labels=["<a>", "b", "c", "</script>"],
)  # fmt: skip

# What a user does, one thing after the other, and what the page says and shows after each.
TOOLS = """
const find = (id) => document.getElementById(id), report = {};
const said = () => find("status").textContent + " | " + find("pace").textContent;
const press = (key) =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const canvas = find("canvas");
const seen = (...box) => canvas.getContext("2d").getImageData(...box).data;
const pixel = (row, col) => {
  const x = (col + 0.5) * canvas.width / COLS, y = (row + 0.5) * canvas.height / ROWS;
  return [...seen(x, y, 1, 1)].slice(0, 3);
};
const near = (hex) => {
  const all = seen(0, 0, canvas.width, canvas.height);
  const want = [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  let count = 0;
  for (let k = 0; k < all.length; k += 4)
    if (want.every((value, c) => Math.abs(value - all[k + c]) < 12)) count++;
  return count;
};
const done = () => {
  const out = document.createElement("pre");
  out.id = "report"; out.textContent = JSON.stringify(report); document.body.append(out);
};
onerror = (message) => { report.error = message; done(); };
"""


@pytest.fixture(scope="module")
def browser():
    """A Chromium; a user's machine may lack it, CI may not."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    reason = f"no browser to drive the page: install one of {', '.join(BROWSERS)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def driven(browser, tmp_path):
    """`driven(trace, script)` opens the page, runs the script in it and returns its report."""

    def run(trace, script, place=""):
        file = tmp_path / "page.html"
        trace.animate(file)
        shape = trace.map.shape if isinstance(trace.map, GridMap) else (1, 1)
        tools = TOOLS.replace("ROWS", str(shape[0])).replace("COLS", str(shape[1]))
        added = f"<script>{{{tools}\n{script}\n}}</script></body>"
        file.write_text(file.read_text().replace("</body>", added))
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--window-size=900,700", f"--user-data-dir={tmp_path / 'profile'}",
                 "--virtual-time-budget=8000", "--dump-dom"]  # fmt: skip
        shown = subprocess.run(
            [browser, *flags, f"{file.as_uri()}{place}"],
            check=True, capture_output=True, text=True, timeout=120,
        ).stdout  # fmt: skip
        report = re.search(r'<pre id="report">(.*?)</pre>', shown, flags=re.DOTALL)
        assert report, shown[-2000:]
        return json.loads(html.unescape(report[1]))

    return run


def on_a_grid(**options):
    problem = open_grid(2)
    return plan(problem.map, *problem.ends, costs=problem.costs, trace=True, **options).trace


def data_of(file):
    text = file.read_text(encoding="utf-8")
    inside = re.search(r'<script id="data" type="application/json">(.*?)</script>', text)
    return json.loads(inside[1]), text


def unpacked(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def colour(name):
    return (255 * np.array(to_rgb(name))).round().tolist()


def test_the_page_holds_every_event_and_the_map(tmp_path):
    trace = on_a_grid()
    trace.animate(tmp_path / "page.html")
    data, _ = data_of(tmp_path / "page.html")
    assert (data["events"], data["expansions"]) == (len(trace), trace.expanded.size)
    np.testing.assert_array_equal(unpacked(data["kinds"], "u1"), trace.kinds)
    np.testing.assert_array_equal(unpacked(data["nodes"], "<i4"), trace.nodes)
    for name in "fgh":
        np.testing.assert_allclose(unpacked(data[name], "<f4"), getattr(trace, name), rtol=1e-6)
    assert data["path"] == trace.path.nodes.tolist()
    assert (data["map"]["rows"], data["map"]["cols"]) == trace.map.shape
    walls = np.unpackbits(unpacked(data["map"]["walls"], "u1"), bitorder="little")
    np.testing.assert_array_equal(walls[: trace.map.size], trace.map.blocked.ravel())


def test_the_page_of_a_graph_holds_its_streets(tmp_path):
    trace = plan(GRAPH, "<a>", "</script>", trace=True).trace
    trace.animate(tmp_path / "page.html")
    data, _ = data_of(tmp_path / "page.html")
    np.testing.assert_array_equal(unpacked(data["map"]["parents"], "<i4"), trace.parents)
    streets = unpacked(data["map"]["streets"], "<i4").reshape(-1, 2)
    assert streets.tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]
    at = unpacked(data["map"]["at"], "<f4").reshape(-1, 2)
    assert at.tolist() == [[0, 1], [1, 1], [0, 0], [1, 0]]  # y points up


def test_the_page_needs_nothing_else(tmp_path):
    on_a_grid().animate(tmp_path / "page.html")
    _, text = data_of(tmp_path / "page.html")
    for reference in ("http", "src=", "href=", "import ", "fetch(", "@import", "url("):
        assert reference not in text


def test_step_back_slider_and_ends(driven):
    trace = on_a_grid()
    report = driven(trace, """
        report.title = find("title").textContent;
        report.begin = said();
        find("step").click(); find("step").click(); report.two = said();
        find("back").click(); report.one = said();
        find("slider").value = 9; find("slider").oninput(); report.nine = said();
        find("last").click(); report.last = said(); report.path = near("PATH");
        find("first").click(); report.first = said(); report.no_path = near("PATH");
        report.legend = find("legend").textContent;
        done();
    """.replace("PATH", VERMILION))  # fmt: skip
    events = len(trace)
    assert report["title"] == f"astar: {trace.expanded.size} expanded, cost {trace.cost:,.6g}"
    assert report["begin"].startswith(f"event 0 of {events} | 0 of {trace.expanded.size} expanded")
    for name, at in (("one", 1), ("two", 2), ("nine", 9), ("last", events)):
        kind, node = trace.KINDS[trace.kinds[at - 1]], int(trace.nodes[at - 1])
        cell = divmod(node, trace.map.cols)
        assert report[name].startswith(f"event {at} of {events}: {kind} cell {cell}, f ")
        begun = int((trace.kinds[:at] == 2).sum())
        assert f"| {begun} of {trace.expanded.size} expanded" in report[name]
        told = re.search(r"f (\S+), g (\S+), h (\S+)", report[name].replace(" |", ""))
        values = [trace.f[at - 1], trace.g[at - 1], trace.h[at - 1]]
        np.testing.assert_allclose([float(v) for v in told.groups()], values, rtol=1e-5)
    assert report["first"] == report["begin"]
    assert report["path"] > 100 > report["no_path"]
    for name in ("wall", "floor", "waiting", "expanded", "start", "goal", "path"):
        assert name in report["legend"]


def test_cells_have_the_colours_of_what_they_are(driven):
    """Half of the search: walls, floor not met, cells that wait, cells that were expanded."""
    trace = on_a_grid()
    half, cols = len(trace) // 2, trace.map.cols
    report = driven(trace, f"""
        for (let v = 0; v < {trace.map.size}; v++)
          report[v] = pixel(Math.floor(v / {cols}), v % {cols});
        done();
    """, place=f"#event={half}")  # fmt: skip
    met, done = set(trace.nodes[:half].tolist()), set(trace.nodes[:half][trace.kinds[:half] == 2])
    seen = set()
    for node in range(trace.map.size):
        if node in (trace.start, trace.goal, int(trace.nodes[half - 1])):
            continue  # under a mark
        shown = report[str(node)]
        kind = "wall" if trace.map.blocked.flat[node] else "done" if node in done else (
            "waiting" if node in met else "floor")  # fmt: skip
        seen.add(kind)
        if kind == "done":
            assert shown not in (colour(WALL), colour(FLOOR), colour(WAITING))
        else:
            assert shown == colour({"wall": WALL, "waiting": WAITING, "floor": FLOOR}[kind])
    assert seen == {"wall", "done", "waiting", "floor"}


def test_play_runs_to_the_end_and_pauses(driven):
    trace = on_a_grid()
    report = driven(trace, """
        find("speed").value = "16"; find("speed").onchange();
        find("play").click(); report.playing = find("play").textContent;
        find("play").click(); report.paused = find("play").textContent;
        find("play").click();
        let ticks = 0;
        const wait = () => {
          if (find("play").textContent === "Pause" && ticks++ < 400) return setTimeout(wait, 16);
          report.end = said(); report.after = find("play").textContent;
          press("Home"); report.home = said();
          press("ArrowRight"); report.key = said();
          done();
        };
        wait();
    """)  # fmt: skip
    events = len(trace)
    assert (report["playing"], report["paused"], report["after"]) == ("Pause", "Play", "Play")
    assert report["end"].startswith(f"event {events} of {events}:")
    assert report["home"].startswith("event 0 of")
    assert report["key"].startswith("event 1 of")


def test_a_graph_is_drawn_and_played(driven):
    trace = plan(GRAPH, "<a>", "</script>", trace=True).trace
    report = driven(trace, """
        report.begin = near("#B8B8B8"); report.waiting = near("WAITING");
        find("last").click(); report.end = said(); report.path = near("PATH");
        done();
    """.replace("WAITING", WAITING).replace("PATH", VERMILION))  # fmt: skip
    assert report["begin"] > 200 and report["waiting"] < 30
    assert report["path"] > 200
    assert f"{len(trace)} of {len(trace)}: close node 3, f " in report["end"]


@pytest.mark.parametrize("ends", [((0, 0), (0, 0)), ((0, 2), (0, 0)), ((0, 0), (0, 3))])
def test_queries_without_a_search_make_a_page(driven, ends):
    trace = plan(GridMap([[0, 0, 1, 0]]), *ends, trace=True).trace
    report = driven(trace, """
        for (const id of ["step", "back", "last", "play", "first"]) find(id).click();
        report.end = said(); done();
    """)  # fmt: skip
    assert report["end"].startswith(f"event 0 of {len(trace)}")
