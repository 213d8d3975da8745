import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { ErrorCode } from "@postern/log/base"
import type { KeyPair } from "../../packages/server/dist/guard/pki/index.js"
import { eventText } from "../support/events.ts"
import { FramedClient, helloFrame } from "../support/framed-client.ts"
import {
  certificateBelow,
  chainOf,
  clientUsage,
  createKeys,
  createWeakKeys,
  datedCertificate,
  foreignAuthority,
  issueOdd,
  type Oddities,
  selfSigned,
  serverUsage,
  url,
} from "./certificates.ts"
import { dialTls, httpAnswer } from "./dial.ts"
import { httpPost } from "./http-text.ts"
import { casesOf, type Ground, type Row, wordlessEnd } from "./row.ts"

const id = (path: string): string => `spiffe://postern.local/${path}`
const admin = id("operator/admin")

type Show = (ground: Ground) => Promise<KeyPair | undefined>

/** A handshake with a certificate that is not good enough; it is told nothing. */
function bad(name: string, show: Show, code: ErrorCode = "CERTIFICATE_REFUSED"): Row {
  const act = async (ground: Ground): Promise<string> => {
    const pair = await show(ground)
    const shown = pair === undefined ? {} : { cert: pair.certificate, key: pair.key }
    const lenient = { ciphers: "DEFAULT@SECLEVEL=0" } // Or weak keys would not be sent at all.
    const socket = dialTls(ground, { ...shown, ...lenient, ALPNProtocols: ["postern/1"] })
    socket.once("secureConnect", () => socket.write(helloFrame()))
    return wordlessEnd(socket)
  }
  return { name: `certificate: ${name}`, act, expects: "closed", leaves: [code] }
}

/** A leaf of the CA that the port trusts, with something odd about it. */
function odd(name: string, oddities: Oddities | (() => Promise<Oddities>)): Row {
  return bad(name, async ({ installation, writer }) => {
    const wanted = typeof oddities === "function" ? await oddities() : oddities
    return issueOdd(installation.ca, { names: [url(writer.id)], ...wanted })
  })
}

/** The URI is odd: TLS, the CA's name constraint or the port must see it. */
function named(name: string, ...uris: readonly string[]): Row {
  return odd(name, { names: uris.map(url) })
}

/** Whoever shows it is served. */
function good(name: string, oddities: (ground: Ground) => Promise<Oddities> | Oddities): Row {
  const act = async (ground: Ground): Promise<string> => {
    const wanted = { names: [url(ground.writer.id)], ...(await oddities(ground)) }
    const { certificate: cert, key } = await issueOdd(ground.installation.ca, wanted)
    const socket = dialTls(ground, { cert, key, ALPNProtocols: ["http/1.1"] })
    socket.write(httpPost(eventText()))
    return httpAnswer(socket)
  }
  return { name: `certificate: ${name}`, act, expects: "200 accepted 1", leaves: [] }
}

/** Taken off the list while connected: cut at once, and not let in again. */
const revoked: Row = {
  name: "certificate: revoked while it is connected",
  act: async (ground) => {
    const { installation, call, ca, writer, reload } = ground
    const client = await FramedClient.enter(call, ca, writer)
    const from = performance.now()
    installation.revoke(writer.id)
    await reload()
    await client.ended()
    const isSoon = performance.now() - from < 1000
    const again = dialTls(ground, {
      ...{ cert: writer.certificate, key: writer.key },
      ALPNProtocols: ["postern/1"],
    })
    return `${isSoon ? "cut" : "cut late"}, then ${await wordlessEnd(again)}`
  },
  expects: "cut, then closed",
  leaves: ["NOT_GRANTED"],
}

const serverOwn: Show = async ({ installation }) => {
  const read = (name: string) => readFileSync(join(installation.directory, "pki", name), "utf8")
  return { certificate: read("server.crt"), key: read("server.key") }
}

