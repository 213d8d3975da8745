/** Listens on the ports in its arguments, in both families. Answers with a byte, and says how many bytes have come. */
import { createServer } from "node:net"

const ports = process.argv.slice(2).map(Number)
let listening = 0
for (const port of ports) {
  let bytes = 0
  const server = createServer((socket) => {
    socket.write("!")
    socket.on("error", () => socket.destroy())
    socket.on("data", (data: Buffer) => {
      bytes += data.length
      console.log(`${port} ${bytes}`)
    })
  })
  server.listen(port, "::", () => {
    listening += 1
    if (listening === ports.length) console.log("ready")
  })
}
