"""Keys of writers' certificates."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from .faults import parse_base64
from .notes import verify_ed25519


def writer_key(text):
    """A function (message, signature) for an Ed25519 key, or a P-256 key with SHA-256."""
    data = parse_base64(text) if isinstance(text, str) else None
    if data is None:
        return None
    try:
        key = load_der_public_key(data)
        # The library reads more forms than RFC 8410 and RFC 5480 (uncompressed points) write.
        if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != data:
            return None
    except Exception:  # It has many ways to say that these bytes are no key.
        return None
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = data[-32:]
        return lambda message, signature: verify_ed25519(raw, message, signature)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        return None

    def verify_ecdsa(message, signature):
        if len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    return verify_ecdsa
