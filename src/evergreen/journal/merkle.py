"""The Merkle tree of RFC 6962 (section 2.1), kept as a compact frontier: O(log n) to append and to know the root.

    leaf hash  = SHA-256(0x00 || leaf)
    node hash  = SHA-256(0x01 || left || right)

A tree of n leaves splits at the largest power of two below n, so it is a row of perfect subtrees, one for each
set bit of n; their roots, largest first, are the frontier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Frontier", "leaf_hash"]

_EMPTY = hashlib.sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Return the 32-byte hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The perfect subtrees of a tree of ``size`` leaves, largest first."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.roots) != self.size.bit_count() or any(len(root) != 32 for root in self.roots):
            raise ValueError(f"{len(self.roots)} subtrees do not make a tree of {self.size} leaves")

    def appended(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """Return the frontier after the given leaf hashes."""
        size, roots = self.size, list(self.roots)
        for leaf in leaf_hashes:
            node, level = leaf, size
            while level & 1:  # a full pair at this level: it becomes one subtree of twice the size
                node = _node_hash(roots.pop(), node)
                level >>= 1
            roots.append(node)
            size += 1
        return Frontier(size=size, roots=tuple(roots))

    @property
    def root(self) -> bytes:
        """The root of the tree; of an empty one, the hash of nothing."""
        if not self.roots:
            return _EMPTY
        node = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            node = _node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """Return the roots one after the other, 32 bytes each."""
        return b"".join(self.roots)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Read what ``to_bytes`` wrote for a tree of ``size`` leaves.

        Raises:
            ValueError: the bytes do not fit that size.
        """
        return cls(size=size, roots=tuple(data[start : start + 32] for start in range(0, len(data), 32)))
