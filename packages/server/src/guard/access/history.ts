import type { Reader } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type AccessList, parseAccess } from "../../access/index.ts"
import { type Revision, revisionsOf } from "../revisions/index.ts"

export interface ListInForce extends Pick<Revision, "index" | "received" | "by" | "verified"> {
  readonly list: AccessList
}

/**
 * The list that the port worked by at a time, as the log says; without a time, the newest one. Errors: NOT_FOUND if
 * the log names none, and those of revisionsOf().
 * @param origin of the log: only the port's own entries count
 */
export async function accessListAt(
  reader: Pick<Reader, "search">,
  origin: string,
  at: Date | undefined,
): Promise<ListInForce> {
  for await (const revision of revisionsOf(reader, origin, "access", at)) {
    const { text, index, received, by, verified } = revision
    return { list: parseAccess(text), index, received, by, verified }
  }
  throw new PosternError("NOT_FOUND", "no access list was loaded before")
}
