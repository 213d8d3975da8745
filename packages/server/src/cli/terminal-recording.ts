import { spawnSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"

/**
 * What a terminal showed, as an asciicast v2 whose lines are values of JSON: header first, then events. Nothing that was typed and not
 * shown is in it, so no password that was asked for in silence.
 */
export interface TerminalRecording {
  readonly format: "asciicast-v2"
  readonly header: Readonly<Record<string, unknown>>
  /** `[seconds since the beginning, "o", text]` */
  readonly events: readonly (readonly [number, "o", string])[]
  /** Of the terminal's output in all; what is more than `events` hold is not kept. */
  readonly outputBytes: number
  readonly isWhole: boolean
}

/** As JSON, with room for the rest of the event below the 8 MiB of a disclosure. */
const recordingBytesMax = 7_000_000
const output = "output"
const timing = "timing"

/** A directory of ours for the time of one command. What script(1) writes there is as long as the session, and goes with it. */
export class TerminalRecorder {
  readonly #directory = mkdtempSync(join(tmpdir(), "postern-run-"))
  readonly #startedMs: number

  /** Errors: USAGE where there is no terminal, or no script(1) of util-linux. */
  constructor(startedMs: number) {
    this.#startedMs = startedMs
    const problem = whyNot()
    if (problem === undefined) return
    this.remove()
    throw new PosternError("USAGE", problem)
  }

  /** The command line that runs `argv` on a terminal of its own and keeps what it shows. */
  commandLine(argv: readonly string[]): readonly string[] {
    const file = join(this.#directory, "command")
    writeFileSync(file, `exec ${argv.map(quoted).join(" ")}\n`, { mode: 0o600 })
    return [
      ...["script", "--quiet", "--return", "--flush"],
      `--timing=${join(this.#directory, timing)}`,
      ...["--command", `/bin/sh ${file}`, join(this.#directory, output)],
    ]
  }

  read(columns: number, rows: number): TerminalRecording {
    const title = { width: columns, height: rows, timestamp: Math.floor(this.#startedMs / 1000) }
    const bytes = readBeginning(join(this.#directory, output))
    const begin = bytes.indexOf(0x0a) + 1 // Behind the line that script(1) itself writes.
    return makeRecording(
      title,
      bytes.subarray(begin),
      readBeginning(join(this.#directory, timing)).toString("latin1"),
    )
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** @param times lines of `seconds since the last one, bytes`, as script(1) writes them */
export function makeRecording(
  title: { readonly width: number; readonly height: number; readonly timestamp: number },
  bytes: Uint8Array,
  times: string,
): TerminalRecording {
  const decoder = new TextDecoder("utf-8")
  const events: (readonly [number, "o", string])[] = []
  let [seconds, at, kept, outputBytes] = [0, 0, 0, 0]
  let isWhole = true
  for (const [, delay = "", count = ""] of times.matchAll(/^(\d+\.\d+) (\d+)$/gm)) {
    seconds += Number(delay)
    outputBytes += Number(count)
    const end = at + Number(count)
    if (!isWhole) continue
    const text = decoder.decode(bytes.subarray(at, end), { stream: true })
    const event = [Math.round(seconds * 1e6) / 1e6, "o", text] as const
    kept += Buffer.byteLength(JSON.stringify(event)) + 1
    isWhole = end <= bytes.length && kept <= recordingBytesMax
    if (isWhole && text !== "") events.push(event)
    at = end
  }
  return { format: "asciicast-v2", header: { version: 2, ...title }, events, outputBytes, isWhole }
}

function whyNot(): string | undefined {
  if (process.stdin.isTTY !== true) return "--record records a terminal, and standard input is none"
  const { stdout } = spawnSync("script", ["--version"], { encoding: "utf8" })
  return /util-linux/.test(stdout ?? "") ? undefined : "--record needs script(1) of util-linux"
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** As much of a file as can matter. */
function readBeginning(file: string): Buffer {
  const bytes = Buffer.alloc(recordingBytesMax + 65_536)
  const fd = openSync(file, "r")
  try {
    let filled = 0
    for (;;) {
      const read = readSync(fd, bytes, filled, bytes.length - filled, filled)
      filled += read
      if (read === 0 || filled === bytes.length) return bytes.subarray(0, filled)
    }
  } finally {
    closeSync(fd)
  }
}
