"""The tree against RFC 6962's own vectors and against its definition, computed naively."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.journal.merkle import Frontier, leaf_hash

# The inputs and roots of the reference implementation's tests (certificate-transparency, merkletree).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])).digest()


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    frontier = Frontier().appended(leaf_hash(leaf) for leaf in LEAVES[:size])

    assert frontier.root.hex() == ROOTS[size - 1]


@given(st.lists(st.binary(max_size=20), max_size=130), st.integers(min_value=0, max_value=130))
def test_the_frontier_gives_the_root_by_definition_however_the_leaves_are_cut(leaves: list[bytes], cut: int) -> None:
    first = Frontier().appended(leaf_hash(leaf) for leaf in leaves[:cut])

    stored = Frontier.from_bytes(first.size, first.to_bytes())
    whole = stored.appended(leaf_hash(leaf) for leaf in leaves[cut:])

    assert whole.size == len(leaves)
    assert whole.root == root_by_definition(leaves)


@pytest.mark.parametrize(("size", "length"), [(0, 32), (1, 0), (2, 64), (3, 32), (1, 31), (1, 33)])
def test_bytes_that_do_not_fit_the_size_are_refused(size: int, length: int) -> None:
    with pytest.raises(ValueError, match="do not make a tree"):
        Frontier.from_bytes(size, bytes(length))
