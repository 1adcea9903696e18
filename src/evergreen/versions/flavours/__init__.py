"""How models of a library become files and come back, one file a library, found in one table."""

from __future__ import annotations

from evergreen.versions.flavours.flavour import FLAVOURS, Flavour, Predict, flavour_of, open_flavour

__all__ = ["FLAVOURS", "Flavour", "Predict", "flavour_of", "open_flavour"]
