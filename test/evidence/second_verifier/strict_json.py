"""JSON, as strict as docs/spec/evidence.md asks."""

import json
import re

from .faults import NUMBER_MAX, demand


class Raw(str):
    """A string that stood in the file without an escape."""


class Json:
    """A JSON reader that refuses white space and repeated members, and keeps their order."""

    STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*)"')
    NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
    WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")

    def __init__(self, text, at=0):
        self.text, self.at = text, at

    def peek(self):
        return self.text[self.at : self.at + 1]

    def take(self, literal):
        demand(
            self.text.startswith(literal, self.at), f"{literal} is missing at character {self.at}"
        )
        self.at += len(literal)

    def match(self, pattern, what):
        found = pattern.match(self.text, self.at)
        demand(found, f"no {what} at character {self.at}")
        self.at = found.end()
        return found

    def string(self):
        body = self.match(self.STRING, "string").group(1)
        return json.loads(f'"{body}"') if "\\" in body else Raw(body)

    def raw(self):
        value = self.string()
        demand(isinstance(value, Raw), f"an escape before character {self.at}")
        return value

    def whole(self):
        """A decimal integer below 2^53."""
        found = self.match(self.NUMBER, "number").group()
        demand(
            self.WHOLE.fullmatch(found) and int(found) <= NUMBER_MAX,
            f"{found[:30]} is no decimal integer below 2^53",
        )
        return int(found)

    def name(self, name):
        demand(self.raw() == name, f"member {name} is missing before character {self.at}")
        self.take(":")

    def value(self):
        """Any JSON value: a claim may hold what its maker likes."""
        head = self.peek()
        if head == '"':
            return self.string()
        if head == "{":
            return dict(self.items("{", "}", self.member))
        if head == "[":
            return self.items("[", "]", self.value)
        for literal, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(literal, self.at):
                self.at += len(literal)
                return value
        return float(self.match(self.NUMBER, "value").group())

    def items(self, opening, closing, item):
        self.take(opening)
        found = []
        if self.peek() == closing:
            self.at += 1
            return found
        while True:
            found.append(item())
            if opening == "{":
                names = [name for name, _ in found]
                demand(len(set(names)) == len(names), f"member {names[-1]!r} stands twice")
            if self.peek() == closing:
                self.at += 1
                return found
            self.take(",")

    def member(self):
        name = self.string()
        self.take(":")
        return name, self.value()

    def end(self):
        demand(self.at == len(self.text), f"something follows at character {self.at}")
