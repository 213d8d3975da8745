import {
  encodeUtf8,
  equalBytes,
  formatHex,
  isPosternError,
  PosternError,
  sha256,
} from "@postern/log/base"
import { pinnedPolicy } from "@postern/log/evidence"
import {
  openCosignedCheckpoint,
  type PolicyWitness,
  parseNote,
  type TrustPolicy,
} from "@postern/log/tlog"
import { type Ahead, aheadOf } from "./clock-offset.ts"
import {
  type Contradiction,
  describeContradiction,
  formatEvidence,
  type OwnHistory,
} from "./contradiction.ts"
import { type CheckedLines, checkLines, demandNear } from "./cosignature-check.ts"
import { mergeCosignatures, quorumTime } from "./cosigned-note.ts"
import { parseWitnessReport, type WitnessReport } from "./witness-report.ts"

/** What happened, for the port's own stream. */
export interface WitnessEntry {
  readonly action: string
  readonly outcome: "success" | "failure"
  readonly data: Record<string, unknown>
}

export interface WitnessesWorld {
  /** Milliseconds since 1970. */
  now(): number
  /** Size of the checkpoint that was signed last, in this life or an earlier one. */
  signedSize(): number
  /** Replaces the published checkpoint, if it still is the one with this text. */
  republish(change: (note: string) => string | undefined): Promise<void>
  /**
   * The log's own root at `from`, and the proof that its tree of `to` entries begins with it;
   * undefined if the log is not that long. It is read from disk: for contradictions only.
   */
  ownHistory(from: number, to: number): Promise<OwnHistory | undefined>
  /** Durable once it resolves: the newest checkpoint that has the quorum. */
  keepWitnessed(note: string): Promise<void>
  /** Durable once they resolve. */
  keepEvidence(name: string, text: string): Promise<void>
  keepContradiction(contradiction: Contradiction): Promise<void>
  record(entry: WitnessEntry): void
  /** From now on nothing is signed. */
  contradicted(contradiction: Contradiction): void
  /** Something went wrong that is no witness's fault, such as a full disk. */
  failed(error: unknown): void
}

export interface WitnessStanding {
  readonly name: string
  readonly state: "unknown" | "wrong" | WitnessReport["outcome"]
  /** Of the checkpoint that it cosigned last, as far as this life of the port knows. */
  readonly size: number | undefined
  /** When it says that it did: seconds since 1970. */
  readonly time: number | undefined
  /** How far the port's clock is ahead of its, by its last answer; a time that is not counted tells it too. */
  readonly ahead: Ahead | undefined
  readonly detail: string | undefined
}

export interface WitnessesSummary {
  /** Of the newest checkpoint that has the quorum; 0 if there is none. */
  readonly size: number
  /** How long ago the quorum stood behind it; undefined if never. */
  readonly ageSeconds: number | undefined
  /** The quorum is older than a minute. */
  readonly behind: boolean
  /** Why nothing is signed any more. */
  readonly contradiction: string | undefined
  readonly each: readonly WitnessStanding[]
}

/** How many published checkpoints are remembered for cosignatures that come late: one a second. */
const recentMax = 120
/** Answers that come this close together are written in one go: each write costs two syncs. */
const gatherMs = 50
const behindSeconds = 60

/** The port's knowledge of its witnesses. */
export class Witnesses {
  readonly #policy: TrustPolicy
  readonly #vkeys: readonly string[]
  readonly #world: WitnessesWorld
  /** Published checkpoints with what was cosigned, by size, oldest first. */
  readonly #recent = new Map<number, string>()
  /** When they were signed, milliseconds; unknown of one that an earlier life left. */
  readonly #publishedMs = new Map<number, number>()
  readonly #standings = new Map<string, WitnessStanding>()
  readonly #began: number
  #witnessed: { size: number; time: number } | undefined
  #behind = false
  #contradiction: Contradiction | undefined
  #gather: NodeJS.Timeout | undefined
  readonly #unflushed = new Set<number>()
  #flushing: Promise<void> = Promise.resolve()
  #heardAll: () => void = () => undefined

  /**
   * @param policy whose logs, if it names any, hold one of this log's keys
   * @param vkeys every key whose signature stands for this log
   */
  constructor(policy: TrustPolicy, vkeys: readonly string[], world: WitnessesWorld) {
    if (policy.quorum === undefined) {
      throw new PosternError("POLICY_INVALID", "quorum none asks for no witness")
    }
    if (policy.logs.length > 0 && !policy.logs.some((log) => vkeys.includes(log.vkey))) {
      throw new PosternError("POLICY_INVALID", `it does not name this log, ${vkeys[0]}`)
    }
    this.#policy = { ...policy, logs: vkeys.map((vkey) => ({ vkey, url: undefined })) }
    this.#vkeys = vkeys
    this.#world = world
    this.#began = world.now()
    for (const { name } of policy.witnesses) {
      this.#standings.set(name, { name, state: "unknown", ...nothingYet })
    }
  }

