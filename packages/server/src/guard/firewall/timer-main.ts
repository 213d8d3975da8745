/**
 * The process that takes rules back which nobody confirmed: DIRECTORY ID DEADLINE. Started by apply(), before the rules
 * are loaded; talks to nobody.
 */
import { setTimeout as delay } from "node:timers/promises"
import { rollBack } from "./apply.ts"

const [directory = "", id = "", deadline = "0"] = process.argv.slice(2)
await delay(Math.max(0, Number(deadline) - Date.now()))
await rollBack(directory, id)
