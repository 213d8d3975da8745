/**
 * `npm start`: the whole of Postern on this machine, nothing else needed. Makes its own CA, certificates, access list and
 * data under ./demo, runs the service and three writers, shows what arrives, verifies it, and says what to try next.
 * `-- --once` ends after the first verified round.
 */
import { isPosternError } from "@postern/log/base"
import { startDoor } from "./door.ts"
import { prepare } from "./prepare.ts"
import { runService, verifyLog } from "./processes.ts"
import { say, sayEntry, sayNext } from "./story.ts"
import { startTail } from "./tail.ts"
import { startWriters } from "./writers.ts"

const once = process.argv.includes("--once")

async function main(): Promise<number> {
  const place = await prepare(new URL("../../demo/", import.meta.url))
  say(
    place.fresh
      ? "made a CA, certificates, an access list and a policy in demo/"
      : "goes on with demo/",
  )
  const service = await runService(place)
  say(`serving: writers ${place.addresses.write}, readers ${place.addresses.read}`)
  const stop = new AbortController()
  process.on("SIGINT", () => stop.abort())
  process.on("SIGTERM", () => stop.abort())
  process.on("SIGHUP", () => stop.abort())
  void service.ended.then(() => stop.abort())
  const tail = startTail(place, stop.signal, sayEntry)
  const writers = await startWriters(place, stop.signal)
  const door = await startDoor(place)
  try {
    const round = await writers.round()
    say(
      `${round.events} events of three writers are durable; the receipts of the app's were checked offline`,
    )
    await tail.reached(round.size)
    const verified = await verifyLog(place, round.size)
    for (const line of verified.lines) say(line)
    if (!verified.ok) return 3
    sayNext(place, door.link)
    if (once) return 0
    await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()))
    return 0
  } finally {
    stop.abort()
    await writers.close()
    await door.close()
    await service.stop()
    say("stopped; demo/ keeps what was written")
  }
}

main().then(
  (status) => process.exit(status),
  (error) => {
    const hint = isPosternError(error)
      ? error.hint
      : "run again with NODE_DEBUG=net for more, or remove demo/ to begin anew"
    console.error(`postern: error: ${error instanceof Error ? error.message : String(error)}`)
    console.error(`postern: hint: ${hint}`)
    process.exit(isPosternError(error) && error.kind === "broken" ? 78 : 1)
  },
)
