import { formatHex, limits, PosternError, sha256 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure, type KeptOut } from "@postern/log/event"
import type { Adapter, AdapterBody } from "../../packages/server/src/port/adapters/index.ts"
import { core, demand, now, type Scanned, scanRegion, source } from "./event-desk.ts"

const bodyBytesMax = 1 << 21
const outBytes = 1 << 20
const spansMax = 4096
const canaryBytes = 64
const canary = 0xa5

const bodyAt = core.reserve(bodyBytesMax)
const spansAt = core.reserve(16 * spansMax)
const outAt = core.reserve(outBytes + canaryBytes)

/** How a request says what its body is. */
export interface Saying {
  readonly contentType?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One event as it came out of an adapter. */
export interface Written extends Scanned {
  readonly isTooLarge: boolean
  /** What was kept out of it, as disclosures. */
  readonly beside: readonly Uint8Array[]
}

/** Puts a body where the port would, for an adapter or for what it uses. */
export function layOut(body: Uint8Array, saying: Saying = {}): AdapterBody {
  const { contentType = "application/json", path = "", headers = {} } = saying
  core.memory.set(body, bodyAt)
  // Behind the body: what would make sense, if anybody looked.
  core.memory.fill(0x5d, bodyAt + body.length, bodyAt + body.length + canaryBytes)
  let ids = 0
  return {
    ...{ core, at: bodyAt, end: bodyAt + body.length, contentType, path, now, source },
    headers: { "content-type": contentType, ...headers },
    ...{ spans: spansAt, spansMax, itemBytesMax: limits.disclosureBytesMax },
    sourceOf: (name) => (/^[\w.-]{1,64}$/.test(name) ? `app://${name}` : source),
    keepOut: (item: Uint8Array, name: string, value: Uint8Array): KeptOut => {
      const json = encodeDisclosure(formatHex(sha256(item)).slice(0, 22), name, value)
      return { json, digest: disclosureDigest(json) }
    },
    id: () => `id-${ids++}`,
  }
}

/** Everything that comes out of a body: each region stays within its bounds, and leaves the body as it was. */
export function convert(adapter: Adapter, body: Uint8Array, saying?: Saying): Written[] {
  const run = adapter.open(layOut(body, saying))
  const written: Written[] = []
  for (;;) {
    core.memory.fill(canary, outAt + outBytes, outAt + outBytes + canaryBytes)
    // Between two calls the scratch region is somebody else's.
    core.memory.fill(0xff, spansAt, spansAt + 16 * spansMax)
    const region = run.next(outAt, outAt + outBytes, 10_000)
    if (region === undefined) break
    const behind = core.memory.subarray(outAt + outBytes, outAt + outBytes + canaryBytes)
    demand(
      behind.every((byte) => byte === canary),
      "it writes beyond its region",
    )
    demand(region.count > 0, "there is no room for an event")
    if (written.length + region.count > limits.httpBodyEventsMax) {
      throw new PosternError("HTTP_BODY_TOO_LARGE", "too many events") // As whoever runs an adapter does.
    }
    const scanned = scanRegion(outAt, region.end, region.count)
    written.push(
      ...scanned.map((row, position) => ({
        ...row,
        isTooLarge: region.tooLarge.includes(position),
        beside: besideOf(region.keptOut, position),
      })),
    )
  }
  const left = core.memory.subarray(bodyAt, bodyAt + body.length)
  demand(Buffer.compare(left, body) === 0, "it changes the body")
  return written
}

interface KeptAt {
  readonly position: number
  readonly values: readonly KeptOut[]
}

function besideOf(keptOut: readonly KeptAt[], position: number): Uint8Array[] {
  const found = keptOut.find((one) => one.position === position)
  return (found?.values ?? []).map(({ json }) => json)
}

/** What the port keeps, or has a word for: where a value was kept out, only the port itself may say so in an event. */
export function isTaken({ verdict, isTooLarge, beside }: Written): boolean {
  return isTooLarge || verdict === (beside.length > 0 ? "EVENT_DISCLOSURE" : "accepted")
}
