import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** Which call of which kind fails, and how. Calls are counted by thread. */
export interface Fault {
  readonly call: "fdatasync" | "pwrite64"
  readonly error: "EIO" | "ENOSPC"
  readonly first: number
  /** The last one that fails. */
  readonly last: number
}

/** A call that failed because it was made to, or one that went through. */
interface TracedCall {
  readonly call: string
  readonly path: string
  readonly failed: boolean
  /** Of writes: where, and how many bytes. */
  readonly at: number
  readonly bytes: number
}

/** Why processes cannot be run under strace here; undefined if they can. */
export function straceMissing(): string | undefined {
  const tried = spawnSync("strace", ["-qq", "-e", "trace=none", "true"], { encoding: "utf8" })
  if (tried.error !== undefined) return "strace is not installed"
  return tried.status === 0 ? undefined : `strace does not work here: ${tried.stderr.trim()}`
}

/**
 * The command that runs a process with this fault. Node's file calls go through a pool of threads: with one thread
 * (UV_THREADPOOL_SIZE=1) the count is one of the whole process, but for the few calls that its main thread makes itself.
 */
export function straceCommand(fault: Fault, trace: string): string[] {
  const { call, error, first, last } = fault
  const when = first === last ? String(first) : `${first}..${last}`
  const options = ["-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-e", "signal=none", "-o", trace]
  const calls = ["-e", "trace=fdatasync,pwrite64"]
  return ["strace", ...options, ...calls, "-e", `inject=${call}:error=${error}:when=${when}`]
}

/** What the process did, in order. Calls of several threads that overlap are put together again. */
export function readTrace(trace: string): TracedCall[] {
  const calls: TracedCall[] = []
  const unfinished = new Map<string, string>()
  for (const line of readFileSync(trace, "utf8").split("\n")) {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (text.endsWith("<unfinished ...>")) {
      unfinished.set(thread, text.slice(0, -"<unfinished ...>".length).trimEnd())
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
    const call = parseCall(resumed === null ? text : `${unfinished.get(thread)}${resumed[1]}`)
    if (call !== undefined) calls.push(call)
  }
  return calls
}

function parseCall(text: string): TracedCall | undefined {
  const sync = /^fdatasync\(\d+<(.*?)>\)\s+= (-?\d+)/.exec(text)
  if (sync !== null) {
    return { call: "fdatasync", path: sync[1] ?? "", failed: sync[2] !== "0", at: 0, bytes: 0 }
  }
  const write = /^pwrite64\(\d+<(.*?)>, ""\.*, (\d+), (\d+)\)\s+= (-?\d+)/.exec(text)
  if (write === null) return undefined
  const [, path = "", , at, result] = write
  const bytes = Math.max(0, Number(result))
  return { call: "pwrite64", path, failed: Number(result) < 0, at: Number(at), bytes }
}

/** What a power loss takes: writes to a file that no later fdatasync of that file reported to be durable. */
export function unsyncedWrites(calls: readonly TracedCall[], path: string): TracedCall[] {
  let waiting: TracedCall[] = []
  for (const call of calls) {
    if (call.path !== path || call.failed) continue
    if (call.call === "fdatasync") waiting = []
    else waiting.push(call)
  }
  return waiting
}
