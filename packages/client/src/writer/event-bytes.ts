import { assert, formatBase64Url, limits, PosternError } from "@postern/log/base"
import {
  type Core,
  createCore,
  rowBytes,
  rowField,
  verdictCodes,
  verdicts,
} from "@postern/log/core"
import { digestsKey, disclosableKeys, eventBytesMax } from "@postern/log/event"
import {
  digestTextBytes,
  disclose,
  type EventText,
  noParts,
  partsOf,
  tooLarge,
} from "./event-text.ts"
import type { World } from "./world.ts"

/** An event that came as bytes, judged as the port judges it. */
export interface JudgedBytes extends EventText {
  readonly id: string
}

interface Bench {
  readonly core: Core
  readonly event: number
  readonly row: number
  readonly rowWords: Uint32Array
  readonly spans: number
}

const pageBytes = 65_536
/** What an event may have at the top, and more, so that the scanner is the one to refuse it. */
const membersMax = 64
const selfPrefix = "postern."
const backward = "\\"

/** Judges events that somebody else wrote, by the scanner of the port, and leaves their bytes as they are. */
export class EventBytes {
  readonly #world: World
  readonly #mayUseSelfActions: boolean
  #small: Bench | undefined
  /** For events that need a disclosure; made for the first of them. */
  #large: Bench | undefined

  constructor(world: World, mayUseSelfActions: boolean) {
    this.#world = world
    this.#mayUseSelfActions = mayUseSelfActions
  }

  /**
   * The event as it is spooled and sent. Its bytes are not copied. Errors: those of docs/spec/event.md, with the position in the event;
   * EVENT_TOO_LARGE.
   */
  judge(event: Uint8Array): JudgedBytes {
    if (event.length > limits.disclosureBytesMax) {
      throw tooLarge(`the event has ${event.length} bytes`)
    }
    if (event.length <= eventBytesMax) {
      this.#small ??= openBench(eventBytesMax)
      return { id: this.#judge(event, this.#small), text: event, parts: noParts }
    }
    this.#large ??= openBench(limits.disclosureBytesMax)
    const id = this.#judge(event, this.#large)
    return { id, ...keepOutBytes(event, this.#large, this.#world) }
  }

  #judge(event: Uint8Array, { core, event: at, row, rowWords }: Bench): string {
    core.memory.set(event, at)
    rowWords[rowField.offset / 4] = at
    rowWords[rowField.length / 4] = event.length
    core.scan(row, 1)
    const verdict = rowWords[rowField.verdict / 4] as number
    if (verdict !== verdicts.accepted) {
      const code = verdictCodes[verdict]
      assert(code !== undefined, "each verdict has its code")
      throw new PosternError(code, `at byte ${rowWords[rowField.position / 4]}`)
    }
    const action = textAt(core.memory, rowWords, rowField.action)
    if (!this.#mayUseSelfActions && action.startsWith(selfPrefix)) {
      throw new PosternError("EVENT_SELF_ACTION", JSON.stringify(action))
    }
    return textAt(core.memory, rowWords, rowField.id)
  }
}

function openBench(bytesMax: number): Bench {
  const regions = bytesMax + 16 * membersMax + rowBytes + 4 * 256
  const memoryBytes = Math.ceil(regions / pageBytes + 4) * pageBytes
  const core = createCore({ memoryBytes, leavesMax: 1 })
  const row = core.reserve(rowBytes)
  return {
    core,
    row,
    rowWords: new Uint32Array(core.memory.buffer, row, rowBytes / 4),
    spans: core.reserve(16 * membersMax),
    event: core.reserve(bytesMax),
  }
}

function textAt(memory: Uint8Array, words: Uint32Array, field: number): string {
  const at = words[field / 4] as number
  const length = words[field / 4 + 1] as number
  return Buffer.from(memory.buffer, at, length).toString()
}

interface Member {
  readonly key: string
  /** From the name's quote to the value's end. */
  readonly whole: Buffer
  readonly value: Buffer
}

/** As keepOut() for objects, with every other byte left as it is. Errors: EVENT_TOO_LARGE. */
function keepOutBytes(event: Uint8Array, bench: Bench, world: World): EventText {
  const members = membersOf(event, bench)
  const largestFirst = members
    .filter(({ key }) => disclosableKeys.has(key))
    .sort((a, b) => b.value.length - a.value.length)
  const disclosures: ReturnType<typeof disclose>[] = []
  const gone = new Set<Member>()
  let left = event.length + digestsKey.length + 6
  for (const member of largestFirst) {
    if (left <= eventBytesMax) break
    gone.add(member)
    left += digestTextBytes - (member.whole.length + 1)
    disclosures.push(disclose(member.key, member.value, world.randomBytes(16)))
  }
  const digests = disclosures.map(({ digest }) => formatBase64Url(digest)).sort()
  const kept = members.filter((member) => !gone.has(member))
  const rest = kept.flatMap(({ whole }) => [whole, Buffer.from(",")])
  const end = Buffer.from(`${JSON.stringify(digestsKey)}:${JSON.stringify(digests)}}`)
  const text = Buffer.concat([Buffer.from("{"), ...rest, end])
  if (text.length > eventBytesMax) {
    throw new PosternError("EVENT_TOO_LARGE", `${text.length} bytes of it must stay in the entry`)
  }
  return { text, parts: disclosures.flatMap((each) => [...partsOf(each)]) }
}

/** Copies: the memory is used again for the next event. */
function membersOf(event: Uint8Array, { core, event: at, spans }: Bench): Member[] {
  const count = core.members(at, at + event.length, spans, membersMax)
  assert(count >= 0, "an event that was accepted is one object of few members")
  const words = new Uint32Array(core.memory.buffer, spans, 4 * count)
  const members: Member[] = []
  for (let i = 0; i < count; i++) {
    const [keyAt = 0, keyBytes = 0, valueAt = 0, valueBytes = 0] = words.subarray(4 * i, 4 * i + 4)
    const part = (from: number, to: number) => Buffer.from(core.memory.slice(from, to))
    const key = part(keyAt, keyAt + keyBytes).toString()
    assert(!key.includes(backward), "a key that was accepted has no escape")
    const end = valueAt + valueBytes
    members.push({ key, whole: part(keyAt - 1, end), value: part(valueAt, end) })
  }
  return members
}
