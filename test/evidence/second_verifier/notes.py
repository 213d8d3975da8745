"""Verifier keys, signed notes, checkpoints and trust policies (C2SP)."""

import re
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from .faults import NUMBER_MAX, BadPolicy, Invalid, demand, parse_base64, sha256
from .strict_json import Json


class Key:
    """A verifier key (signed-note v1.0.0): <name>+<key id in hex>+<base64 of type and key>."""

    LOG, WITNESS, WITNESS_ML_DSA = 1, 4, 6
    BYTES = {LOG: 32, WITNESS: 32, WITNESS_ML_DSA: 1312}

    def __init__(self, text, types):
        parts = text.split("+", 2)
        data = parse_base64(parts[2]) if len(parts) == 3 else None
        if not data or data[0] not in types or len(data) != 1 + self.BYTES[data[0]]:
            raise BadPolicy(f"{text[:60]!r} is not a verifier key of the right type")
        self.name, self.type, self.public = parts[0], data[0], data[1:]
        if not is_key_name(self.name):
            raise BadPolicy(f"{self.name[:60]!r} is not the name of a key")
        self.id = sha256(self.name.encode() + b"\n" + data)[:4]
        if self.id.hex() != parts[1]:
            raise BadPolicy(f"{text[:60]!r} has the key id of another key")

    def verifies(self, text, signature):
        message = text.encode()
        if self.type == self.WITNESS:
            if len(signature) != 72:
                return False
            (time,) = struct.unpack(">Q", signature[:8])
            if time > NUMBER_MAX:
                return False
            message = f"cosignature/v1\ntime {time}\n".encode() + message
            signature = signature[8:]
        return verify_ed25519(self.public, message, signature)


def verify_ed25519(public, message, signature):
    if len(signature) != 64:
        return False
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_key_name(name):
    """Not empty, no Unicode space, no plus sign, no control character."""
    spaces = r"\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    return re.fullmatch(rf"[^+{spaces}\ud800-\udfff]+", name) is not None


class Note:
    """A signed note, taken apart; no signature is believed yet."""

    def __init__(self, note):
        try:
            data = note.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Invalid("the note has half a surrogate pair") from error
        demand(len(data) <= 1_000_000, "the note is above 1,000,000 bytes")
        text, split, rest = note.rpartition("\n\n")
        demand(split, "the note has no empty line before its signatures")
        self.text = text + "\n"
        demand(not re.search(r"[\x00-\x09\x0b-\x1f]", self.text), "a control character in the note")
        demand(rest.endswith("\n"), "the note has no line feed at its end")
        lines = rest[:-1].split("\n")
        demand(len(lines) <= 100, "more than 100 signatures")
        self.signatures = [self.signature(line) for line in lines]

    @staticmethod
    def signature(line):
        parts = line.split(" ")
        demand(
            len(parts) == 3 and parts[0] == "\u2014" and is_key_name(parts[1]),
            "a line of the note is no signature",
        )
        data = parse_base64(parts[2])
        demand(data is not None and len(data) > 4, "a line of the note is no signature")
        return parts[1], data[:4], data[4:]

    def signed_by(self, keys):
        """Those of the keys that signed. A wrong signature of any of them refuses the note."""
        signers = []
        for name, key_id, signature in self.signatures:
            for key in keys:
                # ML-DSA-44 cannot be checked here: its lines count for nothing, good or bad.
                if (key.name, key.id) != (name, key_id) or key.type == Key.WITNESS_ML_DSA:
                    continue
                demand(key.verifies(self.text, signature), f"the signature of {name} is wrong")
                if key not in signers:
                    signers.append(key)
        return signers


class Checkpoint:
    """`<origin>\\n<size>\\n<base64 root>\\n` (docs/spec/log.md), opened under the policy."""

    def __init__(self, note, policy, trust):
        parsed = Note(note)
        signers = parsed.signed_by(trust.known + list(policy.witnesses.values()))
        lines = parsed.text.split("\n")
        demand(len(lines) == 4, "a checkpoint has three lines")
        self.origin, size, root = lines[:3]
        demand(is_key_name(self.origin), "the checkpoint has no origin")
        demand(Json.WHOLE.fullmatch(size) and int(size) <= NUMBER_MAX, "the checkpoint has no size")
        self.size, self.root = int(size), parse_base64(root)
        demand(self.root is not None and len(self.root) == 32, "the checkpoint has no root")
        self.logs = [
            key for key in signers if key.name == self.origin and trust.counts(key, self.size)
        ]
        demand(self.logs, "no signature of a key that is believed with the checkpoint's origin")
        self.witnesses = [name for name, key in policy.witnesses.items() if key in signers]


class Policy:
    """C2SP tlog-policy: whom the caller trusts."""

    def __init__(self, data):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        self.members = set()
        if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data):
            raise BadPolicy("a control character in the policy")
        if not data.endswith(b"\n"):
            raise BadPolicy("the policy does not end in a line feed")
        for line in data.decode("utf-8", "surrogateescape").split("\n"):
            words = line.strip(" \t")
            if words and not words.startswith("#"):
                self.statement(re.split("[ \t]+", words))
        if self.quorum is None:
            raise BadPolicy("the policy has no quorum line")

    @classmethod
    def of_vkey(cls, vkey):
        return cls(f"log {vkey}\nquorum none\n".encode())

    def statement(self, words):
        kind, count = words[0], len(words)
        if kind == "log" and 2 <= count <= 3:
            self.log(Key(words[1], (Key.LOG,)))
        elif kind == "witness" and 3 <= count <= 4:
            key = Key(words[2], (Key.WITNESS, Key.WITNESS_ML_DSA))
            if any(key.public == other.public for other in self.witnesses.values()):
                raise BadPolicy(f"the key of witness {words[1]} stands twice")
            self.declare(words[1], self.witnesses, key)
        elif kind == "group" and count >= 4:
            self.group(words[1], words[2], words[3:])
        elif kind == "quorum" and count == 2 and self.quorum is None:
            if words[1] != "none":
                self.known(words[1])
            self.quorum = words[1]
        else:
            raise BadPolicy(f"not a line of a policy: {' '.join(words)[:60]!r}")

    def log(self, key):
        if any(key.public == other.public for other in self.logs):
            raise BadPolicy(f"the key of log {key.name} stands twice")
        self.logs.append(key)

    def declare(self, name, table, value):
        if name == "none" or name in self.witnesses or name in self.groups:
            raise BadPolicy(f"the name {name} stands twice or is none")
        table[name] = value

    def known(self, name):
        if name not in self.witnesses and name not in self.groups:
            raise BadPolicy(f"{name} is not declared above")

    def group(self, name, threshold, members):
        for member in members:
            self.known(member)
            if member in self.members:
                raise BadPolicy(f"{member} is a member twice")
            self.members.add(member)
        if threshold not in ("any", "all") and not re.fullmatch("[1-9][0-9]{0,8}", threshold):
            raise BadPolicy(f"{threshold} is not any, all or a number")
        least = {"any": 1, "all": len(members)}.get(threshold) or int(threshold)
        if least > len(members):
            raise BadPolicy(f"group {name} asks for more than it has")
        self.declare(name, self.groups, (least, members))

    def is_met_by(self, witnesses):
        def counts(name):
            if name in self.witnesses:
                return name in witnesses
            least, members = self.groups[name]
            return sum(map(counts, members)) >= least

        return self.quorum != "none" and counts(self.quorum)
