import { encodeUtf8, PosternError } from "@postern/log/base"
import type { SignedStatement } from "../approval/index.ts"
import { type DisclosureSource, formatKeyId, type KeyId } from "../disclosures/index.ts"
import { digestOfFirst, type EntryValues, subjectNames, summarise } from "../erasure/index.ts"
import type { Hold } from "../retention/index.ts"
import {
  completeErasure,
  type ErasingWorld,
  finishErasure,
  keepIntent,
  recordDurably,
} from "./erasing.ts"
import type { AtStep, Errands } from "./errands.ts"
import { type Held, heldBy } from "./held-values.ts"
import { QuestionBudget } from "./question-budget.ts"
import { findValues, type SubjectValues } from "./subject-values.ts"

export interface ErasuresWorld extends ErasingWorld {
  readonly errands: Pick<Errands, "begin">
  readonly values: DisclosureSource
  now(): number
  /** How many approvals an erasure needs by the access list in force. */
  approvalsWanted(): number
  /** Those that count of what lies beside the access list. Errors: APPROVAL_MISSING. */
  demandApprovals(erasure: ErasureToApprove): readonly SignedStatement[]
  /** Nothing is held, released or let go until `act` has ended. */
  undisturbed<T>(act: (holds: readonly Hold[]) => Promise<T>): Promise<T>
}

/** What approvers sign: a pseudonym, and the list of values as it was then. */
export interface ErasureToApprove {
  readonly subject: string
  /** The digest of the list as it was when it had so many values; undefined if it never had. */
  digestOf(values: number): string | undefined
}

interface Subject {
  readonly key: KeyId
  readonly pseudonym: string
}

const subjectLengthMax = 8192
const groundPattern = /^(?! )\P{C}{1,256}(?<! )$/u

/**
 * Looks for what belongs to a person, and erases it on an operator's word (docs/spec/erasure.md). Who is asked for is told in the clear and
 * stays in memory: entries and errors name the pseudonym. Every question is an entry, and only so many a minute are answered.
 */
export class Erasures {
  readonly #world: ErasuresWorld
  readonly #budget: QuestionBudget
  #turn: Promise<unknown> = Promise.resolve()

  constructor(world: ErasuresWorld) {
    this.#world = world
    this.#budget = new QuestionBudget(world.now)
  }

  /** @param told `{subject}`. Errors: REQUEST_INVALID, NOT_FOUND, RATE_LIMITED. */
  async pseudonym(told: unknown, operator: string): Promise<{ readonly subject: string }> {
    const { pseudonym } = await this.#ask(told, "pseudonym", operator)
    return { subject: pseudonym }
  }

