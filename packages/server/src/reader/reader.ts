import { mkdirSync } from "node:fs"
import { isPosternError } from "@postern/log/base"
import {
  type Acceptor,
  type AuthorityUses,
  heldAddresses,
  openAcceptor,
  type Peer,
  type TlsFiles,
  tellHeldSockets,
} from "../acceptor/index.ts"
import { type AccessList, parseAccess } from "../access/index.ts"
import { accessFile, type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { openDisclosures } from "../disclosures/index.ts"
import { type LogView, replaceFile } from "../disk/index.ts"
import { openBatchSlots } from "../evidence/index.ts"
import type { Tell } from "../lifetime/index.ts"
import { type AccessWatch, openAccessWatch } from "./access-watch.ts"
import { openAlertsDesk } from "./alerts-word.ts"
import {
  type ConsoleFiles,
  createReadApi,
  type MirrorState,
  type ReadApi,
  readLimits,
} from "./api/index.ts"
import { readConsoleFiles } from "./console-files.ts"
import { openHouse } from "./house.ts"
import { type HttpListener, openHttpListener } from "./http-listener.ts"
import { openSearchIndex, type SearchIndex } from "./index/index.ts"
import { openRawSlots } from "./raw-slots.ts"
import { openReaderRenewals, type ReaderRenewals } from "./reader-renewals.ts"
import type { SpoolRecorder } from "./recorder.ts"
import { followSurvey, type SurveyFollower } from "./survey-follower.ts"
import { openAuthorityUses, openPlaneFiles, openRecording } from "./tls-keeping.ts"

const drainMs = 5_000
const tickMs = 200
const certificatesMs = 1_000

/** The running read process: follows the log, answers readers, records what they ask. Made by `openReadProcess`. */
export class ReadProcess {
  readonly #config: Config
  readonly #view: LogView
  readonly #recorder: SpoolRecorder
  readonly #tell: Tell
  readonly #api: ReadApi
  readonly #renewals: ReaderRenewals
  readonly #survey: SurveyFollower
  readonly #index: SearchIndex
  readonly #alerts: ReturnType<typeof openAlertsDesk>
  readonly #http: HttpListener
  readonly #acceptor: Acceptor
  readonly #watch: AccessWatch
  readonly #timer: NodeJS.Timeout
  readonly #certificates: readonly TlsFiles[]
  readonly #authorities: AuthorityUses
  #lookedAt = Number.NEGATIVE_INFINITY
  #access: AccessList
  #reporting: Promise<void> = Promise.resolve()

  /** @param identity the files of the process's own identity, under which it records */
  constructor(
    config: Config,
    view: LogView,
    recorder: SpoolRecorder,
    identity: TlsFiles,
    console: ConsoleFiles,
    tell: Tell,
  ) {
    this.#config = config
    this.#view = view
    this.#recorder = recorder
    this.#tell = tell
    this.#watch = openAccessWatch({
      file: () => accessFile(config),
      view,
      reload: () => this.reload(),
    })
    this.#access = parseAccess(readTextFile(accessFile(config)))
    this.#renewals = openReaderRenewals(config, recorder, () => this.#access, tell)
    const internal = (id: string) => this.#access.writer(id, 0)?.internal === true
    this.#survey = followSurvey({
      view,
      file: dataDirectories(config).readerSurvey,
      world: { isInternal: internal },
      failed: (what, error) => tell("error", `the survey ${what}`, { error: String(error) }),
    })
    this.#alerts = openAlertsDesk(config)
    const { log, index } = dataDirectories(config)
    this.#index = openSearchIndex({ log, index, keys: config.sealing, tell })
    this.#api = createReadApi({
      view,
      index: this.#index,
      slots: openRawSlots(dataDirectories(config).log, view),
      batches: openBatchSlots(dataDirectories(config).log),
      disclosures: openDisclosures({
        sealed: dataDirectories(config).disclosures,
        keys: config.sealing,
      }),
      recorder,
      console,
      house: openHouse(config, () => this.#access, this.#survey, this.#alerts),
      grantOf: (peer) => this.#access.reader(peer.id, Date.now()),
      accessDigest: () => this.#access.digest,
      renew: (peer, request) => this.#renewals.renew(peer, request),
      elapsedMs: () => performance.now(),
      now: () => Date.now(),
      onMirrors: (states) => this.#keepMirrors(states),
      limits: readLimits,
      log: (message, facts) => tell("warn", message, facts),
    })
    this.#http = openHttpListener((request, env) => this.#api.app.fetch(request, env))
    const plane = openPlaneFiles(config, recorder, tell, (tls) => this.#acceptor.setTls(tls))
    this.#certificates = [plane, identity]
    this.#authorities = openAuthorityUses(config, tell)
    this.#acceptor = openAcceptor({
      tls: plane.tls,
      protocols: ["http/1.1"],
      admit: (peer: Peer) => {
        if (this.#access.revocationOf(peer) !== undefined) return "CERTIFICATE_REVOKED"
        return this.#access.reader(peer.id, Date.now()) === undefined ? "NOT_GRANTED" : undefined
      },
      onPeer: (socket, peer) => {
        this.#authorities.see(peer, Date.now())
        this.#http.accept(socket, peer)
      },
      onRefused: ({ code, detail, from, id }) =>
        tell("warn", "refused", { code, detail, from, id }),
    })
    this.#timer = setInterval(() => void this.#everyTick(), tickMs)
    this.#timer.unref()
  }

  /** Errors: ADDRESS_IN_USE, BIND_REFUSED. */
  async listen(): Promise<string[]> {
    const bound: string[] = []
    const { read, allow = [] } = this.#config.listen
    const addresses = heldAddresses("read", read)
    tellHeldSockets(dataDirectories(this.#config).readerSockets, addresses, (error) =>
      this.#tell("warn", "which sockets it serves is not told", { error: String(error) }),
    )
    for (const address of addresses) {
      bound.push(await this.#acceptor.listen({ ...address, allow }))
    }
    await this.#applied()
    return bound
  }

  async #everyTick(): Promise<void> {
    // Grants end by themselves at their time.
    this.#acceptor.reconsider()
    if (performance.now() - this.#lookedAt > certificatesMs) {
      this.#lookedAt = performance.now()
      void this.#authorities.look(this.#acceptor.peers(), Date.now())
      for (const files of this.#certificates) await files.look()
    }
    try {
      await this.#watch.look()
    } catch (error) {
      this.#tell("error", "the log could not be searched for new access lists", {
        error: String(error),
      })
    }
  }

  /** Reads access list and certificates again. What is not acceptable changes nothing; false if that is the list. */
  async reload(): Promise<boolean> {
    try {
      this.#access = parseAccess(readTextFile(accessFile(this.#config)))
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#tell("error", "the old configuration stays in force", { error: error.message })
      return false
    }
    this.#acceptor.reconsider()
    await this.#applied()
    for (const files of this.#certificates) {
      await files.reload().catch((error) => {
        if (!isPosternError(error)) throw error // They have told it, and what was in force still is.
      })
    }
    return true
  }

  /**
   * Reports come one after the other, each of the list then in force: of two that overlapped, the older could be the
   * last to reach the file, and whoever waits for the newer digest would wait for ever.
   */
  #applied(): Promise<void> {
    this.#reporting = this.#reporting.then(() => this.#report())
    return this.#reporting
  }

  /** The list is in force already: that a full disk keeps us from saying so must not keep anybody from reading. */
  async #report(): Promise<void> {
    const { digest } = this.#access
    const { readerAccess } = dataDirectories(this.#config)
    this.#tell("info", "access list applied", { digest })
    try {
      await this.#recorder.recordOwn("postern.access.applied", { digest, process: "reader" })
      await replaceFile(readerAccess, `${JSON.stringify({ digest })}\n`)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#tell("warn", "the applied access list could not be reported", { error: error.message })
    }
  }

  /** For `postern status`, which asks no reader. Nothing is decided by it: what cannot be written is written next time. */
  #keepMirrors(mirrors: readonly MirrorState[]): void {
    const { readerMirrors } = dataDirectories(this.#config)
    this.#reporting = this.#reporting
      .then(() => replaceFile(readerMirrors, `${JSON.stringify({ mirrors })}\n`))
      .catch((error) => {
        this.#tell("warn", "the word of the mirrors could not be kept", { error: String(error) })
      })
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#acceptor.stop()
    this.#renewals.close()
    this.#alerts.close()
    await this.#survey.close()
    await this.#index.close()
    await this.#api.close()
    await this.#http.drain(drainMs)
    await this.#authorities.keep(this.#acceptor.peers(), Date.now())
    await this.#acceptor.close()
    await this.#reporting
    await this.#recorder.close()
    await this.#view.close()
  }
}

/** @param view of a log that has its first entry. Errors: CONFIG_INVALID, ACCESS_INVALID, SPOOL_LOCKED, ADDRESS_IN_USE */
export async function openReadProcess(
  config: Config,
  view: LogView,
  tell: Tell,
): Promise<{ process: ReadProcess; addresses: string[] }> {
  mkdirSync(dataDirectories(config).readerState, { recursive: true, mode: 0o700 })
  const console = await readConsoleFiles()
  const { identity, recorder } = await openRecording(config, tell)
  const process = new ReadProcess(config, view, recorder, identity, console, tell)
  return { process, addresses: await process.listen() }
}
