"""JSON as RFC 8259 has it and no stricter: events and disclosures, whose spelling is their writer's."""

import json
import re


def refuse(_):
    raise ValueError("not JSON")


def whole(text):
    return int(text) if len(text) < 20 else float("inf")


def parse_json(text):
    """The value; of a member that stands twice, the last. ValueError if it is no JSON."""
    try:
        return json.loads(text, parse_constant=refuse, parse_int=whole)
    except RecursionError:
        return Deep(text).value


def demand_json(holds):
    if not holds:
        refuse(None)


class Deep:
    """For what is nested deeper than the library goes: without recursion, and slowly."""

    BLANK = re.compile(r"[ \t\n\r]*")
    QUOTE = re.compile(r'\\.|"', re.DOTALL)
    PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")

    def __init__(self, text):
        self.text, self.at, self.open = text, 0, []
        self.value = self.item()
        while self.open:
            self.step(self.open[-1])
        self.peek()
        demand_json(self.at == len(text))

    def peek(self):
        self.at = self.BLANK.match(self.text, self.at).end()
        return self.text[self.at : self.at + 1]

    def took(self, letter):
        found = self.peek() == letter
        self.at += found
        return found

    def step(self, container):
        """What stands in the innermost container next, or its end."""
        is_list = isinstance(container, list)
        if self.took("]" if is_list else "}"):
            self.open.pop()
            return
        demand_json(not container or self.took(","))
        if is_list:
            container.append(self.item())
            return
        name = self.string()
        demand_json(self.took(":"))
        container[name] = self.item()

    def item(self):
        """A value; of a container only its beginning, what is in it follows."""
        first = self.peek()
        if first == '"':
            return self.string()
        if first == "[" or first == "{":
            self.at += 1
            self.open.append([] if first == "[" else {})
            return self.open[-1]
        found = self.PLAIN.match(self.text, self.at)
        demand_json(found)
        self.at = found.end()
        return parse_json(found.group())

    def string(self):
        demand_json(self.took('"'))
        start, found = self.at - 1, None
        while found is None or found.group() != '"':
            found = self.QUOTE.search(self.text, self.at)
            demand_json(found)
            self.at = found.end()
        return json.loads(self.text[start : self.at])
