import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Finding, Known } from "../exposure/index.ts"

/** The process that is looked at, as it says itself. */
export interface RunningProcess {
  readonly pid: number
  readonly node: string
}

/** What the kernel says of it. */
export interface ProcessFacts {
  /** Bytes that a core dump may have; undefined is without a limit. */
  readonly coreBytes: Known<number | undefined>
  /** Parts of its memory that go into one (core(5)), as bits. */
  readonly coreFilter: Known<number>
  /** Files it may have open; undefined is without a limit. */
  readonly files: Known<number | undefined>
}

/** 1,024 connections, and as many files again for log, answers and sockets that end. */
const filesMin = 2048

/** @param root where `proc` is */
export function readProcessFacts(pid: number, root = "/"): ProcessFacts {
  const proc = join(root, "proc", String(pid))
  const limit = (name: string) =>
    read(join(proc, "limits"), (text) => {
      const soft = new RegExp(`^${name} {2,}(\\d+|unlimited)`, "m").exec(text)?.[1]
      if (soft === undefined) return undefined
      return { known: soft === "unlimited" ? undefined : Number(soft) }
    })
  return {
    coreBytes: limit("Max core file size"),
    files: limit("Max open files"),
    coreFilter: read(join(proc, "coredump_filter"), (text) => ({
      known: Number.parseInt(text, 16),
    })),
  }
}

function read<T>(file: string, parse: (text: string) => Known<T> | undefined): Known<T> {
  try {
    return parse(readFileSync(file, "utf8")) ?? { unknown: `${file} has another form` }
  } catch {
    return { unknown: `${file} cannot be read: run this as the service's user, beside it` }
  }
}

/** How the port's process is bounded. Pure. */
export function judgeProcess({ pid }: RunningProcess, facts: ProcessFacts): Finding[] {
  const subject = `port, process ${pid}`
  return [judgeCore(subject, facts), judgeFiles(subject, facts)]
}

function judgeCore(subject: string, { coreBytes, coreFilter }: ProcessFacts): Finding {
  const about = { id: "process.core", subject, severity: "high" } as const
  const fix = "set its core limit to 0 (LimitCORE=0, ulimit -c 0)"
  if ("known" in coreBytes && coreBytes.known === 0)
    return { ...about, result: "ok", evidence: "it leaves no core dump", fix: "" }
  if ("known" in coreFilter && coreFilter.known === 0)
    return {
      ...about,
      result: "ok",
      evidence: "a core dump would hold none of its memory",
      fix: "",
    }
  if ("unknown" in coreBytes)
    return { ...about, result: "unknown", evidence: coreBytes.unknown, fix }
  const evidence = "a core dump would hold its memory, keys included"
  return { ...about, result: "fail", evidence, fix }
}

function judgeFiles(subject: string, { files }: ProcessFacts): Finding {
  const about = { id: "process.files", subject, severity: "medium" } as const
  const fix = `let it have ${filesMin} files open at least (LimitNOFILE=, ulimit -n)`
  if ("unknown" in files) return { ...about, result: "unknown", evidence: files.unknown, fix }
  const { known = Number.POSITIVE_INFINITY } = files
  const evidence = `it may have ${known} files open, 1,024 connections need ${filesMin}`
  return known < filesMin
    ? { ...about, result: "fail", evidence, fix }
    : { ...about, result: "ok", evidence, fix: "" }
}

/** The last day on which the Node project mends a release line. */
const nodeEnds: Readonly<Record<number, string>> = { 24: "2028-04-30", 26: "2029-04-30" }
const nodeMin = 24
const warnMs = 90 * 86_400_000

/** Whether the runtime is one that is still mended. Pure. */
export function judgeNode(node: string, now: Date): Finding {
  const about = { id: "runtime.supported", subject: `Node ${node}`, severity: "high" } as const
  const major = Number(/^v?(\d+)/.exec(node)?.[1])
  const fix = "use a release line of Node with long-term support"
  if (!(major >= nodeMin))
    return { ...about, result: "fail", evidence: `Postern needs Node ${nodeMin}`, fix }
  const end = nodeEnds[major]
  if (end === undefined)
    return { ...about, result: "warn", evidence: "it is not known here how long it is mended", fix }
  const left = Date.parse(end) - now.getTime()
  const result = left <= 0 ? "fail" : left < warnMs ? "warn" : "ok"
  return { ...about, result, evidence: `mended until ${end}`, fix: result === "ok" ? "" : fix }
}
