import type { ChildProcess } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/**
 * Everything the programme leaves lying about, so that nothing stays behind however it ends: processes that it started,
 * directories that it made.
 */
const children = new Set<ChildProcess>()
const directories = new Set<string>()

export function watchChild<Child extends ChildProcess>(child: Child): Child {
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

/** Short, since a unix socket's path has room for a hundred bytes only. */
export function makeScratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "crash-"))
  directories.add(directory)
  return directory
}

export function removeScratch(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  directories.delete(directory)
}

/** The process that a wrapping command runs; Linux only, as are the commands. */
export function childOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined
  try {
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
    return pids === "" ? undefined : Number(pids.split(" ")[0])
  } catch {
    return undefined // It is gone already, or this is no Linux.
  }
}

/** A process that has gone meanwhile is no error. */
export function killProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

function cleanUp(): void {
  for (const child of children) {
    killProcess(childOf(child.pid), "SIGKILL")
    child.kill("SIGKILL")
  }
  children.clear()
  for (const directory of directories) removeScratch(directory)
}

/** To be called once. A second signal ends the process at once. */
export function cleanUpAtExit(): void {
  process.on("exit", cleanUp)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(130))
  }
}
