"""Road networks: compressed arrays (`.npz`), DIMACS (`.gr` with an optional `.co`), GraphML.

========== ==================================================================================
`.npz`     arrays `ptr` (n + 1), `adj` and `w` (edges), optional `X` and `Y` (n): the edges
           `ptr[u] .. ptr[u + 1]` lead from u to `adj`, with lengths `w` in metres
`.gr`      lines `p sp NODES ARCS` (optional), `a FROM TO LENGTH`, `c ...`; nodes count from 1,
           or from 0 where the file has no `p` line and names a node 0
`.co`      lines `v NODE X Y`, beside a `.gr` of the same name
`.graphml` nodes with `x` and `y`, edges with `length`, as OSMnx writes them
========== ==================================================================================

Nodes that count from 1 are labelled with their number as text, those of GraphML with their id; all
others are called by their id. Directed edges stay directed, an undirected one becomes two.

Formats: http://www.diag.uniroma1.it/challenge9/format.shtml, http://graphml.graphdrawing.org
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from array import array
from collections.abc import Hashable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from planners import GraphMap, MapFormatError

from .textio import LIMIT_BYTES, Source, lines_of, owned, read_bounded, shown_bytes, whole_number

if TYPE_CHECKING:
    import networkx

GRAPH_SUFFIXES = (".npz", ".gr", ".graphml")
XML_LIMIT_BYTES = 64 * 2**20  # a parsed tree is about ten times its text
_ARRAYS = {"ptr": "iu", "adj": "iu", "w": "iuf"}
_POSITIONS = {"X": "iuf", "Y": "iuf"}
_NPY_VERSIONS = ((1, 0), (2, 0))


@dataclass(frozen=True, eq=False)
class LoadedGraph:
    """A road network: its file's name without suffix (or "graph"), and its map."""

    name: str
    graph: GraphMap


def load_graph(path: str | PathLike[str], *, limit_bytes: int = LIMIT_BYTES) -> LoadedGraph:
    """Read a road network; its format follows from the name's ending.

    Raises:
        MapFormatError: another ending, an unreadable file, or content that is no such network.
    """
    file = Path(path)
    if file.suffix == ".npz":
        graph = load_npz(path, limit_bytes=limit_bytes)
    elif file.suffix == ".gr":
        beside = file.with_suffix(".co")
        graph = load_gr(path, beside if beside.is_file() else None, limit_bytes=limit_bytes)
    elif file.suffix == ".graphml":
        graph = load_graphml(path, limit_bytes=min(limit_bytes, XML_LIMIT_BYTES))
    else:
        endings = ", ".join(GRAPH_SUFFIXES)
        raise MapFormatError(f"a road network's name ends in {endings}", source=str(path))
    return LoadedGraph(file.stem, graph)


def _graph(source: str, *parts: Any) -> GraphMap:
    try:
        return GraphMap(*parts)
    except ValueError as error:
        raise MapFormatError(str(error)[:400], source=source) from error


# --- compressed arrays


def load_npz(
    path_or_bytes: Source, *, source: str | None = None, limit_bytes: int = LIMIT_BYTES
) -> GraphMap:
    """Read arrays `ptr, adj, w` and, where there are any, `X, Y`.

    Args:
        path_or_bytes: a path, or the content as bytes.
        source: the name in messages; the path by default.
        limit_bytes: of the file, and again of its unpacked arrays.

    Raises:
        MapFormatError: no such file, an array missing, pickled, cut short, of the wrong kind.
    """
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    try:
        arrays = _unpacked(data, limit_bytes, shown)
    except MapFormatError:
        raise
    except Exception as error:  # broken archives raise a dozen kinds of errors
        reason = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise MapFormatError(f"is no whole .npz: {reason}", source=shown) from error
    xy = [arrays[name] for name in _POSITIONS if name in arrays]
    if len({array.size for array in (arrays["ptr"][1:], *xy)}) > 1:
        raise MapFormatError(
            f"X and Y need {arrays['ptr'].size - 1} values, not {[a.size for a in xy]}",
            source=shown,
        )
    position = np.stack(xy, axis=1) if xy else None
    return _graph(shown, arrays["ptr"], arrays["adj"], arrays["w"], position)


