"""Asks the kernel for what a confined process must not get, one line of JSON: what came of each."""

import ctypes
import errno
import json
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*args)
    return "let" if result == 0 else errno.errorcode.get(ctypes.get_errno(), "?")


def write(path):
    try:
        with open(os.path.join(path, "mark"), "w"):
            pass
        os.unlink(os.path.join(path, "mark"))
        return "let"
    except OSError as error:
        return errno.errorcode.get(error.errno, "?")


said = {
    "ptrace": call("ptrace", 0, 0, 0, 0),
    "mount": call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
    "reboot": call("reboot", 0),
    "swapon": call("swapon", b"/none", 0),
    "unshare": call("unshare", 0x00020000),
}
said.update({path: write(path) for path in sys.argv[1:]})
print(json.dumps(said))
