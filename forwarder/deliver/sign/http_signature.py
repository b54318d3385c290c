"""HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530). Signs; the receiver's side is in verify."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from forwarder.deliver.sign.components import Uncovered, signature_base
from forwarder.deliver.sign.content_digest import content_digest
from forwarder.deliver.sign.keys import Key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Algorithm, KeyForm, KeyUnusable
from forwarder.deliver.sign.structured import Bare, InnerList, dictionary
from forwarder.settings.signature import COMPONENTS

_NONCE_BYTES = 18


@dataclass(frozen=True, slots=True)
class HttpSignature:
    """Every key signs under a label of its own: `sig1` is the newest key's. `expires` is in seconds."""

    algorithm: Algorithm | None = None
    components: tuple[str, ...] = COMPONENTS
    expires: float | None = None
    nonce: bool = False
    tag: str | None = None
    key_form: KeyForm = KeyForm.PLAIN
    name: str = "rfc9421"

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """Those that a key may be for; the first is what a plain text key is used with."""
        return (self.algorithm,) if self.algorithm else (Algorithm.HMAC_SHA256, Algorithm.ED25519, Algorithm.ECDSA_P256)

    def headers(self, keys: Sequence[tuple[str, Key]], message: Message, now: float) -> list[tuple[str, str]]:
        """`keys` are (keyid, key), newest first; `now` is in Unix seconds. Raises KeyUnusable where a component is not there."""
        digest = content_digest(message.body)
        covers = {**message.headers, "content-digest": digest, "content-length": str(len(message.body))}
        message = replace(message, headers=covers)
        inputs: dict[str, InnerList] = {}
        signatures: dict[str, bytes] = {}
        for number, (kid, key) in enumerate(keys, 1):
            covered = InnerList(tuple((name, {}) for name in self.components), self._parameters(kid, key, message, now))
            try:
                base = signature_base(message, covered)
            except Uncovered as error:
                raise KeyUnusable(f"signature.components: {error}") from None
            inputs[f"sig{number}"], signatures[f"sig{number}"] = covered, key.sign([base])
        return [
            ("Content-Digest", digest),
            ("Signature-Input", dictionary(inputs)),
            ("Signature", dictionary(signatures)),
        ]

    def _parameters(self, kid: str, key: Key, message: Message, now: float) -> dict[str, Bare]:
        found: dict[str, Bare] = {"created": int(now)}
        if self.expires is not None:
            found["expires"] = int(now + self.expires)
        if self.nonce:
            # Of the moment and the batch: no two attempts share both, and nothing random has to be passed in.
            seed = hashlib.sha256(f"{message.id}\0{kid}\0{now!r}".encode()).digest()
            found["nonce"] = base64.urlsafe_b64encode(seed[:_NONCE_BYTES]).decode("ascii")
        found |= {"keyid": kid, "alg": key.algorithm.value}
        if self.tag is not None:
            found["tag"] = self.tag
        return found
