"""The lines of an evidence file: grammar, order, the end line. Nothing in them is believed yet."""

import hashlib
import re
import zlib

from .disclosures import Disclosures
from .entries import Entry
from .faults import (
    KEYS_MAX,
    LEAVES_MAX,
    LINE_MAX,
    PIECE_MAX,
    UNPACKED_MAX,
    Invalid,
    Unknown,
    demand,
    parse_base64,
)
from .strict_json import Json


def unpacked(stream):
    """The bytes of the file in pieces, out of gzip (RFC 1952, one member) if it is packed."""
    first = stream.read(2)
    if first != b"\x1f\x8b":
        piece = first
        while piece:
            yield piece
            piece = stream.read(1 << 20)
        return
    engine = zlib.decompressobj(wbits=31)
    piece = first
    while piece:
        demand(not engine.eof, "something follows the gzip member")
        try:
            while piece:
                yield engine.decompress(piece, 1 << 20)
                piece = engine.unconsumed_tail
        except zlib.error as error:
            raise Invalid(f"damaged gzip: {error}") from error
        demand(not engine.unused_data, "something follows the gzip member")
        piece = stream.read(1 << 20)
    demand(engine.eof, "the gzip member is cut off")


def lines_of(stream):
    """Lines without their line feed; the last must have one."""
    rest, total = b"", 0
    for piece in unpacked(stream):
        total += len(piece)
        if total > UNPACKED_MAX:
            raise Unknown("more than 2 GiB unpacked")
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if len(line) > LINE_MAX:
                raise Unknown("a line above 128 KiB")
            yield line
        if len(rest) > LINE_MAX:
            raise Unknown("a line above 128 KiB")
    demand(rest == b"", "the last line has no line feed")


def read_head(json_, _file):
    json_.name("postern")
    demand(json_.raw() == "evidence@v1", "this is not evidence@v1")
    json_.take(",")
    json_.name("origin")
    origin = json_.string()
    json_.take(",")
    json_.name("kind")
    kind = json_.raw()
    demand(kind in ("set", "range", "stream", "fork"), f"kind {kind!r} is unknown")
    json_.take(",")
    json_.name("claim")
    start = json_.at
    demand(json_.peek() == "{", "claim is not an object")
    claim = read_claim(json_, kind)
    demand(
        len(json_.text[start : json_.at].encode("utf-8", "surrogatepass")) <= 4096,
        "claim is above 4,096 bytes",
    )
    json_.take(",")
    json_.name("count")
    count = json_.whole()
    demand((count == 0) == (kind == "fork"), f"a {kind} of {count} leaves")
    return {"origin": origin, "kind": kind, "claim": claim, "count": count}


CLAIMS = {"range": ["first", "count"], "stream": ["open", "first", "next"]}


def read_claim(json_, kind):
    """What a range or stream claims is checked, so it is written in one way; of a set, anything."""
    if kind not in CLAIMS:
        return json_.value()
    claim = {}
    for name in CLAIMS[kind]:
        json_.take("," if claim else "{")
        json_.name(name)
        claim[name] = json_.whole()
    json_.take("}")
    return claim


def read_note(json_, _file):
    json_.name("note")
    return json_.string()


def read_key(json_):
    json_.name("key")
    json_.take("{")
    json_.name("note")
    note = json_.string()
    json_.take(",")
    json_.name("index")
    index = json_.whole()
    json_.take(",")
    json_.name("leaf")
    leaf = parse_base64(json_.raw())
    demand(leaf is not None, "not base64")
    json_.take(",")
    json_.name("path")
    path = read_path(json_)
    json_.take("}")
    return note, index, leaf, path


def read_path(json_):
    path = []
    json_.take("[")
    while json_.peek() != "]":
        if path:
            json_.take(",")
        path.append(parse_base64(json_.raw()))
        demand(path[-1] is not None and len(path[-1]) == 32, "not base64 of a hash")
        demand(len(path) <= 53, "a path longer than any tree is high")
    json_.take("]")
    return path


def read_entry(json_, name):
    json_.name(name)
    json_.take("[")
    index = json_.whole()
    json_.take(",")
    leaf = parse_base64(json_.raw())
    demand(leaf is not None, "not base64")
    json_.take("]")
    return index, leaf


