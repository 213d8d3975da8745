import { rmSync, statSync, writeFileSync } from "node:fs"
import { makeScratch, removeScratch } from "./cleanup.ts"
import type { Decisions } from "./decisions.ts"
import { Fleet } from "./fleet.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { endPort, verifyLog } from "./part-port-kill.ts"
import { startPort, startRefused } from "./port-process.ts"
import { type Part, type Programme, pause, until } from "./programme.ts"
import {
  cutOff,
  headFile,
  hollowSlot,
  overwrite,
  readBytes,
  readSegmentEnd,
  type SegmentEnd,
} from "./segment-damage.ts"

const exitRefused = 78
const blockBytes = 4096

/** What a power loss can leave behind the head: nothing of it was promised to anybody. */
const tears: readonly {
  readonly what: string
  tear(end: SegmentEnd, decisions: Decisions): void
}[] = [
  {
    what: "the file is cut off",
    tear({ path, head }, decisions) {
      const behind = statSync(path).size - head.end
      cutOff(path, head.end + decisions.between(0, behind + 1))
    },
  },
  {
    what: "garbage",
    tear({ path, head }, decisions) {
      overwrite(path, head.end, decisions.bytes(decisions.between(1, 20_000)))
    },
  },
  {
    what: "garbage some blocks further on",
    tear({ path, head }, decisions) {
      const at = head.end + blockBytes * decisions.between(1, 20)
      overwrite(path, at, decisions.bytes(decisions.between(1, 20_000)))
    },
  },
  {
    what: "an old slot, as a recycled file holds them",
    tear({ path, head, slots }, decisions) {
      const covered = slots.filter(({ at, bytes }) => at + bytes <= head.end)
      const { at, bytes } = decisions.pick(covered)
      overwrite(path, head.end, readBytes(path, at, bytes))
    },
  },
  {
    what: "the first and the last blocks of a slot",
    tear(end, decisions) {
      overwrite(end.path, end.head.end, hollowSlot(end, decisions))
    },
  },
  {
    what: "the first blocks of a slot, the file ends there",
    tear(end, decisions) {
      const slot = hollowSlot(end, decisions)
      overwrite(end.path, end.head.end, slot)
      cutOff(end.path, end.head.end + decisions.between(1, slot.length))
    },
  },
]

/** Damage to what was promised. Each answers with its own undoing. */
const damages: readonly {
  readonly what: string
  damage(end: SegmentEnd, decisions: Decisions, directory: string): () => void
}[] = [
  {
    what: "a bit of a slot's header",
    damage: (end, decisions) => flip(end, decisions, () => decisions.between(0, 256)),
  },
  {
    what: "a bit of a slot's records",
    damage: (end, decisions) =>
      flip(end, decisions, ({ recordsBytes }) => 256 + decisions.between(0, recordsBytes)),
  },
  {
    what: "a bit of a slot's table or receipt",
    damage: (end, decisions) =>
      flip(end, decisions, ({ recordsBytes, tailBytes }) => {
        return 256 + recordsBytes + decisions.between(0, tailBytes)
      }),
  },
  {
    what: "a bit of the last slot",
    damage: (end, decisions) => {
      const last = covered(end).at(-1)
      return flip({ ...end, slots: last === undefined ? [] : [last] }, decisions, () =>
        decisions.between(0, 256),
      )
    },
  },
  {
    what: "the file is cut off before the head's end",
    damage: ({ path, head }, decisions) => cutOff(path, head.end - decisions.between(1, head.end)),
  },
  {
    what: "zeros over a slot's first block",
    damage: (end, decisions) =>
      overwrite(end.path, decisions.pick(covered(end)).at, Buffer.alloc(blockBytes)),
  },
  {
    what: "a slot in the place of the one behind it",
    damage: (end, decisions) => {
      const slots = covered(end)
      const which = decisions.between(0, slots.length - 1)
      const { at = 0, bytes = 0 } = slots[which] ?? {}
      return overwrite(end.path, at + bytes, readBytes(end.path, at, bytes))
    },
  },
  {
    what: "a hole, and no head any more",
    damage: (end, decisions, directory) => {
      const slots = covered(end)
      const { at } = decisions.pick(slots.slice(0, -1))
      const undo = overwrite(end.path, at, Buffer.alloc(blockBytes))
      const head = readBytes(headFile(directory), 0, 128)
      rmSync(headFile(directory))
      return () => {
        writeFileSync(headFile(directory), head)
        undo()
      }
    },
  },
  {
    what: "a slot in the place of the one behind it, and no head any more",
    damage: (end, decisions, directory) => {
      const slots = covered(end)
      const which = decisions.between(0, slots.length - 2)
      const { at = 0, bytes = 0 } = slots[which] ?? {}
      const undo = overwrite(end.path, at + bytes, readBytes(end.path, at, bytes))
      const head = readBytes(headFile(directory), 0, 128)
      rmSync(headFile(directory))
      return () => {
        writeFileSync(headFile(directory), head)
        undo()
      }
    },
  },
  {
    what: "the beginning of the segment's start file",
    damage: ({ start }, decisions) => overwrite(start, 0, decisions.bytes(64)),
  },
]

