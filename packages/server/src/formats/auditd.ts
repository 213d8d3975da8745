import { type AuditRecord, readAuditRecord } from "./auditd-fields.ts"
import { membersOfAudit } from "./auditd-members.ts"
import { HeldPieces } from "./held-pieces.ts"
import { type GivePieces, type Piece, type PieceReader, pieceFormat } from "./pieces.ts"

/** The Linux audit system: the records of one serial number are one event. */
export const auditd = pieceFormat(
  {
    name: "auditd",
    title: "Linux audit: audit.log, or an audisp plugin's input, raw or enriched",
    recognisedBy: '"type=… msg=audit(…)"',
  },
  () => new AuditReader(),
)

export const auditdStart = /^(?:node=\S{1,255} )?type=[A-Z0-9_[\]]{1,64} msg=audit\(/

/** The kernel's serials interleave a little where it has several processors. */
const openMax = 16
const sourcesMax = 256
/** Records that the kernel writes several of under one serial; all others stand alone. */
const compound = new Set([
  ...[
    "SYSCALL",
    "PATH",
    "CWD",
    "EXECVE",
    "PROCTITLE",
    "SOCKADDR",
    "SOCKETCALL",
    "IPC",
    "IPC_SET_PERM",
  ],
  ...["OBJ_PID", "BPRM_FCAPS", "CAPSET", "MMAP", "FD_PAIR", "AVC", "SELINUX_ERR", "NETFILTER_CFG"],
  ...[
    "KERN_MODULE",
    "MQ_OPEN",
    "MQ_SENDRECV",
    "MQ_NOTIFY",
    "MQ_GETSETATTR",
    "BPF",
    "EVENT_LISTENER",
  ],
  ...[
    "URINGOP",
    "OPENAT2",
    "SECCOMP",
    "CONFIG_CHANGE",
    "LOGIN",
    "TIME_INJOFFSET",
    "TIME_ADJNTPVAL",
  ],
  ...[
    "FANOTIFY",
    "ANOM_ABEND",
    "ANOM_LINK",
    "ANOM_PROMISCUOUS",
    "MAC_STATUS",
    "MAC_POLICY_LOAD",
    "EOE",
  ],
])

interface Open<P extends Piece> {
  readonly key: string
  readonly records: AuditRecord[]
  readonly pieces: P[]
  /** Its last record has been seen, as far as that can be known. */
  isWhole: boolean
}

class AuditReader<P extends Piece> implements PieceReader<P> {
  /** By source, the oldest first. */
  readonly #open = new Map<string, Open<P>[]>()
  readonly #held = new HeldPieces()

  take(piece: P, give: GivePieces<P>): boolean {
    const record = readAuditRecord(piece.text)
    if (record === undefined) return false
    const source = `${piece.from} ${record.node ?? ""}`
    const key = `${record.stamp}:${record.serial}`
    const open = this.#of(source, give)
    // What is whole waits for no more than the end mark, which would come next.
    for (const { key: other } of open.filter((one) => one.isWhole && one.key !== key)) {
      this.#close(open, other, give)
    }
    const begun = open.find((one) => one.key === key)
    if (begun === undefined) {
      if (open.length === openMax) this.#close(open, open[0]?.key, give)
      const isWhole = !compound.has(record.type)
      open.push({ key, records: [record], pieces: [piece], isWhole })
    } else {
      begun.records.push(record)
      begun.pieces.push(piece)
      begun.isWhole ||= record.type === "PROCTITLE"
    }
    this.#held.add(piece)
    if (isEnd(record, begun)) this.#close(open, key, give)
    if (open.length === 0) this.#open.delete(source)
    while (this.#held.isTooMuch) this.#closeOldest(give)
    return true
  }

  end(give: GivePieces<P>): void {
    while (this.#open.size > 0) this.#closeOldest(give)
  }

  #of(source: string, give: GivePieces<P>): Open<P>[] {
    const known = this.#open.get(source)
    if (known !== undefined) return known
    if (this.#open.size >= sourcesMax) this.#closeOldest(give)
    const open: Open<P>[] = []
    this.#open.set(source, open)
    return open
  }

  #closeOldest(give: GivePieces<P>): void {
    for (const [source, open] of this.#open) {
      this.#open.delete(source)
      while (open.length > 0) this.#close(open, open[0]?.key, give)
      return
    }
  }

  #close(open: Open<P>[], key: string | undefined, give: GivePieces<P>): void {
    const at = open.findIndex((one) => one.key === key)
    const [one] = at < 0 ? [] : open.splice(at, 1)
    if (one === undefined) return
    this.#held.remove(one.pieces)
    give(membersOfAudit(one.records), one.pieces)
  }
}

function isEnd(record: AuditRecord, begun: Open<Piece> | undefined): boolean {
  return record.type === "EOE" || (begun === undefined && !compound.has(record.type))
}
