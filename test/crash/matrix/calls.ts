import { readFileSync } from "node:fs"

/** System calls that are made to fail, one by one. */
const traced = [
  ...["openat", "mkdir", "write", "pwrite64", "fdatasync", "fsync"],
  ...["rename", "ftruncate", "unlink"],
] as const

/** One call of the port on its files: the `nth` of this kind on this path, from 1. */
export interface Call {
  readonly call: string
  readonly path: string
  readonly nth: number
}

export type Blow = "EIO" | "ENOSPC" | "kill"

/** A call, and what happens to it. */
export interface Point extends Call {
  readonly blow: Blow
}

const options = ["-f", "-qq", "-y", "-s", "0", "-e", "signal=none"]

/** The command that writes all of them to a file. */
export function listingCommand(trace: string): string[] {
  return ["strace", "--seccomp-bpf", ...options, "-o", trace, "-e", `trace=${traced.join(",")}`]
}

/** The command under which one call fails, or the process is killed in it. strace counts the calls on that path only. */
export function faultCommand({ call, path, nth, blow }: Point, trace: string): string[] {
  const what = blow === "kill" ? "signal=KILL" : `error=${blow}`
  // Faster, but a signal that is to come with the call may get lost.
  const how = blow === "kill" ? options : ["--seccomp-bpf", ...options]
  const only = ["-P", path, "-e", `trace=${call}`, "-e", `inject=${call}:${what}:when=${nth}`]
  return ["strace", ...how, "-o", trace, ...only]
}

/** The calls on files below `directory`, in the order in which they began. */
export function readCalls(trace: string, directory: string): Call[] {
  const calls: Call[] = []
  const counts = new Map<string, number>()
  for (const line of readFileSync(trace, "utf8").split("\n")) {
    const [, thread, call = "", rest = ""] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? []
    const path = pathOf(call, rest)
    if (path !== directory && !path?.startsWith(`${directory}/`)) continue
    const key = `${thread} ${call} ${path}`
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    calls.push({ call, path, nth })
  }
  return calls
}

/** Of a renaming, the old name: it is the one that strace looks at. */
function pathOf(call: string, rest: string): string | undefined {
  if (call === "openat") return /^[^,]*, "([^"]*)"/.exec(rest)?.[1]
  if (["rename", "mkdir", "unlink"].includes(call)) return /^"([^"]*)"/.exec(rest)?.[1]
  return /^\d+<([^>]*)>/.exec(rest)?.[1]
}

/** Whether the fault came about. A kill shows itself in the exit of the process. */
export function wasInjected(trace: string): boolean {
  return readFileSync(trace, "utf8").includes("(INJECTED)")
}
