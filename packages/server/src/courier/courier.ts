import { mkdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import {
  consistencyProof,
  type PolicyWitness,
  parseCheckpoint,
  parseNote,
  parsePolicy,
  type ReadHashes,
  treeRoot,
} from "@postern/log/tlog"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { type LogView, replaceFile } from "../disk/index.ts"
import type { Tell } from "../lifetime/index.ts"
import { openPortLink, type PortLink } from "./port-link.ts"
import type { OpenTask } from "./task.ts"
import {
  type AskedCheckpoint,
  type AskWorld,
  afterWord,
  askWitness,
  isDue,
  newPace,
  openExchange,
  type Pace,
} from "./witnesses/index.ts"

const tickMs = 100
const answerMs = 2_000
/** The port may be about to open its socket. */
const deliveryMs = 5_000
const retryMs = 100
const saveMs = 60_000

interface Asked {
  readonly witness: PolicyWitness
  readonly prefix: string
  pace: Pace
  /** What it cosigned last, as far as is known here; the witness knows better. */
  lastSize: number
  asking: Promise<void> | undefined
  said: string
}

/**
 * The running courier process. Each witness is asked by itself, so that a slow one holds up nobody;
 * what it says goes to the port at once.
 */
export class Courier {
  readonly #config: Config
  readonly #view: LogView
  readonly #tell: Tell
  readonly #link: PortLink
  readonly #asked: readonly Asked[]
  readonly #wire = openExchange(answerMs)
  readonly #timer: NodeJS.Timeout
  #newest: AskedCheckpoint | undefined
  #port = ""
  #complaint = ""
  #ticking = false
  #closing = false
  #savedAt = performance.now()

  constructor(config: Config, view: LogView, tell: Tell, witnesses: readonly PolicyWitness[]) {
    this.#config = config
    this.#view = view
    this.#tell = tell
    this.#link = openPortLink(config)
    const sizes = readSizes(config)
    this.#asked = witnesses.flatMap((witness) => {
      if (witness.url === undefined) return []
      const lastSize = sizes[witness.name] ?? 0
      const prefix = prefixOf(witness)
      return { witness, prefix, lastSize, pace: newPace(), asking: undefined, said: "" }
    })
    if (this.#asked.length === 0) {
      throw new PosternError("POLICY_INVALID", "no witness in it has a URL")
    }
    this.#timer = setInterval(() => void this.#tick(), tickMs)
  }

  async #tick(): Promise<void> {
    if (this.#ticking || this.#closing) return
    this.#ticking = true
    try {
      await this.#look()
      const now = performance.now()
      for (const asked of this.#asked) {
        if (asked.asking !== undefined) continue
        if (!isDue(asked.pace, this.#newest?.size ?? -1, now)) continue
        asked.asking = this.#ask(asked).finally(() => {
          asked.asking = undefined
        })
      }
      if (now - this.#savedAt > saveMs) await this.#save()
    } catch (error) {
      this.#complain(String(error))
    } finally {
      this.#ticking = false
    }
  }

  /** Once, not ten times a second. */
  #complain(error: string): void {
    if (error === this.#complaint) return
    this.#complaint = error
    this.#tell("error", "looking for a checkpoint failed", { error })
  }

  /** The newest checkpoint, and whether the port has begun a new life: that one knows nothing yet. */
  async #look(): Promise<void> {
    const note = await this.#view.checkpoint()
    if (note !== undefined && note !== this.#newest?.note) {
      this.#newest = { note, size: parseCheckpoint(parseNote(note).text).size }
    }
    const port = socketMark(dataDirectories(this.#config).adminSocket)
    if (port === this.#port) return
    this.#port = port
    for (const asked of this.#asked) asked.pace = newPace()
  }

  async #ask(asked: Asked): Promise<void> {
    const { name } = asked.witness
    const word = await askWitness(asked.prefix, this.#newest, asked.lastSize, this.#world())
    if (word.outcome === "cosigned") asked.lastSize = word.size
    asked.pace = afterWord(asked.pace, word, performance.now())
    if (asked.said !== word.outcome) {
      asked.said = word.outcome
      const level = word.outcome === "cosigned" ? "info" : "warn"
      const { outcome } = word
      const detail = "detail" in word ? word.detail : undefined
      this.#tell(level, "a witness answered", { witness: name, outcome, detail })
    }
    await this.#deliver({ ...word, witness: name })
  }

  #world(): AskWorld {
    const read: ReadHashes = (level, from, to) => this.#view.hashes(level, from, to)
    return {
      origin: this.#view.origin,
      exchange: this.#wire.exchange,
      proof: (from, to) => consistencyProof(from, to, read),
      root: (size) => treeRoot(size, read),
    }
  }

  async #deliver(report: object): Promise<void> {
    const end = performance.now() + deliveryMs
    for (;;) {
      try {
        return await this.#link.report(report)
      } catch (error) {
        if (performance.now() > end || this.#closing) {
          return this.#tell("warn", "the port did not take a report", { error: String(error) })
        }
        await new Promise((resolve) => setTimeout(resolve, retryMs))
      }
    }
  }

  /** Saves a request at the next start, nothing more: what a witness knows, it says. */
  async #save(): Promise<void> {
    this.#savedAt = performance.now()
    const sizes = Object.fromEntries(
      this.#asked.map(({ witness, lastSize }) => [witness.name, lastSize]),
    )
    const text = JSON.stringify({ postern: "courier@v1", sizes })
    await replaceFile(sizesFile(this.#config), `${text}\n`)
  }

  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#timer)
    await Promise.allSettled(this.#asked.map(({ asking }) => asking))
    await this.#save()
    this.#wire.close()
    this.#link.close()
  }
}

/** Asks witnesses; undefined if there are none. Errors: CONFIG_INVALID, POLICY_INVALID. */
export const openCourier: OpenTask = ({ config, view, tell }) => {
  const { witnesses } = config
  if (witnesses === undefined) return undefined
  mkdirSync(dataDirectories(config).courierState, { recursive: true, mode: 0o700 })
  const policy = parsePolicy(readTextFile(witnesses))
  const courier = new Courier(config, view, tell, policy.witnesses)
  return { what: "asking witnesses", close: () => courier.close() }
}

function prefixOf({ name, url = "" }: PolicyWitness): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const web = parsed?.protocol === "http:" || parsed?.protocol === "https:"
  const bare = parsed?.username === "" && parsed.search === "" && parsed.hash === ""
  if (!web || !bare) throw new PosternError("POLICY_INVALID", `the URL of witness ${name}: ${url}`)
  return url.replace(/\/+$/, "")
}

function sizesFile(config: Config): string {
  return join(dataDirectories(config).courierState, "witnesses.json")
}

/** By name of the witness. What cannot be read is as good as nothing. */
function readSizes(config: Config): Record<string, number> {
  try {
    const { sizes } = JSON.parse(readFileSync(sizesFile(config), "utf8"))
    const known = Object.entries(sizes).filter(([, size]) => Number.isSafeInteger(size))
    return Object.fromEntries(known) as Record<string, number>
  } catch {
    return {} // A first start, or a damaged file: each witness is asked once more.
  }
}

/** Changes with each new socket at the path. */
function socketMark(path: string): string {
  try {
    const { ino, ctimeMs } = statSync(path)
    return `${ino} ${ctimeMs}`
  } catch {
    return "" // The port is not there now.
  }
}
