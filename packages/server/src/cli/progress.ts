import type { CommandIo } from "./io.ts"

/** Tells on stderr how far something long has come. */
export interface Progress {
  /** Things done, and in all. */
  at(done: number, of: number): void
  /** Leaves the line that was last written. */
  end(): void
}

const terminalMs = 200
const plainMs = 2000

/**
 * On a terminal one line that is written over; elsewhere, only if asked for, a plain line every two seconds.
 * @param unit what is counted, in the plural
 */
export function createProgress(io: CommandIo, unit: string, asked: boolean): Progress {
  const terminal = (io.stderr as { isTTY?: boolean }).isTTY === true
  if (!terminal && !asked) return { at: () => undefined, end: () => undefined }
  const began = performance.now()
  const everyMs = terminal ? terminalMs : plainMs
  let last = began
  let written = false
  return {
    at(done, of) {
      const now = performance.now()
      if (now - last < everyMs) return
      last = now
      written = true
      const text = describe(done, of, (now - began) / 1000, unit)
      io.stderr.write(terminal ? `\r${text}\u001b[K` : `${text}\n`)
    },
    end() {
      if (terminal && written) io.stderr.write("\r\u001b[K")
    },
  }
}

function describe(done: number, of: number, seconds: number, unit: string): string {
  const percent = of === 0 ? 100 : Math.floor((100 * done) / of)
  const rate = seconds === 0 ? 0 : Math.round(done / seconds)
  return `${percent}%  ${done} of ${of} ${unit}, ${rate} ${unit}/s`
}
