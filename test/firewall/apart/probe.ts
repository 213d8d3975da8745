/** Tries the targets of its argument (JSON) all at once; prints what came of each, in their order. */
import { connect } from "node:net"
import type { Target } from "../plan.ts"

const timeoutMs = 3_500

function probe({ host, port }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (state: string) => {
      socket.destroy()
      resolve(state)
    }
    socket.on("data", () => end("open"))
    socket.on("timeout", () => end("silent"))
    socket.on("error", (error: NodeJS.ErrnoException) => {
      end(error.code === "ETIMEDOUT" ? "silent" : String(error.code))
    })
  })
}

const targets = JSON.parse(process.argv[2] ?? "[]") as Target[]
console.log(JSON.stringify(await Promise.all(targets.map(probe))))
