import { fork } from "node:child_process"
import { keepTrack } from "./processes.ts"

/** Runs a programme of this bench in a process of its own; its notes are passed on, its result comes back. */
export function runChild<Result>(
  programme: URL,
  task: unknown,
  note: (text: string) => void,
  execArgv: readonly string[] = [],
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(programme, [JSON.stringify(task)], { execArgv: [...execArgv] })
    // It may have processes of its own to end.
    keepTrack(child, "SIGTERM")
    let result: Result | undefined
    child.on("message", (message: { note?: string; result?: Result }) => {
      if (message.note !== undefined) note(message.note)
      if (message.result !== undefined) result = message.result
    })
    child.once("exit", (status, signal) => {
      if (status === 0 && result !== undefined) resolve(result)
      else reject(new Error(`${programme.pathname} failed (${signal ?? status})`))
    })
  })
}
