"""Which entry opened which stream, as far as the file shows it."""


class Log:
    """The entries of the file by index, and what they say about each other."""

    OWN = ("postern.started", "postern.epoch.began", "postern.stream.opened")

    def __init__(self, entries):
        self.by_index = {entry.index: entry for entry in entries}

    def begins_own_stream(self, entry):
        return entry is not None and entry.open == entry.index and entry.action in self.OWN

    def is_of_port(self, entry):
        """Whether it stands in the port's own stream, whose opening entry the file has."""
        return self.begins_own_stream(self.by_index.get(entry.open))

    def is_opening(self, entry):
        """Whether it opened a stream: the port's own, or one that the port's stream tells of."""
        if entry is None or self.begins_own_stream(entry):
            return entry is not None
        return entry.action == "postern.stream.opened" and self.is_of_port(entry)

    def has_sender(self, entry):
        """Whether the file has the opening entry that says who sent it."""
        return self.is_opening(self.by_index.get(entry.open))
