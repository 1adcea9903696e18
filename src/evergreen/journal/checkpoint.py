"""Signed statements of the journal's state, as in C2SP tlog-checkpoint: origin, size, root, an Ed25519 signature."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evergreen.core.errors import Corrupt
from evergreen.store.atomic import atomic_write, make_folder

__all__ = ["ORIGIN", "Checkpoint", "Signer"]

ORIGIN = "evergreen/journal"
_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How long the journal is, and the root of its tree."""

    size: int
    root: bytes

    def body(self) -> str:
        """Return the text that is signed."""
        return f"{ORIGIN}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Signer:
    """The home's own key. It stands for "nobody edited this without the key", not for a person."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key()
        self._public: Ed25519PublicKey = public
        # Key id of the signed-note format: first 4 bytes of SHA-256(name || "\n" || type || public key).
        self._key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + _ED25519 + public.public_bytes_raw()).digest()[:4]

    @classmethod
    def open(cls, path: Path) -> Signer:
        """Load the key at ``path``, making it first if it is not there (mode 0600).

        Raises:
            Corrupt: the file does not hold 32 bytes.
        """
        if not path.exists():
            make_folder(path.parent)
            # Of two first starts one wins; both then read the winner's key.
            atomic_write(path, os.urandom(32), mode=0o600, replace=False)
        seed = path.read_bytes()
        if len(seed) != 32:
            raise Corrupt(f"key {path} has {len(seed)} bytes, expected 32", hint="restore it from a backup")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, checkpoint: Checkpoint) -> str:
        """Return the signed note."""
        return _note(checkpoint, self._key_id + self._key.sign(checkpoint.body().encode()))

    def open_note(self, note: str) -> Checkpoint:
        """Return what the note states, if this home's key signed it.

        Raises:
            Corrupt: the note is malformed, or signed by another key, or not for its text.
        """
        try:
            body, _, line = note.partition("\n\n")
            _, size, root = body.split("\n")
            _, _, encoded = line.strip("\n").split(" ")
            signature = base64.b64decode(encoded, validate=True)
            checkpoint = Checkpoint(size=int(size), root=base64.b64decode(root, validate=True))
        except (AttributeError, TypeError, ValueError) as error:
            raise Corrupt("the journal's checkpoint is malformed") from error
        if note != _note(checkpoint, signature):  # base64 and numbers can be spelled in more ways than one
            raise Corrupt("the journal's checkpoint is malformed")
        if signature[:4] != self._key_id:
            raise Corrupt("the journal's checkpoint is signed by another key")
        try:
            self._public.verify(signature[4:], checkpoint.body().encode())
        except InvalidSignature:
            raise Corrupt("the signature of the journal's checkpoint does not fit its text") from None
        return checkpoint


def _note(checkpoint: Checkpoint, signature: bytes) -> str:
    return f"{checkpoint.body()}\n— {ORIGIN} {base64.b64encode(signature).decode()}\n"