def _unpacked(data: bytes, limit_bytes: int, source: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an archive, by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        found = {entry.filename.removesuffix(".npy"): entry for entry in packed.infolist()}
        placed = found.keys() & _POSITIONS.keys()
        kinds = {**_ARRAYS, **(_POSITIONS if placed else {})}
        missing = [name for name in kinds if name not in found]
        if missing:
            raise MapFormatError(f"has no array {', '.join(missing)}", source=source)
        _check_unpacked([found[name] for name in kinds], limit_bytes, source)
        return {
            name: _npy(packed.read(found[name]), name, kind, source) for name, kind in kinds.items()
        }


def _check_unpacked(entries: list[zipfile.ZipInfo], limit_bytes: int, source: str) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > limit_bytes:
        raise MapFormatError(
            f"unpacks to {total} bytes, over the limit of {limit_bytes}: "
            "pass limit_bytes= to allow more",
            source=source,
        )
    known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(entry.compress_type not in known for entry in entries):
        raise MapFormatError("is packed by a method that numpy does not use", source=source)


def _npy(raw: bytes, name: str, kinds: str, source: str) -> npt.NDArray[Any]:
    """The one-dimensional array of an `.npy`; its header is held against the bytes at hand."""
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    if version not in _NPY_VERSIONS:
        raise MapFormatError(f"array {name}: .npy version {version} is unknown", source=source)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, _, dtype = read(stream)
    if len(shape) != 1 or dtype.kind not in kinds:
        wanted = "whole numbers" if kinds == "iu" else "numbers"
        raise MapFormatError(
            f"array {name} must be a list of {wanted}, not {dtype} of shape {shape}", source=source
        )
    body = raw[stream.tell() :]
    if len(body) != shape[0] * dtype.itemsize:
        raise MapFormatError(
            f"array {name} claims {shape[0]} values of {dtype.itemsize} bytes, "
            f"but {len(body)} bytes follow",
            source=source,
        )
    return np.frombuffer(body, dtype=dtype)


# --- DIMACS


def load_gr(
    path_or_bytes: Source,
    coordinates: Source | None = None,
    *,
    source: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> GraphMap:
    """Read a DIMACS `.gr`, and the positions of its `.co` where one is given.

    Args:
        path_or_bytes, coordinates: paths, or contents as bytes.
        source: the name in messages; the path by default.
        limit_bytes: a file over this size is refused unread.

    Raises:
        MapFormatError: unreadable, no arc, fewer or more arcs than the `p` line claims, a node
            outside it, a length that is no finite number >= 0, a node without coordinates; names
            the line.

    >>> graph = load_gr(b"p sp 2 1\\na 1 2 7\\n")
    >>> graph.node("2"), graph.length_m.tolist()
    (1, [7.0])
    """
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    tails, heads, lengths, claimed = _arcs(data, shown)
    if not len(tails):
        raise MapFormatError("holds no arc (a line 'a FROM TO LENGTH')", source=shown)
    u, v = owned(tails, np.int64), owned(heads, np.int64)
    first = 0 if claimed is None and min(u.min(), v.min()) == 0 else 1
    nodes = int(max(u.max(), v.max())) + 1 - first if claimed is None else claimed[0]
    order = np.argsort(u, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(u - first, minlength=nodes))])
    position = None
    if coordinates is not None:
        text, called = read_bounded(coordinates, limit_bytes=limit_bytes)
        position = _coordinates(text, called, first, nodes)
    labels = [str(node) for node in range(1, nodes + 1)] if first else None
    return _graph(shown, indptr, v[order] - first, owned(lengths, np.float64)[order], position,
                  labels)  # fmt: skip


def _arcs(
    data: bytes, source: str
) -> tuple[array[int], array[int], array[float], tuple[int, int] | None]:
    """Tails, heads and lengths as written, and (nodes, arcs) of the `p` line."""
    tails, heads, lengths = array("q"), array("q"), array("d")
    claimed: tuple[int, int] | None = None
    low, high = 0, len(data)  # a node takes at least a byte: a huge id asks for no memory
    number = 1
    for number, line in lines_of(data, source):
        fields = line.split() or [line]
        if fields[0] == b"a" and len(fields) == 4:
            u = whole_number(fields[1], "a node", number, source)
            v = whole_number(fields[2], "a node", number, source)
            if not (low <= u <= high and low <= v <= high):
                reason = f"arc {u} -> {v}: nodes run from {low} to {high}"
                raise MapFormatError(reason, line=number, source=source)
            tails.append(u)
            heads.append(v)
            lengths.append(_number(fields[3], "a length", number, source))
        elif fields[:2] == [b"p", b"sp"] and len(fields) == 4 and claimed is None and not tails:
            claimed = (whole_number(fields[2], "the number of nodes", number, source),
                       whole_number(fields[3], "the number of arcs", number, source))  # fmt: skip
            if not 1 <= claimed[0] <= high:
                reason = f"claims {claimed[0]} nodes in a file of {len(data)} bytes"
                raise MapFormatError(reason, line=number, source=source)
            low, high = 1, claimed[0]
        elif not fields[0].startswith(b"c"):
            reason = (
                f"expected 'a FROM TO LENGTH', 'p sp NODES ARCS' or 'c', not {shown_bytes(line)}"
            )
            raise MapFormatError(reason, line=number, source=source)
    if claimed is not None and len(tails) != claimed[1]:
        reason = f"the file claims {claimed[1]} arcs but holds {len(tails)}"
        raise MapFormatError(reason, line=number, source=source)
    return tails, heads, lengths, claimed


