import { spawn } from "node:child_process"
import { constants } from "node:os"

export interface CommandEnd {
  /** What the command ended with, 128 + n of a signal; 127 and 126 where it could not be started, as shells say it. */
  readonly exitCode: number
  readonly signal?: NodeJS.Signals
  /** Why it could not be started, e.g. ENOENT. */
  readonly problem?: string
}

const forwarded = ["SIGTERM", "SIGHUP", "SIGUSR2"] as const
/** A terminal sends these to the command itself, which is in its foreground as we are. */
const ofTerminals = ["SIGINT", "SIGQUIT"] as const

/**
 * Runs a command on our own standard input, output and error, and goes on until it ends, whatever signals come: those are its to answer.
 * @param env of the command
 */
export async function runChild(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CommandEnd> {
  const [command = "", ...rest] = argv
  const onTerminal = process.stdin.isTTY === true
  const pass = (signal: NodeJS.Signals) => void child.kill(signal)
  const ignore = () => undefined
  // Before it is there: it may be at work, and heard of, before spawn() is through. A signal is handled after that.
  for (const signal of forwarded) process.on(signal, pass)
  for (const signal of ofTerminals) process.on(signal, onTerminal ? ignore : pass)
  const child = spawn(command, rest, { stdio: "inherit", env: { ...env } })
  try {
    return await new Promise<CommandEnd>((resolve) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        const problem = error.code ?? "UNKNOWN"
        resolve({ exitCode: problem === "ENOENT" ? 127 : 126, problem })
      })
      child.once("exit", (code, signal) => {
        if (signal === null) resolve({ exitCode: code ?? 1 })
        else resolve({ exitCode: 128 + constants.signals[signal], signal })
      })
    })
  } finally {
    for (const signal of forwarded) process.off(signal, pass)
    for (const signal of ofTerminals) process.off(signal, onTerminal ? ignore : pass)
  }
}
