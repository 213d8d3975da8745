#!/usr/bin/env python3
"""What the parsers of the second verifier make of texts: one question a line, one answer a line."""

import json
import sys
from os.path import abspath, dirname, join

sys.dont_write_bytecode = True
sys.path.insert(0, join(dirname(dirname(abspath(__file__))), "evidence"))

from base64 import b64encode

from second_verifier.faults import BadPolicy, Invalid
from second_verifier.keys import Trust
from second_verifier.notes import Checkpoint, Note, Policy


def key_text(key):
    return f"{key.name}+{key.id.hex()}+{b64encode(bytes([key.type]) + key.public).decode()}"


def read_note(text, _):
    note = Note(text)
    return [note.text] + [f"{name} {i.hex()} {s.hex()}" for name, i, s in note.signatures]


def read_checkpoint(text, policy):
    found = Checkpoint(text, policy, Trust(policy, policy.logs[0].name))
    root = b64encode(found.root).decode()
    met = "true" if policy.is_met_by(found.witnesses) else "false"
    return [found.origin, str(found.size), root, *sorted(found.witnesses), met]


def read_policy(text, _):
    policy = Policy(text.encode())
    groups = [f"{name} {n} {' '.join(of)}" for name, (n, of) in policy.groups.items()]
    witnesses = [f"{n} {key.name} {key.id.hex()}" for n, key in policy.witnesses.items()]
    return [key_text(key) for key in policy.logs] + witnesses + groups + [policy.quorum]


PARSERS = {"note": read_note, "cosigned-checkpoint": read_checkpoint, "policy": read_policy}
policies = {}
for line in sys.stdin:
    asked = json.loads(line)
    policy = policies.setdefault(asked["policy"], Policy(asked["policy"].encode()))
    try:
        said, why = "|".join(PARSERS[asked["parser"]](asked["input"], policy)), ""
    except (Invalid, BadPolicy) as error:
        said, why = None, str(error)
    print(json.dumps({"said": said, "why": why}))
