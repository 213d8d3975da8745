import { relative } from "node:path"
import type { Place } from "./prepare.ts"

const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined

/** One step of the demo, for the person who watches. */
export function say(text: string): void {
  console.log(paint("36", `postern  ${text}`))
}

/** What arrives, a line each. */
export interface ShownEntry {
  readonly index: number
  readonly writer: string
  readonly action: string
  readonly actor: string
  readonly target: string
  readonly outcome: string
}

export function sayEntry(entry: ShownEntry): void {
  const who = entry.writer.split("/").slice(-1)[0] ?? ""
  const outcome = entry.outcome === "success" ? entry.outcome : paint("31", entry.outcome)
  const columns = [
    String(entry.index).padStart(7),
    who.padEnd(12),
    entry.action.padEnd(26),
    entry.actor.padEnd(18),
  ]
  console.log(`${columns.join(" ")} ${entry.target.padEnd(22)} ${outcome}`)
}

/** Five commands to try, with their paths filled in. */
export function sayNext(place: Place, link: string): void {
  const near = (path: string) => relative(process.cwd(), path)
  const reader = near(place.profiles.reader)
  const config = near(place.config.file)
  console.log(`
Open: ${link}
It shows the console in a browser of this machine; the link works once, within two minutes, and Enter prints a fresh one.

It goes on writing. Try, in another terminal:

  npx postern search --profile ${reader} --outcome denied
  npx postern tail --profile ${reader}
  npx postern show 5 --profile ${reader}
  npx postern verify --profile ${reader}
  npx postern writer add shop --config ${config}
${process.argv.includes("--once") ? "" : "\nCtrl-C ends it; demo/ keeps what was written."}`)
}

function paint(code: string, text: string): string {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text
}
