"""Values that were kept out of a leaf (docs/spec/disclosures.md): those of the file, one at a time."""

import base64
import re

from .faults import DISCLOSURE_MAX, DIGESTS_MAX, NUMBER_MAX, PIECE_MAX, Unknown, demand, sha256
from .loose_json import parse_json

DIGEST = re.compile("[A-Za-z0-9_-]{43}")
SALT = re.compile("[ -~]{22,128}")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def is_digest(text):
    return isinstance(text, str) and DIGEST.fullmatch(text) is not None


def is_sealed(body):
    """Whether the policy made disclosures of the event: then any object or array in it may hold digests."""
    policy = body.get("_policy")
    count = policy.get("sealed") if isinstance(policy, dict) else None
    if isinstance(count, bool) or not isinstance(count, (int, float)):
        return False
    return 0 < count <= NUMBER_MAX and count == int(count)


def places_in(holder):
    """The digests that stand in one object or array itself, with the position of an element."""
    if isinstance(holder, dict):
        listed = holder.get("_sd")
        texts = listed if isinstance(listed, list) else []
        return [(text, None) for text in dict.fromkeys(filter(is_digest, texts))]
    found = []
    for position, one in enumerate(holder):
        if isinstance(one, dict) and list(one) == ["..."] and is_digest(one["..."]):
            found.append((one["..."], position))
    return found


class Places:
    """Where the digests stand of an event and of the values that were put into it."""

    def __init__(self, body):
        self.left, self.seen, self.names = {}, set(), {}
        self.holders = []  # Kept, so that no two of them ever have one identity.
        self.deep = is_sealed(body)
        if self.deep:
            self.look(body)
        else:
            self.add_all(body)

    def look(self, value):
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, (dict, list)):
                self.add_all(one)
                waiting.extend(one.values() if isinstance(one, dict) else one)

    def add_all(self, holder):
        for digest, position in places_in(holder):
            # In two places it names a value in neither.
            self.left[digest] = None if digest in self.seen else (holder, position)
            self.seen.add(digest)
            self.holders.append(holder)
        demand(len(self.seen) <= DIGESTS_MAX, "more than 4,096 digests")

    def take(self, digest, data):
        place = self.left.get(digest)
        demand(place is not None, "the leaf does not name its digest, or not again, or twice")
        holder, position = place
        parts = array_in(data)
        demand(len(parts) == (3 if position is None else 2), "the form of another place")
        if position is None:
            name = parts[1]
            demand(isinstance(name, str) and name not in ("_sd", "..."), "no name")
            given = self.names.setdefault(id(holder), set())
            demand(name not in given and name not in holder, f"{name!r} is in the event already")
            given.add(name)
        del self.left[digest]
        if self.deep:
            self.look(parts[-1])


def array_in(data):
    try:
        array = parse_json(data.decode("utf-8"))
    except ValueError:
        array = None
    demand(isinstance(array, list) and len(array) in (2, 3), "not a JSON array of two or three")
    demand(isinstance(array[0], str) and SALT.fullmatch(array[0]), "no salt")
    return array


class Disclosures:
    """Of the leaf that was read last: what it names, and what stands behind it."""

    def __init__(self):
        self.disclosed = self.withheld = self.withholding = 0
        self.places = None
        self.pieces, self.length, self.after = [], 0, 0

    def begin(self, body):
        self.places = Places(body)

    def end(self):
        """Something else follows."""
        demand(not self.pieces, f"{self.after} pieces of a disclosure are missing")
        if self.places is not None:
            self.withheld += len(self.places.left)
            self.withholding += len(self.places.left) > 0
        self.places = None

    def take(self, after, text):
        demand(self.places is not None, "a disclosure without a leaf before it")
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
        self.places.take(digest, data)
        self.disclosed += 1
