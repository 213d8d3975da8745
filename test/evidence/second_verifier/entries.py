"""Entries of the log (docs/spec/log.md)."""

import re

from .faults import NUMBER_MAX, demand, sha256
from .loose_json import parse_json


class Entry:
    """A leaf, taken apart: stamp, line feed, event (docs/spec/log.md)."""

    STAMP = re.compile(
        r'\{"r":(0|[1-9][0-9]{0,15}),"o":(0|[1-9][0-9]{0,13}),"q":(0|[1-9][0-9]{0,13}),'
        r'"n":"([A-Za-z0-9_-]{21}[AQgw])"(?:,"c":([1-7]))?\}'
    )

    def __init__(self, name, index, leaf):
        demand(len(leaf) <= 65_535, "an entry above 65,535 bytes")
        stamp, feed, event = leaf.partition(b"\n")
        found = self.STAMP.fullmatch(stamp.decode("latin-1")) if feed and len(stamp) <= 96 else None
        demand(found and int(found.group(1)) <= NUMBER_MAX, "the leaf has no stamp")
        self.index, self.is_leaf, self.hash = index, name == "leaf", sha256(b"\x00", leaf)
        self.open, self.sequence = int(found.group(2)), int(found.group(3))
        self.changed = found.group(5) is not None
        demand(
            self.open <= index, "the stamp names a later entry as the one that opened its stream"
        )
        self.event = event
        body = parse_object(event)
        demand(body is not None, "the event is not one JSON object in strict UTF-8")
        action = body.get("action")
        self.action = action if isinstance(action, str) else ""
        # Only the port's own entries are read further; the rest would fill the memory.
        data = body.get("data") if self.action.startswith("postern.") else None
        self.data = data if isinstance(data, dict) else {}
        self.body = body  # For its digests; whoever keeps many entries lets it go.


def parse_object(event):
    """The event as a dictionary; None if it is not one JSON object in strict UTF-8."""
    try:
        body = parse_json(event.decode("utf-8"))
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def is_whole(value):
    """A whole number from 0 and below 2^53, however JSON spells it (12, 12.0, 1.2e1)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= NUMBER_MAX and value == int(value)
