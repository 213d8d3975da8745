"""What ends a check, and what all modules need."""

import base64
import binascii
import hashlib


NUMBER_MAX = 2**53 - 1
LEAVES_MAX = 1_000_000
KEYS_MAX = 1_000
LINE_MAX = 128 * 1024
UNPACKED_MAX = 2 * 1024**3
SEQUENCE_MAX = 10**14 - 1
PIECE_MAX = 65_536
DISCLOSURE_MAX = 11_184_811
DIGESTS_MAX = 4_096


class Invalid(Exception):
    """The file does not show what it says it shows."""


class Unknown(Exception):
    """This program cannot say."""


class BadPolicy(Exception):
    """What the caller trusts cannot be read."""


def demand(holds, why):
    if not holds:
        raise Invalid(why)


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def parse_base64(text):
    """RFC 4648 section 4 with padding, one spelling for each value; None for anything else."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return None
    return data if base64.b64encode(data).decode() == text else None
