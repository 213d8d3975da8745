/** A process that writes until it is killed, and says to its parent how far it is sure. */
import { connect } from "./audit.ts"

const [run = "", profile = "", directory = "", bytesMax] = process.argv.slice(2)
const audit = await connect(JSON.parse(profile), {
  spool: { directory, ...(bytesMax === undefined ? {} : { bytesMax: Number(bytesMax) }) },
  onProblem: () => undefined,
})
process.on("disconnect", () => process.exit())
for (let i = 0; i < 100_000; i++) {
  audit("thing.done", { id: `${run}.${i}`, actor: "alice", data: { filler: "x".repeat(i % 700) } })
  if (i % 17 !== 16) continue
  // A spool that is full says so here, and goes on.
  await audit.spooled().catch(() => undefined)
  process.send?.(i)
}
