"""Grey pictures: PGM (P2 and P5) and PNG in, PGM and PNG out; row 0 is the top.

PGM is read here, so that an error has a line; PNG is read by Pillow once its header has been held
against the limit (a PNG of a kilobyte may claim a gigabyte).

Format: https://netpbm.sourceforge.net/doc/pgm.html
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from planners import MapFormatError

from .textio import LIMIT_BYTES, Source, read_bounded, shown_bytes

Encoding = Literal["P5", "P2", "png"]

LIMIT_CELLS = 2**26
_PNG = b"\x89PNG\r\n\x1a\n"
_IHDR = slice(8, 26)  # length, "IHDR", width, height, bit depth, colour type
_GAP = re.compile(rb"(?:[ \t\r\n\v\f]|#[^\n]*\n)+")  # white space and comments between PGM fields
_CHUNK_BYTES = 2**20
_PER_LINE = 17  # P2 asks for lines of at most 70 characters


class Picture(NamedTuple):
    """A picture as brightness: `total / full` in [0, 1].

    `total` is (rows, cols) uint16, the sum of the channels (an alpha channel counts as one, as in
    map_server); `full` is the sum at full white; `transparent` marks pixels whose alpha is not
    full, None where there is no alpha.
    """

    total: npt.NDArray[np.uint16]
    full: int
    transparent: npt.NDArray[np.bool_] | None = None

    @property
    def shades(self) -> npt.NDArray[np.float64]:
        """(full + 1,) the brightness that each total stands for."""
        return np.arange(self.full + 1) / self.full


def read_picture(
    path_or_bytes: Source,
    *,
    with_alpha: bool = True,
    source: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
    limit_cells: int = LIMIT_CELLS,
) -> Picture:
    """Read a PGM or PNG picture of 8 bits a channel.

    Args:
        path_or_bytes: a path, or the content as bytes.
        with_alpha: let an alpha channel count in the brightness (see `Picture`).
        source: the name in messages; the path by default.
        limit_bytes, limit_cells: files and pictures over these are refused unread.

    Raises:
        MapFormatError: unreadable, over a limit, cut short, or no such picture.
    """
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    if data.startswith(_PNG):
        return _png(data, shown, with_alpha, limit_cells)
    if data[:2] in (b"P2", b"P5"):
        return _pgm(data, shown, limit_cells)
    raise MapFormatError(
        f"is no PGM (P2, P5) or PNG picture: it begins with {shown_bytes(data[:8])}", source=shown
    )


def _check_cells(rows: int, cols: int, limit_cells: int, source: str) -> None:
    if rows < 1 or cols < 1:
        raise MapFormatError(f"a picture of {rows} x {cols} pixels has no cell", source=source)
    if rows * cols > limit_cells:
        raise MapFormatError(
            f"claims {rows} x {cols} pixels, over the limit of {limit_cells}: "
            "pass limit_cells= to allow more",
            source=source,
        )


# --- PNG


def _png(data: bytes, source: str, with_alpha: bool, limit_cells: int) -> Picture:
    header = data[_IHDR]
    if len(header) < 18 or header[4:8] != b"IHDR":
        raise MapFormatError("truncated PNG: its header is cut short", source=source)
    cols, rows = int.from_bytes(header[8:12], "big"), int.from_bytes(header[12:16], "big")
    _check_cells(rows, cols, limit_cells, source)
    if header[16] == 16:
        raise MapFormatError("has 16 bits a channel: save it with 8", source=source)
    from PIL import Image  # loaded only for those who read a PNG

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            alpha = image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info
            mode = "RGBA" if alpha else ("L" if image.mode in ("1", "L") else "RGB")
            pixels = np.asarray(image.convert(mode))
    except Exception as error:  # a decoder in C raises what it likes on broken bytes
        raise MapFormatError(f"is no whole PNG: {_short(error)}", source=source) from error
    if pixels.ndim == 2:
        return Picture(pixels.astype(np.uint16), 255)
    counted = pixels if with_alpha or not alpha else pixels[..., :3]
    total = counted.sum(axis=2, dtype=np.uint16)
    return Picture(total, 255 * counted.shape[2], pixels[..., 3] < 255 if alpha else None)


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:200]


# --- PGM


def _pgm(data: bytes, source: str, limit_cells: int) -> Picture:
    (cols, rows, top), at = _pgm_header(data, source)
    _check_cells(rows, cols, limit_cells, source)
    line = data.count(b"\n", 0, at) + 1
    if not 1 <= top <= 255:
        raise MapFormatError(
            f"the largest value must be 1 to 255 (8 bits), not {top}", line=line, source=source
        )
    plain = data.startswith(b"P2")
    needed = (2 * rows * cols - 1) if plain else rows * cols
    if len(data) - at < needed:
        raise MapFormatError(
            f"truncated: the header claims {rows} x {cols} pixels, "
            f"but only {len(data) - at} bytes follow it",
            line=line,
            source=source,
        )
    values = (
        _plain(data, at, rows * cols, source)
        if plain
        else np.frombuffer(data, dtype=np.uint8, count=rows * cols, offset=at)
    )
    beyond = values > top
    if beyond.any():
        row, col = divmod(int(beyond.argmax()), cols)
        raise MapFormatError(
            f"pixel {col} of row {row} is {values[beyond.argmax()]}, over the largest value {top}",
            source=source,
        )
    return Picture(values.astype(np.uint16).reshape(rows, cols), top)


def _pgm_header(data: bytes, source: str) -> tuple[list[int], int]:
    """(width, height, largest value) and the offset of the first pixel."""
    found, at = [], 2
    for name in ("width", "height", "largest value"):
        gap = _GAP.match(data, at)
        at = gap.end() if gap else at
        field = re.compile(rb"[^\s#]{0,11}").match(data, at)
        text = field.group() if field else b""
        if gap is None or not text.isdigit() or len(text) > 10:
            raise MapFormatError(
                f"{name} must be a whole number, not {shown_bytes(text)}",
                line=data.count(b"\n", 0, at) + 1,
                source=source,
            )
        found.append(int(text))
        at += len(text)
    if data[at : at + 1] not in (b" ", b"\t", b"\r", b"\n"):
        raise MapFormatError(
            f"white space must follow the largest value, not {shown_bytes(data[at : at + 1])}",
            line=data.count(b"\n", 0, at) + 1,
            source=source,
        )
    return found, at + 1


def _plain(data: bytes, at: int, count: int, source: str) -> npt.NDArray[np.uint16]:
    """(count,) decimal numbers from an offset on, read piece by piece: fields cost more than bytes.

    What is over 65,535 is read as 65,535: too large either way.
    """
    values, filled = np.empty(count, dtype=np.uint16), 0
    while at < len(data):
        end = min(len(data), at + _CHUNK_BYTES)
        while end < len(data) and end - at < 2 * _CHUNK_BYTES and not data[end : end + 1].isspace():
            end += 1
        fields = data[at:end].split()
        bad = next((field for field in fields if not field.isdigit() or len(field) > 10), None)
        if bad is not None or filled + len(fields) > count:
            where = data.find(bad, at) if bad is not None else end - 1
            reason = (
                f"a pixel must be a whole number, not {shown_bytes(bad)}"
                if bad is not None
                else f"more than the claimed {count} pixels"
            )
            raise MapFormatError(reason, line=data.count(b"\n", 0, where) + 1, source=source)
        numbers = np.minimum(np.array(fields, dtype="S10").astype(np.int64), 65_535)
        values[filled : filled + numbers.size] = numbers
        filled += numbers.size
        at = end
    if filled < count:
        raise MapFormatError(
            f"truncated: {filled} of {count} pixels",
            line=data.count(b"\n") + 1,
            source=source,
        )
    return values


# --- out


def write_picture(path: Path, grey: npt.NDArray[np.uint8], encoding: Encoding) -> None:
    """Write (rows, cols) grey values as PGM (`P5` in bytes, `P2` in digits) or PNG.

    Raises:
        ValueError: an unknown encoding. OSError: the file cannot be written.
    """
    rows, cols = grey.shape
    if encoding == "png":
        from PIL import Image

        Image.fromarray(grey).save(path, format="PNG")
        return
    if encoding not in ("P2", "P5"):
        raise ValueError(f"unknown encoding {encoding!r}: choose P5, P2 or png")
    header = f"{encoding}\n{cols} {rows}\n255\n".encode()
    if encoding == "P5":
        path.write_bytes(header + grey.tobytes())
        return
    with path.open("wb") as stream:
        stream.write(header)
        for row in grey.tolist():
            for at in range(0, cols, _PER_LINE):
                stream.write(" ".join(map(str, row[at : at + _PER_LINE])).encode() + b"\n")
