"""Starts a programme confined as systemd would: `confine.py UNIT_LINE... -- PROGRAMME ARGUMENT...`

Each UNIT_LINE is a value of SystemCallFilter= in the unit's order, then the programme. The filter is made by libseccomp from the sets that
`systemd-analyze syscall-filter` knows; what it lacks gives EPERM, as SystemCallErrorNumber= says. Needs no rights: NoNewPrivileges is set.
"""

import ctypes
import errno
import os
import subprocess
import sys

ALLOW = 0x7FFF0000
DENY = 0x00050000 | errno.EPERM


def members(name, seen):
    """System calls of a set, sets within it included; a call is its own member."""
    if not name.startswith("@"):
        return {name}
    if name in seen:
        return set()
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    lines = [line.strip() for line in text.splitlines()[1:]]
    words = [line for line in lines if line and not line.startswith("#")]
    return set().union(*(members(word, seen | {name}) for word in words))


def calls(lines):
    """As systemd.exec(5): the first line makes it a list of what is allowed, a later one with ~ takes away."""
    allowed = set()
    for line in lines:
        taken = line.startswith("~")
        for name in line.lstrip("~").split():
            allowed = allowed - members(name, set()) if taken else allowed | members(name, set())
    # systemd always lets these through.
    return allowed | members("@default", set())


def load(allowed):
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(DENY)))
    known = 0
    for name in sorted(allowed):
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            continue  # Newer than this library, or another architecture's.
        if lib.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, 0, None) == 0:
            known += 1
    if known < 100:
        raise SystemExit(f"a filter of {known} calls is none")
    if lib.seccomp_load(context) != 0:
        raise SystemExit("the filter could not be loaded")


at = sys.argv.index("--")
allowed = calls(sys.argv[1:at])
load(allowed)
os.execvp(sys.argv[at + 1], sys.argv[at + 1 :])
