"""What drift is measured against: the grid that training rows fix, and their profile window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import polars as pl

from evergreen.core.errors import Corrupt
from evergreen.measures.grid import Grid, fit_grid
from evergreen.measures.profile import Profile, profile
from evergreen.monitoring.tables import columns_of

__all__ = ["Reference", "decode_reference", "encode_reference", "profile_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The grid, and one profile per window of training rows, oldest first."""

    grid: Grid
    windows: tuple[Profile, ...]


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    grid: bytes
    windows: list[bytes]


def encode_reference(rows: pl.DataFrame, inputs: Sequence[str], time: str, window: timedelta) -> bytes:
    """Return the reference that training ``rows`` give, in windows that begin at whole multiples since the epoch."""
    grid = fit_grid(columns_of(rows, inputs))
    parts = rows.group_by(pl.col(time).dt.truncate(window), maintain_order=False)
    profiles = [profile_rows(grid, part) for _, part in sorted(parts, key=lambda item: str(item[0][0]))]
    return msgspec.msgpack.encode(_Stored(grid=grid.encode(), windows=[one.encode() for one in profiles]))


def decode_reference(data: bytes) -> Reference:
    """Read what ``encode_reference`` wrote.

    Raises:
        Corrupt: it is something else.
    """
    try:
        stored = msgspec.msgpack.decode(data, type=_Stored)
    except msgspec.DecodeError as error:
        raise Corrupt(f"a drift reference cannot be read: {error}") from error
    return Reference(grid=Grid.decode(stored.grid), windows=tuple(Profile.decode(one) for one in stored.windows))


def profile_rows(grid: Grid, rows: pl.DataFrame) -> Profile:
    """Return the profile of ``rows`` on ``grid``."""
    return profile(grid, columns_of(rows, [bins.name for bins in grid.columns]))
