import { once } from "node:events"
import { createServer } from "node:net"
import { connect } from "node:tls"
import { within } from "../support/waiting.ts"

const clientHello = 1
const handshake = 22
const recordBytesMax = 16_384
/** Extensions by their numbers (IANA). */
export const extension = { serverName: 0, earlyData: 42 } as const

function withLength(bytes: Uint8Array, width: 1 | 2 | 3): Buffer {
  const length = Buffer.alloc(width)
  length.writeUIntBE(bytes.length, 0, width)
  return Buffer.concat([length, bytes])
}

export function formatExtension(type: number, body: Uint8Array): Buffer {
  const number = Buffer.alloc(2)
  number.writeUInt16BE(type)
  return Buffer.concat([number, withLength(body, 2)])
}

/** The extension that names a host, whatever bytes the name has. */
export function serverName(name: Uint8Array): Buffer {
  const host = Buffer.concat([Buffer.from([0]), withLength(name, 2)])
  return formatExtension(extension.serverName, withLength(host, 2))
}

/** A ClientHello by hand: nobody could go on with it, but what is wrong with it is seen before that. */
export function formatHello(extensions: readonly Uint8Array[], version = 0x0303): Buffer {
  const body = Buffer.concat([
    Buffer.from([version >> 8, version & 255]),
    Buffer.alloc(32, 7), // random
    withLength(Buffer.alloc(0), 1), // session
    withLength(Buffer.from([0x13, 0x01, 0x00, 0x2f]), 2), // TLS_AES_128_GCM_SHA256, an old one
    withLength(Buffer.from([0]), 1), // compression
    withLength(Buffer.concat(extensions), 2),
  ])
  return formatRecords(Buffer.concat([Buffer.from([clientHello]), withLength(body, 3)]))
}

function formatRecords(message: Uint8Array): Buffer {
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += recordBytesMax) {
    const part = message.subarray(at, at + recordBytesMax)
    records.push(Buffer.from([handshake, 3, 1]), withLength(part, 2))
  }
  return Buffer.concat(records)
}

/** The ClientHello of a TLS client that means well, as it came over the wire. */
export async function captureHello(): Promise<Buffer> {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" ? (address?.port ?? 0) : 0
  const connection = once(server, "connection")
  const client = connect({ host: "127.0.0.1", port, ALPNProtocols: ["postern/1"] })
  client.on("error", () => undefined) // Nobody answers it.
  try {
    const [socket] = await within(connection, 20_000, "a TLS client")
    let hello = Buffer.alloc(0)
    while (hello.length < 5 || hello.length < 5 + hello.readUInt16BE(3)) {
      const [chunk] = (await within(once(socket, "data"), 20_000, "its hello")) as [Buffer]
      hello = Buffer.concat([hello, chunk])
    }
    socket.destroy()
    return hello
  } finally {
    client.destroy()
    server.close()
  }
}

/** The same hello with one extension more, in front of the others. */
export function extendHello(hello: Buffer, more: Buffer): Buffer {
  // record header 5, message header 4, version 2, random 32, then three vectors
  let at = 5 + 4 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  const extended = Buffer.concat([hello.subarray(0, at + 2), more, hello.subarray(at + 2)])
  extended.writeUInt16BE(hello.readUInt16BE(3) + more.length, 3)
  extended.writeUIntBE(hello.readUIntBE(6, 3) + more.length, 6, 3)
  extended.writeUInt16BE(hello.readUInt16BE(at) + more.length, at)
  return extended
}
