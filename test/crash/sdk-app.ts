/**
 * An application that audits through the SDK, to be killed at any moment. Arguments: profile, spool directory, number of
 * this life, `run` or `finish`. Says on standard output, a line each, what it may rely on from then on:
 * `spooled N`: its events up to N are on stable storage here · `confirmed N INDEX`: event N has a checked receipt ·
 * `dropped N` · `problem CODE`. Standard output is a file:
 * what was said is there, however the application ended.
 */

import { writeSync } from "node:fs"
import { connect } from "@postern/client"
import { pause } from "../support/waiting.ts"
import { Decisions } from "./decisions.ts"

const [profile = "", directory = "", life = "0", mode = "run"] = process.argv.slice(2)
const decisions = new Decisions(Number(life))
const expected = new Set(["UNREACHABLE", "SHUTTING_DOWN"])
const pad = "x".repeat(40_000)

function say(line: string): void {
  writeSync(1, `${line}\n`)
}

const audit = await connect(profile, {
  spool: { directory },
  onProblem: ({ code, message }) => {
    if (!expected.has(code)) say(`problem ${code} ${message}`)
  },
})
say("began")
process.on("disconnect", () => process.exit(0))

let made = 0

function details() {
  made += 1
  const bytes = decisions.chance(0.02)
    ? decisions.between(0, pad.length)
    : decisions.between(0, 300)
  return {
    id: `app-${life}/${made}`,
    actor: "alice",
    target: "round/1",
    data: { pad: pad.slice(0, bytes) },
  }
}

async function writeOn(): Promise<void> {
  for (;;) {
    const burst = decisions.between(1, 120)
    for (let i = 0; i < burst; i++) {
      if (audit("crash.tested", details()) === "") say("problem REFUSED")
    }
    const chance = decisions.fraction()
    const last = made
    if (chance < 0.5) {
      await audit.spooled()
      say(`spooled ${last}`)
    } else if (chance < 0.6) {
      const given = details()
      const n = made
      const receipt = audit.confirm("crash.tested", given)
      receipt.then(
        ({ index }) => say(`confirmed ${n} ${index}`),
        (error) => say(`unconfirmed ${n} ${error.code ?? error}`),
      )
    }
    const { dropped } = audit.status()
    if (dropped > 0) say(`dropped ${dropped}`)
    await pause(decisions.between(0, 8))
  }
}

async function finish(): Promise<void> {
  audit("crash.tested", details())
  await audit.flush(60_000)
  say(`spooled ${made}`)
  const { pendingEvents, dropped } = audit.status()
  if (pendingEvents > 0) say(`problem PENDING ${pendingEvents}`)
  if (dropped > 0) say(`dropped ${dropped}`)
  await audit.close()
  say("finished")
}

if (mode === "finish") {
  await finish()
  process.exit(0)
}
await writeOn()
