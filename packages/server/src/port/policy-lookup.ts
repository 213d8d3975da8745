import { encodeUtf8, PosternError } from "@postern/log/base"
import type { MacKeys } from "../disclosures/index.ts"
import { hmacOf, type Mac, tokenOf } from "../policy/sieve/index.ts"
import { openMac } from "./fast-mac.ts"
import type { OwnStream } from "./own-stream.ts"
import { QuestionBudget } from "./question-budget.ts"

const valueLengthMax = 65_536
const pointerLengthMax = 1_024

/**
 * Tells operators what a value that they know looks like where the policy hid it, under the present key and each of before.
 * Every question is an entry, without the value; who could ask without end could try every value there is.
 */
export class PolicyLookup {
  readonly #macs: readonly Mac[]
  readonly #own: Pick<OwnStream, "record">
  readonly #budget: QuestionBudget

  constructor(keys: MacKeys, own: Pick<OwnStream, "record">, now: () => number) {
    this.#macs = keys.all.map(({ kid, key }) => {
      const mac = openMac(key)
      return (parts) => ({ kid, digest: mac(parts) })
    })
    this.#own = own
    this.#budget = new QuestionBudget(now)
  }

  /** @param told JSON: `{value, at}` or `{value, token: true}`. Errors: REQUEST_INVALID, RATE_LIMITED. */
  lookUp(told: unknown, operator: string): { readonly texts: readonly string[] } {
    const { value, at } = readQuestion(told)
    this.#budget.spend()
    const bytes = encodeUtf8(value)
    const texts = this.#macs.map((mac) =>
      at === undefined ? tokenOf(mac, bytes) : hmacOf(mac, encodeUtf8(at), bytes),
    )
    this.#own.record({
      action: "postern.policy.looked-up",
      outcome: "success",
      targets: [{ type: "operator", id: operator }],
      data: { operator, ...(at === undefined ? { token: true } : { at }), keys: texts.length },
    })
    return { texts }
  }
}

function readQuestion(told: unknown): { readonly value: string; readonly at: string | undefined } {
  const { value, at, token } = (typeof told === "object" && told !== null ? told : {}) as Record<
    string,
    unknown
  >
  if (typeof value !== "string" || value.length > valueLengthMax || /\p{Surrogate}/u.test(value))
    throw new PosternError(
      "REQUEST_INVALID",
      `value is a text of at most ${valueLengthMax} characters`,
    )
  if (at === undefined && token === true) return { value, at: undefined }
  if (typeof at === "string" && token === undefined && at.length <= pointerLengthMax)
    return { value, at }
  throw new PosternError("REQUEST_INVALID", "one of at (a pointer, or detected) and token: true")
}
