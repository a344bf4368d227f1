"""Arrays as JSON values: dtype, shape, and the bytes, deflated, in base64. Bit for bit."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

DTYPES = ("|b1", "|u1", "<i4", "<i8", "<f4", "<f8")
MAX_BYTES = 256 << 20  # (a) of one array, unpacked: some sixty million costs
LEVEL = 6  # zlib's own default, named so that equal arrays give equal text in any build


class Packed(BaseModel):
    """One array. `array` checks everything before it asks for memory.

    >>> Packed.of(np.arange(3, dtype=np.int32)).array().tolist()
    [0, 1, 2]
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dtype: str
    shape: list[int]
    zlib: str

    @staticmethod
    def of(array: npt.NDArray[Any]) -> Packed:
        """An array of booleans or of plain integers and floats, in little-endian bytes.

        Raises ValueError for another dtype.
        """
        plain = np.ascontiguousarray(array)
        dtype = plain.dtype.newbyteorder("<").str
        if dtype not in DTYPES:
            raise ValueError(f"arrays of {array.dtype} cannot be stored: one of {_names()}")
        raw = plain.astype(np.dtype(dtype), copy=False).tobytes()
        packed = base64.b64encode(zlib.compress(raw, LEVEL)).decode("ascii")
        return Packed(dtype=dtype, shape=list(array.shape), zlib=packed)

    @property
    def size_bytes(self) -> int:
        """What the array takes, unpacked; 0 for a shape or dtype that `array` refuses."""
        if self.dtype not in DTYPES or any(side < 0 for side in self.shape):
            return 0
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def array(self) -> npt.NDArray[Any]:
        """The array, writable and in the machine's own byte order.

        Raises ValueError for an unknown dtype, a shape that is none or too large, and bytes that
        are broken or do not fill the shape.
        """
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}: one of {_names()}")
        dtype = np.dtype(self.dtype)
        if len(self.shape) > 3 or any(side < 0 for side in self.shape):
            raise ValueError(f"shape is {self.shape}: at most three sides of 0 or more")
        if self.size_bytes > MAX_BYTES:
            raise ValueError(
                f"shape {self.shape} takes {self.size_bytes:,} bytes, over {MAX_BYTES:,}"
            )
        raw = self._unpacked(self.size_bytes)
        found = np.frombuffer(raw, dtype=dtype).reshape(self.shape)
        return found.astype(dtype.newbyteorder("="))

    def _unpacked(self, size: int) -> bytes:
        """Exactly so many bytes, whatever the text would unfold to."""
        unpack = zlib.decompressobj()
        try:
            raw = unpack.decompress(base64.b64decode(self.zlib, validate=True), size + 1)
        except (binascii.Error, zlib.error, ValueError) as error:
            raise ValueError(f"the bytes are broken: {error}") from None
        if len(raw) != size or not unpack.eof:
            more = "more" if len(raw) > size or unpack.unconsumed_tail else "fewer"
            raise ValueError(f"there are {more} bytes than shape {self.shape} of {self.dtype} has")
        return raw


def _names() -> str:
    return ", ".join(np.dtype(name).name for name in DTYPES)
