import { connect as connectTcp } from "node:net"
import { connect, type SecureVersion } from "node:tls"
import type { ErrorCode } from "@postern/log/base"
import type { KeyPair } from "../../packages/server/dist/guard/pki/index.js"
import { helloFrame } from "../support/framed-client.ts"
import { within } from "../support/waiting.ts"
import { datedCertificate, foreignCertificate, namedCertificate } from "./certificates.ts"
import { dialTls, httpAnswer, sayPlain } from "./dial.ts"
import { type Ground, problem, type Row, wordlessEnd } from "./row.ts"

/** Bytes that are no TLS. */
function plain(name: string, bytes: string | Uint8Array): Row {
  const act = (ground: Ground): Promise<string> => sayPlain(ground, bytes)
  return { name, act, expects: "closed", leaves: ["TLS_HANDSHAKE"] }
}

/** A handshake with a certificate that is not good enough; it is told nothing. */
function certificate(
  name: string,
  show: (ground: Ground) => Promise<KeyPair | undefined>,
  code: ErrorCode = "CERTIFICATE_REFUSED",
): Row {
  const act = async (ground: Ground): Promise<string> => {
    const pair = await show(ground)
    const shown = pair === undefined ? {} : { cert: pair.certificate, key: pair.key }
    const socket = dialTls(ground, { ...shown, ALPNProtocols: ["postern/1"] })
    socket.once("secureConnect", () => socket.write(helloFrame()))
    return wordlessEnd(socket)
  }
  return { name, act, expects: "closed", leaves: [code] }
}

function oldTls(version: SecureVersion): Row {
  const act = ({ ca, call, writer }: Ground): Promise<string> => {
    const { certificate: cert, key } = writer
    const versions = { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" }
    const socket = connect({ ...call, ca, cert, key, ...versions, ALPNProtocols: ["postern/1"] })
    socket.on("error", () => undefined) // Its close follows and is what counts.
    return wordlessEnd(socket)
  }
  return { name: `TLS ${version.slice(4)}`, act, expects: "closed", leaves: ["TLS_HANDSHAKE"] }
}

function protocols(name: string, offered: string[]): Row {
  const act = (ground: Ground): Promise<string> => {
    const { certificate: cert, key } = ground.writer
    return wordlessEnd(dialTls(ground, { cert, key, ALPNProtocols: offered }))
  }
  return { name, act, expects: "closed", leaves: ["ALPN_REFUSED"] }
}

/** A connection that was greeted and is left without a word of TLS. */
async function leaveRaw(ground: Ground, how: "reset" | "end"): Promise<string> {
  const raw = connectTcp(ground.call)
  const { certificate: cert, key } = ground.writer
  const socket = dialTls(ground, { socket: raw, cert, key, ALPNProtocols: ["postern/1"] })
  socket.write(helloFrame())
  // The port has seen the end of the handshake once it answers.
  const welcome = new Promise((resolve) => socket.once("data", resolve))
  await within(welcome, 10_000, "the port's WELCOME")
  if (how === "reset") raw.resetAndDestroy()
  else raw.end()
  return wordlessEnd(socket)
}

const hello = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])

export const doorRows: readonly Row[] = [
  {
    name: "TCP connect and silence",
    act: (ground) => sayPlain(ground, ""),
    expects: "closed",
    leaves: ["TLS_HANDSHAKE"],
    slow: "short",
  },
  {
    name: "a ClientHello that never ends",
    act: (ground) => sayPlain(ground, hello),
    expects: "closed",
    leaves: ["TLS_HANDSHAKE"],
    slow: "short",
  },
  plain("plaintext HTTP", "POST /v1/events HTTP/1.1\r\nhost: p\r\ncontent-length: 2\r\n\r\n{}"),
  plain("SSH", "SSH-2.0-OpenSSH_9.9\r\n"),
  plain("syslog", "<34>1 2026-11-22T12:00:00Z host su - ID47 - 'su root' failed\n"),
  plain("a frame without TLS", helloFrame()),
  plain("64 KiB of 0xff", new Uint8Array(65_536).fill(255)),
  plain("a TLS alert first", Uint8Array.from([21, 3, 3, 0, 2, 2, 40])),
  plain("a TLS record of 65,535 bytes", Uint8Array.from([22, 3, 1, 255, 255, ...hello])),
  oldTls("TLSv1.2"),
  protocols("ALPN h2", ["h2"]),
  protocols("ALPN postern/2", ["postern/2", "spdy/3"]),
  {
    name: "frames without ALPN are taken for HTTP",
    act: (ground) => {
      const { certificate: cert, key } = ground.writer
      const socket = dialTls(ground, { cert, key })
      socket.write(helloFrame())
      return httpAnswer(socket)
    },
    expects: problem("HTTP_BODY_SYNTAX"),
    leaves: ["HTTP_BODY_SYNTAX"],
  },
  certificate("no client certificate", async () => undefined),
  certificate("a certificate of another CA", ({ writer }) => foreignCertificate(writer.id)),
  certificate("an expired certificate", ({ installation, writer }) =>
    datedCertificate(installation.ca, writer.id, -10),
  ),
  certificate("a certificate that is not valid yet", ({ installation, writer }) =>
    datedCertificate(installation.ca, writer.id, 10),
  ),
  certificate("a certificate with two URIs", ({ installation, writer }) =>
    namedCertificate(installation.ca, [writer.id, "spiffe://postern.local/operator/admin"]),
  ),
  certificate("a certificate without URI", ({ installation }) =>
    namedCertificate(installation.ca, []),
  ),
  certificate("a certificate whose URI is https", ({ installation }) =>
    namedCertificate(installation.ca, ["https://postern.local/writer/x"]),
  ),
  certificate("a URI of another trust domain", ({ installation }) =>
    namedCertificate(installation.ca, ["spiffe://evil.example/writer/x"]),
  ),
  certificate("a server's certificate", ({ installation }) =>
    installation.issue("writer/server-only", "server"),
  ),
  certificate(
    "an ID that is not in the access list",
    ({ installation }) => installation.issue("writer/unknown"),
    "NOT_GRANTED",
  ),
  certificate(
    "a reader's certificate",
    ({ installation }) => Promise.resolve(installation.operator),
    "NOT_GRANTED",
  ),
  {
    name: "a reset after WELCOME",
    act: (ground) => leaveRaw(ground, "reset"),
    expects: "closed",
    leaves: [],
  },
  {
    name: "TCP's end after WELCOME, without TLS's",
    act: (ground) => leaveRaw(ground, "end"),
    expects: "closed",
    leaves: [],
  },
]
