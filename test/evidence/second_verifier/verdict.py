"""The verdict on one file."""

from .faults import SEQUENCE_MAX, Invalid, Unknown, demand
from .keys import Trust
from .lines import File
from .notes import Checkpoint
from .openings import Log
from .streams import Stream
from .tree import check_tree


def check_batches(file):
    demand(not file.batches or file.head["kind"] == "stream", "batch lines are for streams only")
    end = 0
    for first, events, _ in file.batches:
        demand(first >= end, "batch lines overlap or do not ascend")
        demand(
            1 <= events <= 2**32 - 1 and first + events <= SEQUENCE_MAX + 1,
            "a batch line counts no possible number of events",
        )
        end = first + events


def check_range(file):
    claim, leaves = file.head["claim"], [entry.index for entry in file.entries if entry.is_leaf]
    demand(claim["count"] == len(leaves), "the claim counts other leaves than there are")
    demand(
        leaves == list(range(claim["first"], claim["first"] + len(leaves))),
        "the leaves are not the range of the claim",
    )


def check_fork(file, policy, trust, report):
    demand(
        not file.entries and not file.path and not file.batches,
        "a fork has two notes and key lines",
    )
    demand(len(file.notes) == 2, "a fork has two notes")
    one, two = (Checkpoint(note, policy, trust) for note in file.notes)
    demand(one.origin == two.origin == file.head["origin"], "the origin is another")
    demand(one.size == two.size, "the notes are of different sizes")
    demand(one.root != two.root, "the notes have the same root")
    report.update(
        size=one.size, verdict="FORK-EVIDENCE", leaves=0, writerSigned=0, portAsserted=0, unknown=0
    )


def check_file(file, policy, report):
    head = file.head
    report.update(kind=head["kind"], origin=head["origin"], claim=head["claim"])
    check_batches(file)
    trust = Trust(policy, head["origin"])
    for proof in file.keys:
        trust.learn(proof)
    if head["kind"] == "fork":
        return check_fork(file, policy, trust, report)
    demand(len(file.notes) == 1, "there is one note")
    demand(
        head["count"] == file.leaves,
        f"the head counts {head['count']} leaves, there are {file.leaves}",
    )
    checkpoint = Checkpoint(file.notes[0], policy, trust)
    demand(checkpoint.origin == head["origin"], "the origin of the checkpoint is another")
    check_tree(checkpoint, file.entries, file.path)
    log = Log(file.entries)
    signed, numbered_by = set(), None
    if head["kind"] == "range":
        check_range(file)
    if head["kind"] == "stream":
        stream = Stream(file, log, checkpoint)
        stream.check_whole()
        signed = stream.writer_signed()
        numbered_by = "writer" if stream.is_framed() else "port"
    met = policy.is_met_by(checkpoint.witnesses)
    leaves = [entry for entry in file.entries if entry.is_leaf]
    unknown = sum(not log.has_sender(entry) for entry in leaves)
    report.update(
        verdict="WITNESSED" if met else "SIGNED-ONLY",
        size=checkpoint.size,
        leaves=len(leaves),
        context=len(file.entries) - len(leaves),
        hashes=len(file.path),
        witnesses=checkpoint.witnesses,
        numberedBy=numbered_by,
        writerSigned=len(signed),
        portAsserted=len(leaves) - len(signed) - unknown,
        unknown=unknown,
        disclosed=file.disclosures.disclosed,
        withheld=file.disclosures.withheld,
        withholding=file.disclosures.withholding,
    )


def verify(path, policy):
    """The report on one file: its verdict, and what was counted on the way."""
    report = {"verdict": "INVALID"}
    try:
        with open(path, "rb") as stream:
            check_file(File(stream), policy, report)
    except Invalid as error:
        report.update(verdict="INVALID", finding=str(error))
    except Unknown as error:
        report.update(verdict="unknown", finding=str(error))
    except OSError as error:
        report.update(verdict="unknown", finding=error.strerror)
    return report
