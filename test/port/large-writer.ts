/** An application that writes one large event, says when it is spooled, and goes on until it is killed. */
import { connect } from "@postern/client"

const [profile, id = "", bytes = ""] = process.argv.slice(2)
const audit = await connect(profile, { onProblem: () => undefined })
audit("invoice.read", { id, actor: "alice", data: { secret: "s3cr3t".repeat(Number(bytes) / 6) } })
await audit.spooled()
process.send?.("spooled")
process.on("disconnect", () => process.exit())
setInterval(() => undefined, 60_000)
