import { closeSync, openSync, readSync, writeSync } from "node:fs"
import { PosternError } from "@postern/log/base"

const bytesMax = 4096
const triesMax = 3

/** Asks at the terminal of this process, so that nothing of standard input is taken from the command. Errors: USAGE. */
export function askReason(): string {
  let fd: number
  try {
    fd = openSync("/dev/tty", "r+")
  } catch (cause) {
    throw new PosternError("USAGE", "say --reason or --ticket: there is no terminal to ask at", {
      cause,
    })
  }
  try {
    for (let tries = 0; tries < triesMax; tries++) {
      writeSync(fd, "postern: why? ")
      const answer = Buffer.alloc(bytesMax)
      const bytes = readSync(fd, answer)
      const reason = answer.toString("utf8", 0, bytes).trim()
      if (reason !== "") return reason
      if (bytes === 0) break
    }
  } finally {
    closeSync(fd)
  }
  throw new PosternError("USAGE", "a reason is needed, nothing was started")
}