function covered({ slots, head }: SegmentEnd): SegmentEnd["slots"] {
  return slots.filter(({ at, bytes }) => at + bytes <= head.end)
}

function flip(
  end: SegmentEnd,
  decisions: Decisions,
  offset: (slot: SegmentEnd["slots"][number]) => number,
): () => void {
  const slot = decisions.pick(covered(end).filter(({ recordsBytes }) => recordsBytes > 0))
  const at = slot.at + offset(slot)
  const [byte = 0] = readBytes(end.path, at, 1)
  return overwrite(end.path, at, Buffer.of(byte ^ (1 << decisions.between(0, 8))))
}

/** A log that a power loss tore behind its head recovers; one that was damaged before it is refused. */
export const tornTail: Part = {
  name: "torn-tail",
  title: "Torn tail and damage",
  async run(programme) {
    const scratch = makeScratch()
    const installation = await makeInstallation(`${scratch}/i`)
    const fleet = new Fleet(installation, programme.decisions, {
      framed: ["small-f1", "large-f2"],
      http: ["small-h1"],
    })
    try {
      await tearRounds(programme, installation, fleet)
      await damageRounds(programme, installation)
      await endOfRun(programme, installation, fleet)
    } finally {
      fleet.stop()
      removeScratch(scratch)
    }
  },
}

async function tearRounds(
  { report, decisions, isLong }: Programme,
  installation: Installation,
  fleet: Fleet,
): Promise<void> {
  let port = await startPort(installation.config)
  try {
    fleet.start()
    for (let round = 0; round < tears.length * (isLong ? 6 : 1); round++) {
      const before = fleet.acks
      await until(() => fleet.acks > before + 3, "acknowledgements")
      await pause(decisions.between(0, 60))
      await port.signal("SIGKILL")
      const tear = tears[round % tears.length]
      if (tear === undefined) break
      tear.tear(await readSegmentEnd(installation.log), decisions)
      port = await startPort(installation.config)
      report.check(true, `behind the head: ${tear.what}`)
      report.line(`behind the head: ${tear.what}: recovered`)
      report.count("torn tails recovered")
    }
    await fleet.drain()
    report.checkNone(fleet.faults(), "what the port told the writers is consistent")
    await endPort(report, port)
  } finally {
    await port.signal("SIGKILL")
  }
}

async function damageRounds(
  { report, decisions, isLong }: Programme,
  installation: Installation,
): Promise<void> {
  const end = await readSegmentEnd(installation.log)
  for (let round = 0; round < damages.length * (isLong ? 5 : 1); round++) {
    const each = damages[round % damages.length]
    if (each === undefined) break
    const undo = each.damage(end, decisions, installation.log)
    const { code, said } = await startRefused(installation.config)
    undo()
    const refused = code === exitRefused && said.includes('"code":"LOG_DAMAGED"')
    report.check(refused, `${each.what}: LOG_DAMAGED and 78, was ${code}: ${said.slice(-400)}`)
    report.line(`before the head's end: ${each.what}: ${refused ? "refused" : code}`)
    report.count("damaged logs refused")
  }
}

/** A start that was refused has changed nothing that matters. */
async function endOfRun(
  { report }: Programme,
  installation: Installation,
  fleet: Fleet,
): Promise<void> {
  const port = await startPort(installation.config)
  await endPort(report, port)
  const log = await readLog(installation.log)
  report.checkNone(log.faults, "every entry is one that was written, once, and in its order")
  const { missing, misplaced } = fleet.compare(log)
  report.checkNone(missing, "no acknowledged event is missing")
  report.checkNone(misplaced, "every event is at the index that its acknowledgement named")
  report.count("events acknowledged", fleet.acknowledged)
  await verifyLog(report, installation)
}
