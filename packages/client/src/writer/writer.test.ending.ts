/** A process that writes two events and ends at once, in the way its argument says; its profile comes on standard input. */
import { readFileSync } from "node:fs"
import { connect } from "./audit.ts"

const [ending = ""] = process.argv.slice(2)
const audit = await connect(JSON.parse(readFileSync(0, "utf8")), { onProblem: () => undefined })
for (const i of [0, 1]) audit("thing.done", { id: `${ending}.${i}`, actor: "alice" })
if (ending === "exit") process.exit(0)
if (ending === "throw") throw new Error("on purpose")
if (ending === "close") await audit.close()
