/** A live connection: sends a byte every ten milliseconds to HOST PORT until it is ended. */
import { connect } from "node:net"

const [host = "", port = ""] = process.argv.slice(2)
const socket = connect({ host, port: Number(port), noDelay: true })
socket.on("connect", () => setInterval(() => socket.write("x"), 10))
socket.on("error", () => process.exit(1))
