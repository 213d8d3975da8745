import type { Reader } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type Revision, revisionsOf } from "../revisions/index.ts"

/** The policies that were in force, newest first, each with its text. Errors: PROOF_INVALID, and those of the reader. */
export function policyHistory(
  reader: Pick<Reader, "search">,
  origin: string,
): AsyncGenerator<Revision, void, undefined> {
  return revisionsOf(reader, origin, "policy")
}

/** The policy in force at a time. Errors: NOT_FOUND if none was, and those of revisionsOf(). */
export async function policyInForceAt(
  reader: Pick<Reader, "search">,
  origin: string,
  at: Date | undefined,
): Promise<Revision> {
  for await (const revision of revisionsOf(reader, origin, "policy", at)) return revision
  throw new PosternError("NOT_FOUND", "the log names no policy of then")
}

/** The policy with this digest; its first digits are enough, as an entry has them. Errors: NOT_FOUND, USAGE if two begin so. */
export async function findPolicy(
  reader: Pick<Reader, "search">,
  origin: string,
  beginning: string,
): Promise<Revision> {
  const found = new Map<string, Revision>()
  for await (const revision of policyHistory(reader, origin))
    if (revision.digest.startsWith(beginning)) found.set(revision.digest, revision)
  const [one, other] = found.values()
  if (one === undefined)
    throw new PosternError("NOT_FOUND", `no policy with a digest of ${beginning} was in force`)
  if (other !== undefined)
    throw new PosternError(
      "USAGE",
      `${beginning} begins the digests ${one.digest} and ${other.digest}`,
    )
  return one
}