  /** An errand: what an erasure would destroy, and what is in its way. @param told `{subject}`. Errors: as pseudonym(), OVERLOADED. */
  async look(told: unknown, operator: string): Promise<{ readonly errand: string }> {
    const subject = await this.#ask(told, "erasure", operator)
    return this.#world.errands.begin(async (at) => {
      const found = await this.#find(subject, at)
      const held = await this.#world.undisturbed((holds) => this.#heldBy(holds, found))
      return { ...describe(subject, found), held, approvals: this.#world.approvalsWanted() }
    })
  }

  /** An errand: which values of which entries are the person's. @param told `{subject}`. Errors: as look(). */
  async entries(told: unknown, operator: string): Promise<{ readonly errand: string }> {
    const subject = await this.#ask(told, "entries", operator)
    return this.#world.errands.begin(async (at) => {
      const found = await this.#find(subject, at)
      return { ...describe(subject, found), list: allOf(found) }
    })
  }

  /**
   * An errand: destroys the person's key. @param told `{subject, ground, values, digest}`: the list that the operator has seen; what came in
   * behind it goes, too. Errors: as look(); of the errand ERASURE_HELD, ERASURE_CHANGED, APPROVAL_MISSING, DISK_FULL.
   */
  async erase(told: unknown, operator: string): Promise<{ readonly errand: string }> {
    const { ground, values, digest } = Object(told) as Readonly<Record<string, unknown>>
    const names = subjectNames(textOf(told)).map((name) => name.toLowerCase())
    if (typeof ground !== "string" || !groundPattern.test(ground))
      throw invalid("ground is 1 to 256 characters on one line, without a blank at either end")
    if (names.some((name) => ground.toLowerCase().includes(name)))
      throw invalid("the ground names the person, and would stay in the log")
    return this.#world.errands.begin((at) =>
      this.#alone(async () => {
        await finishErasure(this.#world, "next")
        const subject = await this.#resolve(told)
        const found = await this.#find(subject, at)
        if (digestOfFirst(found.list, Number(values)) !== digest)
          throw new PosternError("ERASURE_CHANGED", `${found.list.length} entries by now`)
        return await this.#world.undisturbed((holds) =>
          this.#erase(subject, found, { ground, operator, holds }, at),
        )
      }),
    )
  }

  async #erase(
    { key, pseudonym }: Subject,
    found: SubjectValues,
    asked: { readonly ground: string; readonly operator: string; readonly holds: readonly Hold[] },
    at: AtStep,
  ): Promise<object> {
    const { own, demandApprovals, openView } = this.#world
    const { ground, operator, holds } = asked
    const held = await this.#heldBy(holds, found)
    if (held.length > 0) throw heldError(held)
    const approvals = demandApprovals({
      subject: pseudonym,
      digestOf: (values) => digestOfFirst(found.list, values),
    })
    const view = await openView()
    const { size } = view.head()
    await view.close()
    // From here on a start of the port knows where to look.
    await keepIntent(this.#world, { size, key: formatKeyId(key) })
    const targets = [{ type: "subject", id: pseudonym }]
    for (const { by, text } of approvals) {
      const data = { subject: pseudonym, by, statement: text }
      own.record({ action: "postern.erasure.approved", outcome: "success", targets, data })
    }
    const approvers = approvals.map(({ by }) => by)
    const { list, inside } = found
    const data = {
      ...{ subject: pseudonym, key: formatKeyId(key), ground },
      ...{ ...summarise(list), inside: countOf(inside), operator, approvers },
    }
    const began = await recordDurably(this.#world, {
      ...{ action: "postern.erasure.began", outcome: "success", targets, data },
    })
    return await completeErasure(this.#world, { began, key, data }, at)
  }

  async #find({ key }: Subject, at: AtStep): Promise<SubjectValues> {
    const { sealed, commits, openView } = this.#world
    await new Promise<void>((resolve) => commits.afterDurable(resolve))
    return await findValues(key, sealed, openView, at)
  }

  async #heldBy(holds: readonly Hold[], found: SubjectValues): Promise<Held[]> {
    const indexes = allOf(found).map(({ index }) => index)
    const view = await this.#world.openView()
    try {
      return await heldBy(holds, indexes, view, this.#world.values)
    } finally {
      await view.close()
    }
  }

  async #ask(told: unknown, what: string, operator: string): Promise<Subject> {
    textOf(told)
    this.#budget.spend()
    const subject = await this.#resolve(told).catch((error: unknown) => {
      this.#say(what, operator, undefined)
      throw error
    })
    this.#say(what, operator, subject.pseudonym)
    return subject
  }

  #say(what: string, operator: string, subject: string | undefined): void {
    this.#world.own.record({
      action: "postern.subject.looked-up",
      outcome: subject === undefined ? "failure" : "success",
      targets: subject === undefined ? [] : [{ type: "subject", id: subject }],
      data: { operator, what, subject },
    })
  }

  async #resolve(told: unknown): Promise<Subject> {
    const { sealed } = this.#world
    for (const subject of subjectNames(textOf(told))) {
      const key = await sealed.keyOf({ subject })
      const pseudonym = sealed.knownPseudonymOf(subject)
      if (key !== undefined && pseudonym !== undefined) return { key, pseudonym }
    }
    throw new PosternError("NOT_FOUND", "no value is sealed for this person, or all are erased")
  }

  /** One after the other. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act)
    this.#turn = mine.catch(() => undefined) // Its caller hears of it.
    return mine
  }
}

function describe({ pseudonym, key }: Subject, { list, inside, from, to }: SubjectValues): object {
  const summary = { ...summarise(list), inside: countOf(inside), from, to }
  return { subject: pseudonym, key: formatKeyId(key), ...summary }
}

function countOf(list: readonly EntryValues[]): number {
  return list.reduce((sum, { digests }) => sum + digests.length, 0)
}

/** Entries ascending, those with values inside of others too. */
function allOf({ list, inside }: SubjectValues): EntryValues[] {
  const all = new Map<number, readonly string[]>()
  for (const { index, digests } of [...list, ...inside])
    all.set(index, [...(all.get(index) ?? []), ...digests])
  return [...all].map(([index, digests]) => ({ index, digests })).sort((a, b) => a.index - b.index)
}

function textOf(told: unknown): string {
  const { subject } = Object(told) as Readonly<Record<string, unknown>>
  const isText = typeof subject === "string" && subject !== "" && !/\p{Surrogate}/u.test(subject)
  if (isText && encodeUtf8(subject).length <= subjectLengthMax) return subject
  throw invalid(`subject is a text of 1 to ${subjectLengthMax} bytes`)
}

function heldError(held: readonly Held[]): PosternError {
  const names = held.map(({ hold, entry }) => `${hold} (entry ${entry})`).join(", ")
  return new PosternError("ERASURE_HELD", `held by ${names}`)
}

function invalid(detail: string): PosternError {
  return new PosternError("REQUEST_INVALID", detail)
}
