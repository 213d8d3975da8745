import type { Readable, Writable } from "node:stream"

/**
 * What a command sees of the world. Data goes to stdout, everything said to a person goes to
 * stderr.
 */
export interface CommandIo {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  /** True if stdout is a terminal that wants colours. */
  readonly color: boolean
  /** One line of data. */
  line(text: string): void
  /** One line to the person. */
  note(text: string): void
  now(): Date
}

/**
 * The real one. A reader of our output that has gone away (`| head`) is no error: the process ends.
 */
export function processIo(): CommandIo {
  const { stdin, stdout, stderr, env } = process
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })
  return {
    stdin,
    stdout,
    stderr,
    env,
    color: wantsColor(env, stdout.isTTY === true),
    line: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    now: () => new Date(),
  }
}

/** NO_COLOR (no-color.org) wins, then FORCE_COLOR, then what stdout is. */
export function wantsColor(env: CommandIo["env"], terminal: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0") return true
  return terminal && env.TERM !== "dumb"
}
