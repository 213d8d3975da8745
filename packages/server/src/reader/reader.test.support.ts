import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { IncomingMessage } from "node:http"
import { request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createPki } from "../acceptor/doorway.test.support.ts"
import { dataDirectories, parseConfig } from "../config/index.ts"
import { FakeLog } from "./api/fake-log.test.support.ts"
import { openReadProcess } from "./reader.ts"

const id = (path: string) => `spiffe://postern.test/${path}`

export interface Identity {
  readonly path: string
  readonly see?: "monitor" | "auditor" | `investigator, query: "${string}"`
  readonly expires?: string
}

export function accessText(identities: readonly Identity[]): string {
  const lines = identities.map(
    ({ path, see = "auditor", expires }) =>
      `  - id: ${id(path)}\n    role: reader\n    grant: { see: ${see} }\n${
        expires === undefined ? "" : `    expires: ${expires}\n`
      }`,
  )
  return `identities:\n${lines.join("")}`
}

/** A read process on a directory of its own, over a log in memory, with real certificates. Nobody listens at its write port. */
export async function openReading(identities: readonly Identity[]) {
  const directory = mkdtempSync(join(tmpdir(), "postern-reader-"))
  const pki = await createPki()
  const log = new FakeLog()
  const readerProcess = await pki.issue(id("postern/reader"), "client")
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text, { mode: 0o600 })
  }
  file("ca.crt", pki.authority.certificate)
  file("server.crt", pki.tls.certificate)
  file("server.key", pki.tls.key)
  file("reader.crt", readerProcess.certificate)
  file("reader.key", readerProcess.key)
  file("access.yaml", accessText(identities))
  const text = `origin: ${log.origin}
listen: { write: ["127.0.0.1:1"], read: ["127.0.0.1:0"], ops: ["127.0.0.1:2"] }
data: data
access: access.yaml
pki:
  { ca: ca.crt, certificate: server.crt, key: server.key, logKey: none, receiptKey: none,
    reader: { certificate: reader.crt, key: reader.key } }
`
  const config = parseConfig(text, join(directory, "postern.yaml"))
  const { portState, readerAccess } = dataDirectories(config)
  mkdirSync(portState, { recursive: true })
  writeFileSync(join(portState, "vkey"), `${log.vkey}\n`)
  const lines: string[] = []
  const { process, addresses } = await openReadProcess(config, log, (level, message, more) => {
    lines.push(`${level} ${message} ${JSON.stringify(more)}`)
  })
  const [address = ""] = addresses

  async function ask(path: string, as: string, method = "GET"): Promise<IncomingMessage> {
    const [host, port] = address.split(":")
    const pair = await pki.issue(id(as), "client")
    return new Promise((resolve, reject) => {
      const tls = { ca: pki.tls.ca, cert: pair.certificate, key: pair.key, agent: false as const }
      const options = { ...tls, host, port, path, method, checkServerIdentity: () => undefined }
      request(options, resolve).on("error", reject).end()
    })
  }

  async function close(): Promise<void> {
    await process.close()
    rmSync(directory, { recursive: true })
  }

  return { process, log, lines, file, ask, close, readerAccess, directory }
}

export async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
