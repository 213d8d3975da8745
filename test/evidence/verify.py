#!/usr/bin/env python3
"""Verifies an evidence file of a Postern log, written from docs/spec/evidence.md alone.

It shares no line with the project's own verifier, so that the format is what the page says and
not what one program does. Python 3.9 or newer and Debian's python3-cryptography, nothing else.

    verify.py FILE --policy POLICY | --vkey KEY [--json]
    verify.py --batch LIST     LIST: {"file":…, "policy":… or "vkey":…} a line; one report a line

Exit codes: 0 WITNESSED, 10 SIGNED-ONLY, 11 FORK-EVIDENCE, 3 INVALID, 1 unknown: a limit of this
program, or a file or policy that cannot be read.
"""

import argparse
import json
import sys

sys.dont_write_bytecode = True

from second_verifier.faults import BadPolicy
from second_verifier.notes import Policy
from second_verifier.verdict import verify

EXIT = {"WITNESSED": 0, "SIGNED-ONLY": 10, "FORK-EVIDENCE": 11, "INVALID": 3, "unknown": 1}


def say(report):
    print(report["verdict"])
    for name, value in report.items():
        if name not in ("verdict", "claim"):
            print(f"  {name}: {', '.join(value) if isinstance(value, list) else value}")


def policy_of(vkey, path):
    if vkey is not None:
        return Policy.of_vkey(vkey)
    with open(path, "rb") as stream:
        return Policy(stream.read())


def verify_list(path):
    with open(path, encoding="utf-8") as jobs:
        for line in jobs:
            job = json.loads(line)
            try:
                policy = policy_of(job.get("vkey"), job.get("policy"))
                report = verify(job["file"], policy)
            except BadPolicy as error:
                report = {"verdict": "unknown", "finding": str(error)}
            print(json.dumps(report), flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description="Verifies an evidence file of a Postern log.")
    parser.add_argument("file", nargs="?")
    parser.add_argument("--policy", help="file with a trust policy (C2SP tlog-policy)")
    parser.add_argument(
        "--vkey", help="the log's verifier key; short for a policy with quorum none"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--batch", metavar="LIST", help="file with one job a line")
    options = parser.parse_args()
    if options.batch is not None:
        return verify_list(options.batch)
    if options.file is None or (options.policy is None) == (options.vkey is None):
        parser.error("a FILE and one of --policy and --vkey are needed")
    try:
        policy = policy_of(options.vkey, options.policy)
    except (BadPolicy, OSError) as error:
        print(f"policy: {error}", file=sys.stderr)
        return EXIT["unknown"]
    report = verify(options.file, policy)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        say(report)
    return EXIT[report["verdict"]]


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    sys.exit(main())
