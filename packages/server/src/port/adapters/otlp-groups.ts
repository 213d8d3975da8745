import { limits, PosternError } from "@postern/log/base"

/** Where something stands in the core's memory. */
export interface Span {
  readonly at: number
  readonly end: number
}

/** Each record is kept with its resource and scope: of these at most, in bytes. */
const contextBytesMax = 32_768
/** Of a body's records together with their resources and scopes, which each of them has for itself. */
const unfoldedBytesMax = 128 * 1024 * 1024

/** The log records of a request, in their order. An item is a record; its group is what the records of its ScopeLogs have in common. */
export class OtlpRecords<Group extends object> {
  at = 0
  end = 0
  done = true
  #group: Group | undefined
  readonly #groups: Group[] = []
  /** Three numbers a record: where it stands, and which group it is of. */
  readonly #records: number[] = []
  #next = 0
  #unfolded = 0
  #entered = 0

  /** Called for each ResourceLogs and ScopeLogs: empty ones are as much work as records. Errors: HTTP_BODY_TOO_LARGE. */
  enter(): void {
    this.#entered += 1
    if (this.#entered > limits.httpBodyEventsMax) throw tooLarge("too many resources and scopes")
  }

  /**
   * @param spans two numbers a record: where it begins and ends
   * @param contextBytes of the group's resource and scope. Errors: HTTP_BODY_TOO_LARGE.
   */
  add(group: Group, spans: readonly number[], contextBytes: number): void {
    if (spans.length === 0) return
    const count = spans.length / 2
    if (contextBytes > contextBytesMax)
      throw tooLarge("a resource and its scope have more than 32 KiB")
    this.#unfolded += count * contextBytes + spans.reduce((sum, at, i) => sum + (i % 2 ? at : -at))
    if (this.#unfolded > unfoldedBytesMax)
      throw tooLarge("its records, each with its resource, have more than 128 MiB")
    if (this.#records.length / 3 + count > limits.httpBodyEventsMax)
      throw tooLarge("too many events")
    for (let i = 0; i < spans.length; i += 2) {
      this.#records.push(spans[i] as number, spans[i + 1] as number, this.#groups.length)
    }
    this.#groups.push(group)
  }

  /** Of the present record. */
  get group(): Group {
    return this.#group as Group
  }

  /** Goes to the first record, if there is one. */
  begin(): this {
    this.done = false
    this.advance()
    return this
  }

  advance(): void {
    if (this.#next === this.#records.length) {
      this.done = true
      return
    }
    this.at = this.#records[this.#next] as number
    this.end = this.#records[this.#next + 1] as number
    this.#group = this.#groups[this.#records[this.#next + 2] as number]
    this.#next += 3
  }
}

function tooLarge(detail: string): PosternError {
  return new PosternError("HTTP_BODY_TOO_LARGE", detail)
}