def read_disclosure(json_):
    json_.name("disclosure")
    json_.take("[")
    after = json_.whole()
    json_.take(",")
    text = json_.raw()
    demand(re.fullmatch("[A-Za-z0-9_-]+", text), "not base64url")
    demand(len(text) <= PIECE_MAX, "a piece above 65,536 characters")
    json_.take("]")
    return after, text


def read_batch(json_, _file):
    json_.name("batch")
    json_.take("[")
    first = json_.whole()
    json_.take(",")
    events = json_.whole()
    json_.take(",")
    digest = parse_base64(json_.raw())
    demand(digest is not None and len(digest) == 32, "a chain digest has 32 bytes, in base64")
    json_.take("]")
    return first, events, digest


def read_hashes(json_, _file):
    json_.name("hashes")
    data = parse_base64(json_.raw())
    whole = data is not None and 32 <= len(data) <= 1024 * 32 and len(data) % 32 == 0
    demand(whole, "not base64 of 1 to 1,024 hashes")
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def read_end(json_, _file):
    json_.name("end")
    json_.take("{")
    json_.name("lines")
    lines = json_.whole()
    json_.take(",")
    json_.name("sha256")
    digest = json_.raw()
    json_.take("}")
    return lines, digest


class File:
    """What the lines say, in the order of the table; nothing in it is believed yet."""

    ORDER = {
        **{"postern": 0, "note": 1, "key": 2, "leaf": 3, "disclosure": 3, "context": 3},
        **{"batch": 4, "hashes": 5, "end": 6},
    }

    def __init__(self, stream):
        self.head, self.notes, self.entries, self.batches, self.path = None, [], [], [], []
        self.leaves, self.keys, self.disclosures = 0, [], Disclosures()
        running, stage, number, ended = hashlib.sha256(), -1, 0, False
        for number, line in enumerate(lines_of(stream), 1):
            try:
                demand(not ended, "something follows the end line")
                stage, ended = self.line(line, stage, number, running)
            except Invalid as error:
                raise Invalid(f"line {number}: {error}") from error
            running.update(line + b"\n")
        demand(ended, "there is no end line")

    def line(self, line, stage, number, running):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Invalid("not UTF-8") from error
        json_ = Json(text)
        json_.take("{")
        name = Json(text, 1).raw()
        here = self.ORDER.get(name)
        demand(here is not None, f"unknown line {name[:40]!r}")
        demand((here == 0) == (number == 1), "the head is the first line, once")
        demand(here >= stage, f"{name} is out of order")
        if name != "disclosure":
            self.disclosures.end()
        if name == "postern":
            self.head = read_head(json_, self)
        elif name == "note":
            self.notes.append(read_note(json_, self))
        elif name == "key":
            self.key(read_key(json_))
        elif name in ("leaf", "context"):
            self.entry(name, *read_entry(json_, name))
        elif name == "disclosure":
            demand(self.head["kind"] != "fork", "a fork has no disclosures")
            self.disclosures.take(*read_disclosure(json_))
        elif name == "batch":
            self.batches.append(read_batch(json_, self))
        elif name == "hashes":
            self.path += read_hashes(json_, self)
        else:
            lines, digest = read_end(json_, self)
            demand(lines == number - 1, f"it says {lines} lines before it, there are {number - 1}")
            demand(digest == running.hexdigest(), "the digest of the lines before is another")
        json_.take("}")
        json_.end()
        if here == 0 and self.head["count"] > LEAVES_MAX:
            raise Unknown("more than 1,000,000 leaves")
        return here, name == "end"

    def key(self, proof):
        demand(not self.keys or self.keys[-1][1] < proof[1], "changes of the key do not ascend")
        if len(self.keys) >= KEYS_MAX:
            raise Unknown("more than 1,000 key lines")
        self.keys.append(proof)

    def entry(self, name, index, leaf):
        self.leaves += name == "leaf"
        if len(self.entries) >= 2 * LEAVES_MAX:
            raise Unknown("more than 2,000,000 entries")
        demand(not self.entries or self.entries[-1].index < index, "indexes do not ascend")
        entry = Entry(name, index, leaf)
        if entry.is_leaf:
            self.disclosures.begin(entry.body)
        del entry.body
        self.entries.append(entry)
