"""Evidence of kind `stream`: is it whole, and what of it did the writer sign?"""

import re
import struct

from .entries import is_whole
from .faults import demand, parse_base64, sha256
from .writer_keys import writer_key


class Stream:
    """The stream that entry I opened, for evidence of kind `stream`."""

    def __init__(self, file, log, checkpoint):
        claim = file.head["claim"]
        self.index, self.first, self.next = claim.values()
        demand(self.first <= self.next, "the claim ends before it begins")
        self.file, self.log, self.origin = file, log, checkpoint.origin
        self.opening = log.by_index.get(self.index)
        demand(
            log.is_opening(self.opening), "the file does not have the entry that opened the stream"
        )
        self.id, self.writer = self.opening.data.get("stream"), self.opening.data.get("writer")
        self.leaves = [
            entry for entry in file.entries if entry.is_leaf and entry.open == self.index
        ]

    def check_whole(self):
        """Every sequence number of the claim is a leaf, or the port says that it has none."""
        covered, last = [], -1
        for leaf in self.leaves:
            demand(
                leaf.sequence > last,
                f"entry {leaf.index}: its sequence is not above that of the entry before",
            )
            last = leaf.sequence
            covered.append((leaf.sequence, leaf.sequence + 1))
        for entry in self.file.entries:
            if (
                entry.is_leaf
                and entry.index > self.index
                and entry.open != self.index
                and self.log.is_of_port(entry)
            ):
                covered += self.without_leaf(entry)
        at = self.first
        for start, end in sorted(covered):
            if start > at:
                break
            at = max(at, end)
        demand(
            at >= self.next,
            f"sequence {at} of the stream is neither an entry nor recorded as missing",
        )

    def without_leaf(self, entry):
        data = entry.data
        if (
            entry.action == "postern.stream.gap"
            and is_whole(data.get("open"))
            and data["open"] == self.index
        ):
            if is_whole(data.get("sequence")) and is_whole(data.get("count")):
                return [(int(data["sequence"]), int(data["sequence"]) + int(data["count"]))]
        if entry.action == "postern.refused" and self.is_refused_of(entry):
            pairs = data.get("sequences")
            return [
                (int(pair[0]), int(pair[1]))
                for pair in (pairs if isinstance(pairs, list) else [])
                if isinstance(pair, list)
                and len(pair) == 2
                and all(map(is_whole, pair))
                and pair[0] < pair[1]
            ]
        return []

    def is_refused_of(self, entry):
        data = entry.data
        named = isinstance(self.id, str) and isinstance(self.writer, str)
        same = named and data.get("stream") == self.id and data.get("writer") == self.writer
        return same and (self.opening.data.get("framed") is True or entry.open == self.opening.open)

    def is_framed(self):
        """Whether the writer numbers its events, and chains them; else the port does."""
        return self.opening.open != self.index and self.opening.data.get("framed") is True

    def has_chain(self):
        return (
            self.is_framed()
            and isinstance(self.id, str)
            and re.fullmatch("[0-9a-f]{32}", self.id) is not None
        )

    def signed_points(self):
        """Sequence to the chain digests that the writer signed there, in the order of the file."""
        points = {}
        verify = writer_key(self.opening.data.get("publicKey"))
        for entry in filter(self.log.is_of_port, self.file.entries):
            word = {"postern.stream.beat": "beat", "postern.stream.closed": "close"}.get(
                entry.action
            )
            data = entry.data
            if not is_whole(data.get("open")) or data["open"] != self.index:
                continue
            if entry.action == "postern.stream.continued":
                verify = writer_key(data.get("publicKey"))
            if word is None or verify is None or not is_whole(data.get("next")):
                continue
            digest, signature = (
                parse_base64(text) if isinstance(text, str) else None
                for text in (data.get("digest"), data.get("signature"))
            )
            if digest is None or len(digest) != 32 or signature is None:
                continue
            said = (self.origin, self.id, word, str(int(data["next"])), data["digest"])
            message = "".join(f"{line}\n" for line in ("postern-stream/v1", *said))
            if verify(message.encode(), signature):
                points.setdefault(int(data["next"]), []).append(digest)
        return points

    def writer_signed(self):
        """Indexes of the leaves whose bytes the writer's signatures cover."""
        if not self.has_chain():
            return set()
        points = self.signed_points()
        leaf_at = {leaf.sequence: leaf for leaf in self.leaves}
        signed, batches, next_is_signed = set(), self.file.batches, False
        for place in range(len(batches) - 1, -1, -1):
            first, events, digest = batches[place]
            end = first + events
            follows = place + 1 < len(batches) and batches[place + 1][0] == end and next_is_signed
            next_is_signed = False
            if not follows and digest not in points.get(end, ()):
                continue
            region = self.region(first, events, leaf_at)
            if region is None:
                continue
            before = self.digest_before(place, points)
            if (
                before is not None
                and sha256(before, struct.pack(">QI", first, events), sha256(region)) == digest
            ):
                signed.update(leaf_at[sequence].index for sequence in range(first, end))
                next_is_signed = True
        return signed

    def region(self, first, events, leaf_at):
        """The batch as it was sent, lengths included; None if an event is not here as it was."""
        if events > len(leaf_at):
            return None
        leaves = [leaf_at.get(sequence) for sequence in range(first, first + events)]
        if any(leaf is None or leaf.changed for leaf in leaves):
            return None
        return b"".join(struct.pack(">I", len(leaf.event)) + leaf.event for leaf in leaves)

    def digest_before(self, place, points):
        first = self.file.batches[place][0]
        if first == 0:
            return sha256(bytes.fromhex(self.id))
        if place > 0 and sum(self.file.batches[place - 1][:2]) == first:
            return self.file.batches[place - 1][2]
        return points.get(first, [None])[0]