export const certificateRows: readonly Row[] = [
  ...casesOf(
    13,
    bad("none", async () => undefined),
  ),
  ...casesOf(
    16,
    bad(
      "of 200 KB",
      ({ installation }) => {
        const paths = Array.from({ length: 4000 }, (_, i) => `writer/${i}-${"x".repeat(20)}`)
        return issueOdd(installation.ca, { names: paths.map((path) => url(id(path))) })
      },
      "TLS_HANDSHAKE",
    ),
    bad("at the end of 50 CAs", ({ installation, writer }) =>
      chainOf(installation.ca, 50, writer.id),
    ),
  ),
  ...casesOf(
    21,
    bad("expired", ({ installation, writer }) => datedCertificate(installation.ca, writer.id, -10)),
  ),
  ...casesOf(
    22,
    bad("not valid yet", ({ installation, writer }) =>
      datedCertificate(installation.ca, writer.id, 10),
    ),
  ),
  ...casesOf(23, odd("for servers", { usages: [serverUsage] })),
  ...casesOf(24, odd("without a usage", { usages: undefined })),
  ...casesOf(
    25,
    bad("of another CA with the same name", async ({ writer }) =>
      issueOdd(await foreignAuthority(), { names: [url(writer.id)] }),
    ),
  ),
  ...casesOf(26, revoked),
  ...casesOf(
    27,
    odd("an ID in the subject only", { names: [{ type: "dns", value: "app" }], subject: admin }),
    odd("a list of names in the subject", {
      names: [{ type: "dns", value: "app" }],
      subject: `a, URI:${admin}`,
    }),
    odd("an ID as a DNS name", { names: [{ type: "dns", value: admin }] }),
  ),
  ...casesOf(
    28,
    named("two URIs", id("writer/a"), admin),
    named("the same URI twice", id("writer/a"), id("writer/a")),
    named("no URI"),
  ),
  ...casesOf(
    29,
    named("a URI behind a comma", `${id("writer/a")}, URI:${admin}`),
    odd("a URI behind a comma in a DNS name", {
      names: [url(id("writer/a")), { type: "dns", value: `x, URI:${admin}` }],
    }),
  ),
  ...casesOf(30, named("a NUL", `${admin}\0.evil`), named("a line feed", `${admin}\n`)),
  ...casesOf(
    31,
    named("a parent segment", id("svc/../operator/admin")),
    named("a dot", id("./admin")),
  ),
  ...casesOf(32, named("user information", "spiffe://postern.local@evil.example/writer/a")),
  ...casesOf(
    33,
    named("a trust domain in capitals", "spiffe://POSTERN.local/writer/a"),
    named("a scheme in capitals", "SPIFFE://postern.local/writer/a"),
    named("an escape", id("writer/%61pp")),
    named("a name in another alphabet", "spiffe://xn--pstern-9ve.local/writer/a"),
    named("a query", `${id("writer/a")}?role=operator`),
    named("a fragment", `${id("writer/a")}#operator`),
    named("a URI of 3,000 bytes", id(`writer/${"a".repeat(3000)}`)),
  ),
  ...casesOf(
    34,
    odd("a CA's", { isCa: true }),
    bad("signed by a leaf", async ({ installation, writer }) => {
      const leaf = await issueOdd(installation.ca, { names: [url(writer.id)] })
      return certificateBelow(leaf, writer.id)
    }),
  ),
  ...casesOf(
    35,
    bad("self-signed", ({ writer }) => selfSigned(writer.id)),
  ),
  ...casesOf(
    36,
    named("a URI of another trust domain", "spiffe://evil.example/writer/a"),
    named("a URI of another scheme", "https://postern.local/writer/a"),
  ),
  ...casesOf(
    37,
    odd("signed over SHA-1", { digest: "SHA-1" }),
    odd("an RSA key of 1024 bits", async () => ({ keys: await createWeakKeys() })),
  ),
  ...casesOf(
    38,
    bad("a reader's", ({ installation }) => Promise.resolve(installation.operator), "NOT_GRANTED"),
  ),
  ...casesOf(39, bad("the server's own", serverOwn)),
  bad("on no list", ({ installation }) => installation.issue("writer/unknown"), "NOT_GRANTED"),
  ...casesOf(
    40,
    bad(
      "taken off the list a moment ago",
      async ({ installation, writer, reload }) => {
        installation.revoke(writer.id)
        await reload()
        return writer
      },
      "NOT_GRANTED",
    ),
  ),
  good("of the usual kind", () => ({})),
  good("for clients and servers", () => ({ usages: [serverUsage, clientUsage] })),
  good("with DNS names beside the one URI", ({ writer }) => ({
    names: [{ type: "dns", value: "app.example" }, url(writer.id)],
  })),
  good("with an RSA key of 2048 bits", async () => ({ keys: await createKeys("RSA-2048") })),
  good("with a P-384 key", async () => ({ keys: await createKeys("P-384") })),
]
