"""Values that were kept out of a leaf (docs/spec/disclosures.md): those of the file, one at a time."""

import base64
import re

from .faults import DISCLOSURE_MAX, PIECE_MAX, Unknown, demand, sha256
from .loose_json import parse_json

DIGEST = re.compile("[A-Za-z0-9_-]{43}")
SALT = re.compile("[ -~]{22,128}")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def digests_of(body):
    listed = body.get("_sd")
    texts = listed if isinstance(listed, list) else []
    return {text for text in texts if isinstance(text, str) and DIGEST.fullmatch(text)}


class Disclosures:
    """Of the leaf that was read last: what it names, and what stands behind it."""

    def __init__(self):
        self.disclosed = self.withheld = self.withholding = 0
        self.body, self.left, self.names = None, set(), set()
        self.pieces, self.length, self.after = [], 0, 0

    def begin(self, body):
        self.body, self.left, self.names = body, digests_of(body), set()

    def end(self):
        """Something else follows."""
        demand(not self.pieces, f"{self.after} pieces of a disclosure are missing")
        self.withheld += len(self.left)
        self.withholding += len(self.left) > 0
        self.body, self.left = None, set()

    def take(self, after, text):
        demand(self.body is not None, "a disclosure without a leaf before it")
        demand(not self.pieces or after == self.after - 1, "the pieces do not count down")
        demand(after == 0 or len(text) == PIECE_MAX, "a piece below 65,536 characters")
        self.length += len(text)
        if self.length > DISCLOSURE_MAX:
            raise Unknown("a disclosure of more than 11,184,811 characters")
        self.pieces.append(text)
        self.after = after
        if after == 0:
            whole = "".join(self.pieces)
            self.pieces, self.length = [], 0
            self.whole(whole.encode("ascii"))

    def whole(self, text):
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
        demand(base64url(data) == text, "not base64url")
        digest = base64url(sha256(text)).decode()
        demand(digest in self.left, "the leaf does not name its digest, or not again")
        self.left.remove(digest)
        name = self.name_in(data)
        demand(name not in self.names and name not in self.body, f"{name!r} is in the event already")
        self.names.add(name)
        self.disclosed += 1

    @staticmethod
    def name_in(data):
        try:
            array = parse_json(data.decode("utf-8"))
        except ValueError:
            array = None
        demand(isinstance(array, list) and len(array) == 3, "not a JSON array of three")
        salt, name, _ = array
        demand(isinstance(salt, str) and SALT.fullmatch(salt), "no salt")
        demand(isinstance(name, str) and name not in ("_sd", "..."), "no name")
        return name
