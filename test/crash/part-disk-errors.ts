import { rmSync } from "node:fs"
import { join } from "node:path"
import { segmentPath } from "../../packages/server/dist/disk/index.js"
import { within } from "../support/waiting.ts"
import { makeScratch, removeScratch } from "./cleanup.ts"
import type { Decisions } from "./decisions.ts"
import { Fleet } from "./fleet.ts"
import { type Installation, makeInstallation } from "./installation.ts"
import { readLog } from "./log-contents.ts"
import { endPort } from "./part-port-kill.ts"
import { type ServerProcess, startPort, startProcess } from "./port-process.ts"
import { type Part, type Programme, until } from "./programme.ts"
import { overwrite } from "./segment-damage.ts"
import { type Fault, readTrace, straceCommand, straceMissing, unsyncedWrites } from "./strace.ts"

const exitFatal = 70
const exitRefused = 78
const runMsMax = 30_000

interface Run {
  readonly installation: Installation
  readonly fault: Fault
  readonly trace: string
  readonly decisions: Decisions
}

/** The disk refuses: what it may have lost is never acknowledged, and a full one is waited for. */
export const diskErrors: Part = {
  name: "disk-errors",
  title: "Disk errors: failed fdatasync, failed and refused writes",
  async run(programme) {
    const { report, decisions } = programme
    const missing = straceMissing()
    if (missing !== undefined) {
      report.line(`left out: ${missing}`)
      if (process.env.CI !== undefined) report.check(false, missing)
      return
    }
    const scratch = makeScratch()
    try {
      const installation = await makeInstallation(`${scratch}/i`)
      const trace = join(scratch, "trace")
      for (const fault of faultsOf(programme)) {
        // A log of its own for each, so that the count of calls means the same every time.
        rmSync(installation.log, { recursive: true, force: true })
        const run = {
          installation,
          fault,
          trace,
          decisions: decisions.apart(JSON.stringify(fault)),
        }
        const going = fault.error === "EIO" ? fatalRun(programme, run) : fullRun(programme, run)
        await going.catch((error) => report.check(false, `${describe(fault)}: ${error}`))
      }
    } finally {
      removeScratch(scratch)
    }
  },
}

function faultsOf({ decisions, isLong }: Programme): Fault[] {
  const faults: Fault[] = []
  const add = (call: Fault["call"], error: Fault["error"], first: number, more = 0): void => {
    faults.push({ call, error, first, last: first + more })
  }
  if (isLong) {
    for (let k = 1; k <= 40; k++) add("fdatasync", "EIO", k)
    for (let k = 1; k <= 40; k++) add("pwrite64", "EIO", k)
    for (let k = 1; k <= 40; k++) add("pwrite64", "ENOSPC", k, k % 4)
    return faults
  }
  add("fdatasync", "EIO", decisions.between(1, 5))
  for (let i = 0; i < 3; i++) add("fdatasync", "EIO", decisions.between(5, 40))
  for (let i = 0; i < 2; i++) add("pwrite64", "EIO", decisions.between(2, 40))
  for (let i = 0; i < 3; i++) add("pwrite64", "ENOSPC", decisions.between(1, 30), i)
  return faults
}

function startUnder({ installation, fault, trace }: Run): ServerProcess {
  return startProcess("port", installation.config, {
    under: straceCommand(fault, trace),
    env: { UV_THREADPOOL_SIZE: "1" },
  })
}

function describe({ call, error, first, last }: Fault): string {
  return `${error} from ${call} ${first}${last > first ? ` to ${last}` : ""}`
}

function makeFleet({ installation, decisions }: Run): Fleet {
  return new Fleet(installation, decisions, { framed: ["small-f1"], http: ["small-h1"] })
}

/** The port must end without another word. What the disk did not promise to keep is then taken away. */
async function fatalRun({ report }: Programme, run: Run): Promise<void> {
  const what = describe(run.fault)
  const fleet = makeFleet(run)
  const port = startUnder(run)
  let again: ServerProcess | undefined
  try {
    fleet.start()
    const code = await within(port.exit, runMsMax, `the end of the port after ${what}`)
    const early = port.said().includes('"listening"') ? "" : ", before it listened"
    const expected = code === exitFatal || (early !== "" && code === exitRefused)
    report.check(expected, `${what}: ends with 70, was ${code}${early}: ${port.said().slice(-400)}`)
    const lost = loseUnsynced(run)
    const { acknowledged } = fleet
    again = await startPort(run.installation.config)
    await compareAll(report, run, fleet, again, what)
    report.line(`${what}: ended with ${code}${early}, ${acknowledged} acknowledged, ${lost} B lost`)
    report.count("disk errors survived")
  } finally {
    fleet.stop()
    await port.signal("SIGKILL")
    await again?.signal("SIGKILL")
  }
}

/** Puts zeros where the kernel may have dropped what was written: all of the segment that no fdatasync has confirmed. */
function loseUnsynced({ installation, trace }: Run): number {
  const path = segmentPath(installation.log, 0, "seg")
  let bytes = 0
  for (const write of unsyncedWrites(readTrace(trace), path)) {
    overwrite(path, write.at, Buffer.alloc(write.bytes))
    bytes += write.bytes
  }
  return bytes
}

/** The port must go on by itself once there is room again; one that could not begin, after another start. */
async function fullRun({ report }: Programme, run: Run): Promise<void> {
  const what = describe(run.fault)
  const fleet = makeFleet(run)
  const port = startUnder(run)
  let again: ServerProcess | undefined
  try {
    fleet.start()
    const listens = await port.ready.then(
      () => true,
      () => false,
    )
    const ended = port.exit.then((code) => {
      throw new Error(`the port ended with ${code}: ${port.said().slice(-600)}`)
    })
    if (listens) await Promise.race([goesOn(run, fleet), ended])
    else {
      ended.catch(() => undefined) // Of interest if it listened before.
      const code = await port.exit
      report.check(code === exitFatal, `${what}: ends with 70, was ${code}, before it listened`)
      again = await startPort(run.installation.config)
    }
    await compareAll(report, run, fleet, again ?? port, what)
    const times = failures(run)
    report.line(`${what}: refused ${times} times, ${fleet.acknowledged} acknowledged in the end`)
    report.count(listens ? "full disks waited for" : "full disks at the start")
  } finally {
    fleet.stop()
    await port.signal("SIGKILL")
    await again?.signal("SIGKILL")
  }
}

function failures({ trace }: Run): number {
  return readTrace(trace).filter(({ failed }) => failed).length
}

async function goesOn(run: Run, fleet: Fleet): Promise<void> {
  const wanted = run.fault.last - run.fault.first + 1
  await until(() => failures(run) >= wanted, describe(run.fault), runMsMax)
  const { acks } = fleet
  await until(() => fleet.acks > acks + 10, "acknowledgements after there is room")
}

async function compareAll(
  report: Programme["report"],
  { installation }: Run,
  fleet: Fleet,
  port: ServerProcess,
  what: string,
): Promise<void> {
  await within(fleet.drain(), runMsMax, `the last acknowledgements after ${what}`)
  await endPort(report, port)
  const log = await readLog(installation.log)
  const { missing, misplaced } = fleet.compare(log)
  const faults = [...log.faults, ...missing, ...misplaced, ...fleet.faults()]
  report.checkNone(faults, `${what}: nothing acknowledged is missing, twice or misplaced`)
}
