"""The tree of RFC 6962 section 2.1."""

from .faults import demand, sha256


def check_tree(checkpoint, entries, path):
    """Every hash of the path is used once, and the root is the checkpoint's."""
    size = checkpoint.size
    if size == 0:
        demand(not entries and not path, "an empty tree has no entries and no path")
        demand(checkpoint.root == sha256(), "the root is another")
        return
    demand(not entries or entries[-1].index < size, "an entry beyond the checkpoint's size")
    used = 0

    def walk(start, end, low, high):
        """The hash of entries [start, end) of the tree; the file has entries[low:high] of them."""
        nonlocal used
        if low == high:
            demand(used < len(path), "the path is too short")
            used += 1
            return path[used - 1]
        if end - start == 1:
            return entries[low].hash
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        border = low
        left, right = low, high
        while left < right:
            border = (left + right) // 2
            if entries[border].index < middle:
                left = border + 1
            else:
                right = border
        return sha256(b"\x01", walk(start, middle, low, left), walk(middle, end, left, high))

    root = walk(0, size, 0, len(entries))
    demand(used == len(path), "the path has hashes that are not used")
    demand(root == checkpoint.root, "the root is another")
