import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Figures, Task } from "./task.ts"

const generator = fileURLToPath(new URL("generator.ts", import.meta.url))
const running = new Set<ChildProcess>()
/** Beyond this a generator hangs. */
const spareMs = 60_000

export function killGenerators(): void {
  for (const child of running) child.kill("SIGKILL")
}

/** One run of the generator against a server that listens. Rejects if it fails, or hangs for a minute. */
export function runGenerator(
  task: Task,
  msMax = task.warmMs + task.measureMs + spareMs,
): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = fork(generator, [JSON.stringify(task)])
    running.add(child)
    const timer = setTimeout(() => child.kill("SIGKILL"), msMax)
    let figures: Figures | undefined
    child.once("message", (message: Figures) => {
      figures = message
    })
    child.once("exit", (status) => {
      clearTimeout(timer)
      running.delete(child)
      if (status === 0 && figures !== undefined) resolve(figures)
      else reject(new Error(`the generator failed (${status ?? "killed"})`))
    })
  })
}
