import { isPosternError } from "@postern/log/base"
import { keepEverything, type Policy, parsePolicy } from "../policy/rules/index.ts"
import { keptFor } from "./kept-for.ts"
import { textIfAny } from "./text-if-any.ts"

const keptMs = 3_000

/** The policy that the port works by, as it keeps it; undefined if it has left none, or one of another version. */
export function openPolicyWord(file: string): () => Promise<Policy | undefined> {
  return keptFor(keptMs, async () => {
    const text = await textIfAny(file)
    if (text === undefined) return undefined
    if (text === keepEverything.text) return keepEverything
    try {
      return parsePolicy(text)
    } catch (error) {
      if (!isPosternError(error)) throw error
      return undefined
    }
  })
}
