import { mkdirSync } from "node:fs"
import { isPosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { type Acceptor, openAcceptor, type Peer } from "../acceptor/index.ts"
import { type AccessList, parseAccess } from "../access/index.ts"
import { type Config, dataDirectories, readSecretFile, readTextFile } from "../config/index.ts"
import { type Head, type LogView, replaceFile } from "../disk/index.ts"
import { createReadApi, type ReadApi, readLimits } from "./api/index.ts"
import { type HttpListener, openHttpListener } from "./http-listener.ts"
import { openRecorder, type SpoolRecorder } from "./recorder.ts"

export type Tell = (level: "info" | "warn" | "error", message: string, more?: object) => void

const drainMs = 5_000

/** The running read process: follows the log, answers readers, records what they ask. Made by `openReadProcess`. */
export class ReadProcess {
  readonly #config: Config
  readonly #view: LogView
  readonly #recorder: SpoolRecorder
  readonly #tell: Tell
  readonly #api: ReadApi
  readonly #http: HttpListener
  readonly #acceptor: Acceptor
  readonly #expiry: NodeJS.Timeout
  #access: AccessList
  /** How far the log was looked through for new access lists. */
  #watched: number
  #watching: Promise<void> = Promise.resolve()

  constructor(config: Config, view: LogView, recorder: SpoolRecorder, tell: Tell) {
    this.#config = config
    this.#view = view
    this.#recorder = recorder
    this.#tell = tell
    this.#access = parseAccess(readTextFile(config.access))
    this.#watched = view.head().size
    this.#api = createReadApi({
      view,
      recorder,
      grantOf: (peer) => this.#access.reader(peer.id, Date.now()),
      accessDigest: () => this.#access.digest,
      elapsedMs: () => performance.now(),
      limits: readLimits,
      log: (message, facts) => tell("warn", message, facts),
    })
    this.#http = openHttpListener((request, peer) => this.#api.app.fetch(request, { peer }))
    this.#acceptor = openAcceptor({
      tls: readTls(config),
      protocols: ["http/1.1"],
      admit: ({ id }: Peer) =>
        this.#access.reader(id, Date.now()) === undefined ? "NOT_GRANTED" : undefined,
      onPeer: (socket, peer) => this.#http.accept(socket, peer),
      onRefused: ({ code, detail, from, id }) =>
        tell("warn", "refused", { code, detail, from, id }),
    })
    view.onHead((head) => this.#watch(head))
    this.#expiry = setInterval(() => this.#acceptor.reconsider(), 1000)
    this.#expiry.unref()
  }

  /** Errors: ADDRESS_IN_USE, BIND_REFUSED. */
  async listen(): Promise<string[]> {
    const bound: string[] = []
    for (const address of this.#config.listen.read) bound.push(await this.#acceptor.listen(address))
    await this.#applied()
    return bound
  }

  /** The port says in the log that it applied a list: then it is time to read it here too. */
  #watch(head: Head): void {
    const from = this.#watched
    this.#watched = head.size
    this.#watching = this.#watching
      .then(() => this.#look(from, head.size))
      .catch((error) => this.#tell("error", "following the log", { error: String(error) }))
  }

  async #look(from: number, to: number): Promise<void> {
    for (let at = from; at < to; ) {
      const leaves = await this.#view.leaves(at, to, 1_048_576)
      at += leaves.length
      for (const leaf of leaves) {
        if (!Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).includes(loadedMark)) continue
        const { event } = parseEntry(leaf)
        if (event.action === "postern.access.loaded") await this.reload()
      }
    }
  }

  /** Reads access list and certificates again. What is not acceptable changes nothing. */
  async reload(): Promise<void> {
    try {
      const access = parseAccess(readTextFile(this.#config.access))
      const tls = readTls(this.#config)
      this.#acceptor.setTls(tls)
      this.#access = access
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#tell("error", "the old configuration stays in force", { error: error.message })
      return
    }
    this.#acceptor.reconsider()
    await this.#applied()
  }

  async #applied(): Promise<void> {
    const { digest } = this.#access
    const { readerAccess } = dataDirectories(this.#config)
    await replaceFile(readerAccess, `${JSON.stringify({ digest })}\n`)
    this.#recorder.recordOwn("postern.access.applied", { digest, process: "reader" })
    this.#tell("info", "access list applied", { digest })
  }

  async close(): Promise<void> {
    clearInterval(this.#expiry)
    this.#acceptor.stop()
    await this.#api.close()
    await this.#http.drain(drainMs)
    await this.#acceptor.close()
    await this.#recorder.close()
    await this.#view.close()
  }
}

/** What an entry about an access list holds; looked for in the bytes, so that the others need not be parsed. */
const loadedMark = '"action":"postern.access.loaded"'

/** @param view of a log that has its first entry. Errors: CONFIG_INVALID, ACCESS_INVALID, SPOOL_LOCKED, ADDRESS_IN_USE */
export async function openReadProcess(
  config: Config,
  view: LogView,
  tell: Tell,
): Promise<{ process: ReadProcess; addresses: string[] }> {
  mkdirSync(dataDirectories(config).readerState, { recursive: true, mode: 0o700 })
  const recorder = await openRecorder(config, (message, facts) => tell("warn", message, facts))
  const process = new ReadProcess(config, view, recorder, tell)
  return { process, addresses: await process.listen() }
}

function readTls(config: Config): { key: string; certificate: string; ca: string } {
  const { key, certificate, ca } = config.pki
  return { key: readSecretFile(key), certificate: readTextFile(certificate), ca: readTextFile(ca) }
}
