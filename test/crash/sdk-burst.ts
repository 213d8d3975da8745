/**
 * An application that audits at a steady rate, for two seconds at ten times that rate, then steadily again, and takes the
 * time of every call. Arguments: profile, spool directory, events per second, seconds of each of the three phases. Says
 * `phase N` when one begins; at the end `made N`, `p50 MICROSECONDS`, `p99 …`, `max …`, `dropped N` and `finished`.
 */

import { writeSync } from "node:fs"
import { connect } from "@postern/client"
import { pause } from "../support/waiting.ts"

const [profile = "", directory = "", rate = "0", ...phases] = process.argv.slice(2)
const tickMs = 5

function say(line: string): void {
  writeSync(1, `${line}\n`)
}

const expected = new Set(["UNREACHABLE", "SHUTTING_DOWN"])
const audit = await connect(profile, {
  wait: true,
  spool: { directory },
  onProblem: ({ code, message }) => {
    if (!expected.has(code)) say(`problem ${code} ${message}`)
  },
})
process.on("disconnect", () => process.exit(0))

const tookMs: number[] = []

function writeOne(): void {
  const details = {
    id: `app-1/${tookMs.length + 1}`,
    actor: { type: "user", id: "alice" },
    target: "invoice/4711",
    outcome: "success" as const,
    data: { reason: "the customer asked for it", amount: "12.50", currency: "EUR" },
  }
  const began = performance.now()
  audit("crash.tested", details)
  tookMs.push(performance.now() - began)
}

async function run(perSecond: number, seconds: number): Promise<void> {
  const began = performance.now()
  const total = perSecond * seconds
  for (let made = 0; made < total; ) {
    await pause(tickMs)
    const due = Math.min(total, ((performance.now() - began) / 1000) * perSecond)
    for (; made < due; made++) writeOne()
  }
}

for (const [i, seconds] of phases.entries()) {
  say(`phase ${i + 1}`)
  await run(Number(rate) * (i === 1 ? 10 : 1), Number(seconds))
}
await audit.flush(60_000)
say(`spooled ${tookMs.length}`)
tookMs.sort((a, b) => a - b)
const quantile = (q: number): string => {
  return ((tookMs[Math.min(tookMs.length - 1, Math.floor(q * tookMs.length))] ?? 0) * 1000).toFixed(
    1,
  )
}
say(`p50 ${quantile(0.5)}`)
say(`p99 ${quantile(0.99)}`)
say(`max ${quantile(1)}`)
const { dropped, pendingEvents, refused } = audit.status()
if (dropped + pendingEvents + refused > 0) say(`problem ${JSON.stringify(audit.status())}`)
await audit.close()
say("finished")
process.exit(0)
