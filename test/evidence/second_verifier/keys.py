"""The log key over time (docs/spec/keys.md): which keys are believed, and up to which size."""

from .entries import Entry, parse_object
from .faults import BadPolicy, Invalid, demand, sha256
from .notes import Checkpoint, Key, Note

NO_BOUND = float("inf")
ANY_INDEX = 10**14


def parse_key(text, origin):
    demand(isinstance(text, str), "the entry names no key")
    try:
        key = Key(text, (Key.LOG,))
    except BadPolicy as error:
        raise Invalid(str(error)) from error
    demand(key.name == origin, "the entry names the key of another log")
    return key


def same(one, other):
    return one.name == other.name and one.public == other.public


class Trust:
    """The keys of the policy, and those that they lead to, each with its bound."""

    def __init__(self, policy, origin):
        self.policy, self.origin, self.learned = policy, origin, False
        self.roots = [key for key in policy.logs if key.name == f"{origin}/root"]
        self.keys = [[key, NO_BOUND] for key in policy.logs if key not in self.roots]

    @property
    def known(self):
        return [key for key, _ in self.keys] + self.roots

    def counts(self, key, size):
        return any(one is key and bound >= size for one, bound in self.keys)

    def find(self, key):
        return next((row for row in self.keys if same(row[0], key)), None)

    def add(self, key):
        if self.find(key) is None:
            self.keys.append([key, NO_BOUND])

    def limit(self, key, bound):
        row = self.find(key)
        if row is not None:
            row[1] = min(row[1], bound)

    def learn(self, proof):
        note, index, leaf, path = proof
        entry = Entry("key", ANY_INDEX, leaf)
        body = parse_object(entry.event)
        demand(body.get("source") == f"postern://{self.origin}", "not an entry of the log's own")
        if entry.action == "postern.key.retired":
            key = parse_key(entry.data.get("vkey"), self.origin)
            if self.find(key) is not None:
                self.check_held(note, index, entry, path)
                self.limit(key, index)
                self.learned = True
            return
        demand(entry.action == "postern.key.rolled", "the entry is not about the log key")
        self.roll(entry, note, index, path)

    def roll(self, entry, note, index, path):
        data = entry.data
        old, new = (parse_key(data.get(name), self.origin) for name in ("old", "new"))
        certificate, reason = data.get("certificate"), data.get("reason")
        demand(isinstance(certificate, str), "the entry has no certificate")
        demand(reason in ("planned", "compromised"), "the entry gives no reason")
        parsed = Note(certificate)
        lines = {(name, key_id) for name, key_id, _ in parsed.signatures}
        certifiers = [key for key in self.known if (key.name, key.id) in lines]
        if not certifiers and not self.learned:
            return
        signers = parsed.signed_by(certifiers)
        demand(signers, "no key that is known certified the new one")
        text = parsed.text.split("\n")
        demand(
            len(text) == 4 and text[:2] == ["postern-log-key/v1", self.origin],
            "not the certificate of a log key",
        )
        demand(same(parse_key(text[2], self.origin), new), "the certificate is for another key")
        by_root = any(key in self.roots for key in signers)
        demand(by_root or reason == "planned", "only the root key replaces a stolen key")
        # With the root key's word the checkpoint may be signed by the new key alone.
        judge = self
        if by_root:
            judge = Trust(self.policy, self.origin)
            judge.keys = [list(row) for row in self.keys]
            judge.add(new)
        judge.check_held(note, index, entry, path)
        self.add(new)
        if reason == "compromised":
            self.limit(old, index)
        self.learned = True

    def check_held(self, note, index, entry, path):
        checkpoint = Checkpoint(note, self.policy, self)
        demand(checkpoint.origin == self.origin, "the checkpoint is one of another log")
        asked = self.policy.quorum != "none"
        met = not asked or self.policy.is_met_by(checkpoint.witnesses)
        demand(met, "the checkpoint has not the quorum")
        demand(root_of(index, checkpoint.size, entry.hash, path) == checkpoint.root, "not in the tree")


def root_of(index, size, leaf, path):
    """The root that an audit path (RFC 6962 section 2.1.1) leads to; nothing for one of another length."""
    if index >= size:
        return None
    if size == 1:
        return leaf if not path else None
    if not path:
        return None
    middle = 1 << ((size - 1).bit_length() - 1)
    if index < middle:
        left, right = root_of(index, middle, leaf, path[:-1]), path[-1]
    else:
        left, right = path[-1], root_of(index - middle, size - middle, leaf, path[:-1])
    return None if left is None or right is None else sha256(b"\x01", left, right)
