/** A process that takes the lock of a directory and keeps it until it is killed. */
import { isPosternError } from "@postern/log/base"
import { lockDirectory } from "./lock.ts"

// Listening keeps the process alive, and the end of its parent ends it.
process.on("disconnect", () => process.exit())
const [directory = ""] = process.argv.slice(2)
try {
  await lockDirectory(directory)
  process.send?.("locked")
} catch (error) {
  process.send?.(isPosternError(error) ? error.code : String(error))
}
