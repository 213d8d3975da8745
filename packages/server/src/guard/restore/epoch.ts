import { PosternError } from "@postern/log/base"
import { originPattern } from "../../config/index.ts"

/** Text of the note by which the old log key names the successor (docs/spec/log.md, Epochs). */
export function successorText(note: {
  readonly origin: string
  readonly size: number
  readonly root: string
  readonly next: { readonly origin: string; readonly vkey: string }
}): string {
  const { origin, size, root, next } = note
  return `postern-successor/v1\n${origin}\n${size} ${root}\n${next.origin}\n${next.vkey}\n`
}

/** `x/audit` is followed by `x/audit/e2`, that by `x/audit/e3`. Errors: CONFIG_INVALID if the name would be too long. */
export function nextOrigin(origin: string): string {
  const match = /^(.*)\/e([1-9][0-9]{0,5})$/.exec(origin)
  const next = match === null ? `${origin}/e2` : `${match[1]}/e${Number(match[2]) + 1}`
  if (originPattern.test(next)) return next
  throw new PosternError("CONFIG_INVALID", `${next} cannot be an origin`)
}

/** The origin of the first epoch: what all of them have in common. */
export function firstOrigin(origin: string): string {
  return origin.replace(/\/e[1-9][0-9]{0,5}$/, "")
}

/** `e1` for the first epoch: how its directory is called beside the log. */
export function epochName(origin: string): string {
  return /\/(e[1-9][0-9]{0,5})$/.exec(origin)?.[1] ?? "e1"
}

/** What the first entry of a successor says of the epoch before it. */
export interface EpochBegan {
  readonly previous: {
    readonly origin: string
    readonly vkey: string
    /** Its newest known checkpoint, verbatim. */
    readonly checkpoint?: string
  }
  /** What is left of it, and where: entries `[0, size)` under this root. */
  readonly left: { readonly size: number; readonly root: string; readonly directory: string }
  /** Each known to have been durable; entries from `left.size` up to the largest are missing. */
  readonly known: readonly { readonly by: string; readonly size: number; readonly root: string }[]
  readonly missing: { readonly from: number; readonly to: number; readonly exact: boolean }
  readonly reason: string
  readonly operator: string
}

/** Reads `data` of a `postern.epoch.began` entry; undefined for any other event. */
export function epochBegan(event: Readonly<Record<string, unknown>>): EpochBegan | undefined {
  if (event.action !== "postern.epoch.began") return undefined
  const data = event.data as Partial<EpochBegan> | undefined
  const { previous, left, missing } = data ?? {}
  const whole =
    typeof previous?.origin === "string" &&
    typeof previous.vkey === "string" &&
    Number.isSafeInteger(left?.size) &&
    Number.isSafeInteger(missing?.to)
  return whole ? (data as EpochBegan) : undefined
}
