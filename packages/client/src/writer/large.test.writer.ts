/** A process that writes large events and ends without waiting, or goes on until it is killed and says how far it is sure. */
import { connect } from "./audit.ts"

const [how, profile = "", directory = ""] = process.argv.slice(2)
const audit = await connect(JSON.parse(profile), {
  spool: { directory },
  onProblem: () => undefined,
})
const write = (i: number): string =>
  audit("a.b", { id: String(i), actor: "a", data: { filler: "x".repeat(300_000 + i) } })
if (how === "end") {
  for (let i = 0; i < 3; i++) write(i)
  process.exit(0)
}
process.on("disconnect", () => process.exit())
for (let i = 0; i < 100; i++) {
  write(i)
  if (i % 3 !== 2) continue
  await audit.spooled()
  process.send?.(i)
}
