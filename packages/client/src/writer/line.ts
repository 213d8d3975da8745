import { connect, type TLSSocket } from "node:tls"
import { PosternError } from "@postern/log/base"
import type { Profile } from "../profile.ts"

export interface LineEvents {
  opened(): void
  received(chunk: Uint8Array): void
  /** Once, however it ended; nothing else follows. */
  closed(problem: PosternError): void
  /** What was sent has left this process's buffers. */
  drained(): void
}

/** One TLS connection to the write port, authenticated both ways. */
export interface Line {
  /** False if the caller should wait for `drained`. */
  send(bytes: Uint8Array): boolean
  close(): void
  /** Whether the connection alone keeps the process alive. */
  hold(isHeld: boolean): void
}

const connectMs = 10_000

/** Dials the profile's address. The server must show a certificate of the profile's CA with the profile's server id. */
export function openLine(profile: Profile, events: LineEvents): Line {
  const [, host = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(profile.address) ?? []
  const socket = connect({
    host,
    port: Number(port),
    ca: profile.ca,
    cert: profile.certificate,
    key: profile.key,
    ALPNProtocols: ["postern/1"],
    minVersion: "TLSv1.3",
    checkServerIdentity: (_name, certificate) => {
      const expected = `URI:${profile.server}`
      if (certificate.subjectaltname?.split(", ").includes(expected)) return undefined
      return new Error(`the server is not ${profile.server}`)
    },
  })
  let reason: Error | undefined
  let isOver = false
  const over = (): void => {
    if (isOver) return
    isOver = true
    events.closed(
      new PosternError("UNREACHABLE", `${profile.address}: ${describe(reason)}`, { cause: reason }),
    )
  }
  socket.setNoDelay(true)
  socket.setTimeout(connectMs, () => socket.destroy(new Error("no answer in 10 seconds")))
  socket.on("secureConnect", () => {
    socket.setTimeout(0)
    events.opened()
  })
  socket.on("data", (chunk) => events.received(chunk))
  socket.on("drain", () => events.drained())
  socket.on("error", (error) => {
    reason = error
  })
  socket.on("close", over)
  return {
    send: (bytes) => socket.write(bytes),
    close: () => socket.destroy(),
    hold: (isHeld) => holdSocket(socket, isHeld),
  }
}

function holdSocket(socket: TLSSocket, isHeld: boolean): void {
  if (isHeld) socket.ref()
  else socket.unref()
}

function describe(reason: Error | undefined): string {
  if (reason === undefined) return "the port closed the connection"
  const code = (reason as NodeJS.ErrnoException).code
  return code === undefined || reason.message.includes(code)
    ? reason.message
    : `${reason.message} (${code})`
}
