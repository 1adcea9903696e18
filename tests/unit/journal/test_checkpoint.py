"""The signed statement: its form is a promise to other tools, and only its exact text passes."""

import base64
import hashlib
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evergreen.core.errors import Corrupt, Unavailable
from evergreen.journal.checkpoint import Checkpoint, Signer

SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
CHECKPOINT = Checkpoint(size=42, root=hashlib.sha256(b"root").digest())


@pytest.fixture
def signer() -> Signer:
    return Signer(KEY)


def test_a_note_has_the_form_of_a_signed_checkpoint(signer: Signer) -> None:
    origin, size, root, blank, signature, end = signer.sign(CHECKPOINT).split("\n")

    assert (origin, size, base64.b64decode(root), blank, end) == ("evergreen/journal", "42", CHECKPOINT.root, "", "")
    dash, name, encoded = signature.split(" ")
    assert (dash, name) == ("—", "evergreen/journal")
    key_id, signed = base64.b64decode(encoded)[:4], base64.b64decode(encoded)[4:]
    public = KEY.public_key()
    assert key_id == hashlib.sha256(b"evergreen/journal\n\x01" + public.public_bytes_raw()).digest()[:4]
    public.verify(signed, f"{origin}\n{size}\n{root}\n".encode())


def test_a_note_reads_back_as_what_was_signed(signer: Signer) -> None:
    assert signer.open_note(signer.sign(CHECKPOINT)) == CHECKPOINT


def test_no_note_with_one_character_changed_inserted_or_removed_is_accepted(signer: Signer) -> None:
    note = signer.sign(CHECKPOINT)
    edits = {note[:place] + note[place + 1 :] for place in range(len(note))}
    for character in "\n +0_A=é٤":
        edits |= {note[:place] + character + note[place:] for place in range(len(note) + 1)}
        edits |= {note[:place] + character + note[place + 1 :] for place in range(len(note))}
    edits |= {
        note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :] for place in range(len(note))
    }  # also the bits at the end of base64 that decode to nothing

    accepted = []
    for edit in edits - {note}:
        try:
            signer.open_note(edit)
        except Corrupt:
            continue
        accepted.append(edit)

    assert accepted == []


def test_a_note_of_another_key_is_not_accepted(signer: Signer) -> None:
    other = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

    with pytest.raises(Corrupt, match="signed by another key"):
        signer.open_note(other.sign(CHECKPOINT))


def test_a_signature_of_another_text_is_not_accepted(signer: Signer) -> None:
    body, _, _ = signer.sign(CHECKPOINT).partition("\n\n")
    _, _, signature = signer.sign(Checkpoint(size=43, root=CHECKPOINT.root)).partition("\n\n")

    with pytest.raises(Corrupt, match="does not fit its text"):
        signer.open_note(f"{body}\n\n{signature}")


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key" / "journal.ed25519"

    note = Signer.open(path).sign(CHECKPOINT)

    assert Signer.open(path).open_note(note) == CHECKPOINT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(path.read_bytes()) == 32


def test_a_key_of_the_wrong_length_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "journal.ed25519"
    path.write_bytes(b"short")

    with pytest.raises(Corrupt, match="has 5 bytes, expected 32"):
        Signer.open(path)


def test_a_key_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Unavailable, match="cannot write key"):
        Signer.open(tmp_path / "file" / "key" / "journal.ed25519")