  /** What an earlier life left: the newest checkpoint with the quorum, and the published one. */
  async restore(witnessed: string | undefined, published: string | undefined): Promise<void> {
    for (const note of [published, witnessed]) {
      const opened = note === undefined ? undefined : await this.#openOwn(note)
      if (note === undefined || opened === undefined) continue
      if (note === published) this.#recent.set(opened.checkpoint.size, note)
      this.#raise(opened.checkpoint.size, quorumTime(this.#policy, opened.times))
    }
  }

  /** Of before the log's or a witness's key was changed, or damaged: then nothing is known. */
  async #openOwn(note: string) {
    try {
      return await openCosignedCheckpoint(note, this.#policy)
    } catch (error) {
      if (isPosternError(error)) return undefined
      throw error
    }
  }

  /** A checkpoint is being published: from now on cosignatures of it may come. */
  publishing(size: number, note: string): void {
    this.#recent.set(size, note)
    this.#publishedMs.set(size, this.#publishedMs.get(size) ?? this.#world.now())
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= recentMax) break
      this.#recent.delete(oldest)
      this.#publishedMs.delete(oldest)
    }
  }

  get contradiction(): Contradiction | undefined {
    return this.#contradiction
  }

  /** What an earlier life heard stays true until the log is as large, or somebody takes it away. */
  keepStopped(contradiction: Contradiction): void {
    this.#contradiction = contradiction
  }

  /** Resolves once each witness that has a URL was heard of, or after this time. */
  firstWords(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#heardAll = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#tellIfAllHeard()
    })
  }

  #tellIfAllHeard(): void {
    const unheard = this.#policy.witnesses.some(
      ({ name, url }) => url !== undefined && this.#standings.get(name)?.state === "unknown",
    )
    if (!unheard) this.#heardAll()
  }

  /**
   * Takes one report of the courier, and judges it.
   * @throws PosternError REQUEST_INVALID
   */
  async report(value: unknown): Promise<{ signedSize: number }> {
    const report = parseWitnessReport(value)
    const witness = this.#policy.witnesses.find(({ name }) => name === report.witness)
    if (witness === undefined) {
      throw new PosternError("REQUEST_INVALID", "the port's policy names no such witness")
    }
    if (report.outcome === "cosigned") await this.#cosigned(witness, report.size, report.lines)
    else if (report.outcome === "larger") await this.#larger(witness, report)
    else if (report.outcome === "contradiction") await this.#contradicted(witness, report)
    else this.#stand(witness, report.outcome, report.detail)
    this.#tellIfAllHeard()
    return { signedSize: this.#world.signedSize() }
  }

  #stand(witness: PolicyWitness, state: WitnessStanding["state"], detail?: string): void {
    const { name } = witness
    const { size, time, ahead } = this.#standings.get(name) ?? nothingYet
    this.#standings.set(name, { name, state, size, time, ahead, detail })
  }

  async #cosigned(witness: PolicyWitness, size: number, lines: string): Promise<void> {
    const note = this.#recent.get(size)
    if (note === undefined) return this.#stand(witness, "failed", `nothing recent has size ${size}`)
    const heardMs = this.#world.now()
    let checked: CheckedLines
    try {
      checked = await checkLines(witness, parseNote(note).text, lines)
      this.#measure(witness, size, checked.time, heardMs)
      demandNear(witness, checked.time, heardMs / 1000)
    } catch (error) {
      if (!isPosternError(error)) throw error
      return this.#stand(witness, "wrong", error.message)
    }
    // Other answers may have come while this one was checked.
    this.#recent.set(size, mergeCosignatures(this.#recent.get(size) ?? note, checked.own))
    this.#flushSoon(size)
    const { name } = witness
    const { time } = checked
    const { ahead } = this.#standings.get(name) ?? nothingYet
    this.#standings.set(name, { name, state: "cosigned", size, time, ahead, detail: undefined })
  }

  #measure({ name }: PolicyWitness, size: number, time: number, heardMs: number): void {
    const publishedMs = this.#publishedMs.get(size)
    const standing = this.#standings.get(name)
    if (publishedMs === undefined || standing === undefined) return
    const ahead = aheadOf(publishedMs, heardMs, time)
    if (ahead !== undefined) this.#standings.set(name, { ...standing, ahead })
  }

  #flushSoon(size: number): void {
    this.#unflushed.add(size)
    this.#gather ??= setTimeout(() => void this.flush(), gatherMs)
  }

  /** Writes what was gathered. Resolves when it is durable. */
  flush(): Promise<void> {
    clearTimeout(this.#gather)
    this.#gather = undefined
    this.#flushing = this.#flushing
      .then(() => this.#flush())
      .catch((error) => this.#world.failed(error))
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const sizes = [...this.#unflushed].sort((a, b) => a - b)
    this.#unflushed.clear()
    for (const size of sizes) {
      const note = this.#recent.get(size)
      if (note === undefined) continue
      const { text } = parseNote(note)
      await this.#world.republish((published) =>
        parseNote(published).text === text ? note : undefined,
      )
      const { times } = await openCosignedCheckpoint(note, this.#policy)
      const time = quorumTime(this.#policy, times)
      if (time === undefined || size < (this.#witnessed?.size ?? 0)) continue
      await this.#world.keepWitnessed(note)
      this.#raise(size, time)
    }
  }

  #raise(size: number, time: number | undefined): void {
    if (time === undefined || size < (this.#witnessed?.size ?? 0)) return
    this.#witnessed = { size, time }
  }

  async #larger(witness: PolicyWitness, report: WitnessReport & { outcome: "larger" }) {
    const shown = await this.#openShown(report.note)
    const size = shown?.size ?? report.size
    if (size <= this.#world.signedSize()) {
      // It was ahead of the checkpoint that it was asked about, not of this log.
      return this.#stand(witness, "failed", `it was asked about less than its ${size} entries`)
    }
    const proven = shown !== undefined
    const what = { code: "LOG_ROLLED_BACK", size, proven } as const
    await this.#stop(witness, what, report, this.#newest())
  }

  async #contradicted(
    witness: PolicyWitness,
    report: WitnessReport & { outcome: "contradiction" },
  ): Promise<void> {
    const shown = await this.#openShown(report.note)
    // The log grows meanwhile: what is read of it leads to this checkpoint, and to no newer one.
    const ours = this.#newest()
    const history =
      shown === undefined || ours === undefined
        ? undefined
        : await this.#world.ownHistory(shown.size, ours.size)
    if (shown === undefined || history === undefined) {
      const size = shown?.size ?? report.size
      return await this.#stop(witness, { code: "LOG_FORKED", size, proven: false }, report, ours)
    }
    if (equalBytes(history.root, shown.root)) {
      return this.#stand(witness, "failed", "it refuses, but shows a checkpoint of this very log")
    }
    // The log's key signed one root, and a checkpoint of a tree that begins with another.
    const what = { code: "LOG_FORKED", size: shown.size, proven: true } as const
    await this.#stop(witness, what, report, ours, history)
  }

  /** The checkpoint that was published last. */
  #newest(): { readonly size: number; readonly note: string } | undefined {
    const [size, note] = [...this.#recent].at(-1) ?? []
    return size === undefined || note === undefined ? undefined : { size, note }
  }

  /** A checkpoint that the log's own key signed; undefined for anything else. */
  async #openShown(note: string | undefined) {
    if (note === undefined) return undefined
    try {
      return (await openCosignedCheckpoint(note, pinnedPolicy(this.#vkeys))).checkpoint
    } catch (error) {
      if (isPosternError(error)) return undefined
      throw error
    }
  }

  async #stop(
    witness: PolicyWitness,
    what: Pick<Contradiction, "code" | "size" | "proven">,
    report: { readonly outcome: "larger" | "contradiction"; readonly note?: string },
    ours: { readonly note: string } | undefined,
    history?: OwnHistory,
  ): Promise<void> {
    const contradiction = { ...what, witness: witness.name, since: this.#world.now() }
    const description = describeContradiction(contradiction)
    this.#stand(witness, report.outcome, description)
    const known = this.#contradiction
    // A proof outweighs a claim; anything else is known already.
    if (known !== undefined && (known.proven || !what.proven)) return
    this.#contradiction = contradiction
    this.#world.contradicted(contradiction)
    const data = { ...what, witness: witness.name }
    this.#world.record({ action: "postern.witness.contradiction", outcome: "failure", data })
    const text = formatEvidence(contradiction, report.note, ours?.note, history)
    await this.#world.keepEvidence(formatHex(sha256(encodeUtf8(text))), text)
    await this.#world.keepContradiction(contradiction)
  }

  /** Raises and lowers the alarm about a quorum that is missing for long; low noise by design. */
  everySecond(): void {
    const { behind, size, ageSeconds } = this.summary()
    if (behind === this.#behind) return
    this.#behind = behind
    const silent = [...this.#standings.values()]
      .filter(({ state }) => state !== "cosigned")
      .map(({ name, state }) => ({ name, state }))
    this.#world.record({
      action: behind ? "postern.witness.behind" : "postern.witness.caught-up",
      outcome: behind ? "failure" : "success",
      data: { witnessed: size, signed: this.#world.signedSize(), ageSeconds, silent },
    })
  }

  summary(): WitnessesSummary {
    const now = this.#world.now()
    const { size = 0, time } = this.#witnessed ?? {}
    const ageSeconds = time === undefined ? undefined : Math.max(0, Math.floor(now / 1000 - time))
    const silence = ageSeconds ?? (now - this.#began) / 1000
    return {
      size,
      ageSeconds,
      behind: silence > behindSeconds,
      contradiction:
        this.#contradiction === undefined ? undefined : describeContradiction(this.#contradiction),
      each: [...this.#standings.values()],
    }
  }
}

const nothingYet = { size: undefined, time: undefined, ahead: undefined, detail: undefined }