def _number(field: bytes, what: str, line: int, source: str) -> float:
    try:
        value = float(field) if len(field) <= 40 and b"_" not in field else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MapFormatError(
            f"{what} must be a finite number, not {shown_bytes(field)}", line=line, source=source
        )
    return value


def _coordinates(data: bytes, source: str, first: int, nodes: int) -> npt.NDArray[np.float64]:
    position = np.full((nodes, 2), np.nan)
    for number, line in lines_of(data, source):
        fields = line.split() or [line]
        if fields[0] == b"v" and len(fields) == 4:
            node = whole_number(fields[1], "a node", number, source)
            if not first <= node < first + nodes:
                reason = f"node {node}: nodes run from {first} to {first + nodes - 1}"
                raise MapFormatError(reason, line=number, source=source)
            position[node - first] = [
                _number(field, "a coordinate", number, source) for field in fields[2:]
            ]
        elif fields[0] not in (b"c", b"p"):
            reason = f"expected 'v NODE X Y', 'p ...' or 'c', not {shown_bytes(line)}"
            raise MapFormatError(reason, line=number, source=source)
    absent = np.flatnonzero(np.isnan(position[:, 0]))
    if absent.size:
        raise MapFormatError(
            f"{absent.size} of {nodes} nodes have no coordinates, node {absent[0] + first} first",
            source=source,
        )
    return position


# --- GraphML and networkx


def load_graphml(
    path_or_bytes: Source,
    *,
    length: str = "length",
    x: str = "x",
    y: str = "y",
    source: str | None = None,
    limit_bytes: int = XML_LIMIT_BYTES,
) -> GraphMap:
    """Read a GraphML file through networkx; node ids become labels.

    Args:
        path_or_bytes: a path, or the content as bytes (UTF-8).
        length, x, y: the attributes to take; a file without x and y gives a map without positions.
        source: the name in messages; the path by default.
        limit_bytes: a file over this size is refused unread.

    Raises:
        MapFormatError: unreadable, with a DOCTYPE (which can define entities that grow without
            end), not UTF-8, no GraphML, an edge without a length.
    """
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    _check_plain(data, shown)
    import networkx as nx

    try:
        graph = nx.read_graphml(io.BytesIO(data), node_type=str)
    except Exception as error:  # XML, keys, types: networkx raises whatever it meets
        place: tuple[int | None, ...] = getattr(error, "position", (None,))
        reason = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise MapFormatError(f"is no GraphML: {reason}", line=place[0], source=shown) from error
    try:
        return graph_of(graph, length=length, x=x, y=y)
    except (ValueError, TypeError) as error:
        raise MapFormatError(" ".join(str(error).split())[:400], source=shown) from error


def _check_plain(data: bytes, source: str) -> None:
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding=["']([^"']*)""", data)
    if declared is not None and declared.group(1).lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        reason = f"is encoded as {shown_bytes(declared.group(1))}: save it as UTF-8"
        raise MapFormatError(reason, line=1, source=source)
    for mark in (b"<!DOCTYPE", b"<!ENTITY", b"\0"):
        at = data.find(mark)
        if at >= 0:
            line = data.count(b"\n", 0, at) + 1
            reason = f"holds {shown_bytes(mark)}: only plain UTF-8 GraphML is read"
            raise MapFormatError(reason, line=line, source=source)


def graph_of(
    graph: networkx.Graph[Any], *, length: str = "length", x: str = "x", y: str = "y"
) -> GraphMap:
    """A map of a networkx graph as OSMnx makes them: positions in `x` and `y` (or `pos`) of nodes.

    Args:
        graph: any kind; node objects become labels, undirected edges two.
        length: edge attribute in metres.
        x, y: node attributes; used where every node has both and none of `pos`.

    Raises:
        ValueError: an edge without a length, or one that is no number >= 0; no nodes.
    """
    plain = GraphMap.from_networkx(graph, length, "pos")
    at: list[tuple[Hashable, dict[str, Any]]] = list(graph.nodes(data=True))
    if plain.position_m is not None or not all(x in data and y in data for _, data in at):
        return plain
    position = [(float(data[x]), float(data[y])) for _, data in at]
    return GraphMap(plain.indptr, plain.indices, plain.length_m, position, plain.labels)
