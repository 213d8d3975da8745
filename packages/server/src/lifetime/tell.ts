import { writeSync } from "node:fs"

/** Messages for people, one JSON line each on standard error. */
export type Tell = (level: "info" | "warn" | "error", message: string, more?: object) => void

/** @param name of the process, as the lines say it */
export function openTell(name: string): Tell {
  return (level, message, more = {}) => {
    const time = new Date().toISOString()
    writeSync(2, `${JSON.stringify({ time, level, process: name, message, ...more })}\n`)
  }
}
