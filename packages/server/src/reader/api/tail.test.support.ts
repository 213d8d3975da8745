/** One server-sent event, as the HTML standard's parser gives it; `id` is the last id seen by then. */
export interface SentEvent {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of our own; tests say what they expect of it.
  readonly data: any
  readonly id: string | undefined
}

/** A viewer of a tail: an independent reading of the event stream format (WHATWG HTML §9.2.6). */
export class Viewer {
  lastId: string | undefined
  #text = ""
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>

  constructor(answer: Response, lastId?: string) {
    if (answer.body === null) throw new Error("there is no body")
    this.#reader = answer.body.getReader()
    this.lastId = lastId
  }

  /** Events of the next chunk; undefined at the end. */
  async next(): Promise<SentEvent[] | undefined> {
    const { done, value } = await this.#reader.read()
    if (done) return undefined
    this.#text += new TextDecoder().decode(value)
    const blocks = this.#text.split("\n\n")
    this.#text = blocks.pop() ?? ""
    return blocks.flatMap((block) => this.#dispatch(block))
  }

  /** Reads on until `enough` says so; everything that came. */
  async until(enough: (events: readonly SentEvent[]) => boolean): Promise<SentEvent[]> {
    const events: SentEvent[] = []
    while (!enough(events)) {
      const more = await this.next()
      if (more === undefined) break
      events.push(...more)
    }
    return events
  }

  /** As if the connection broke. */
  cut(): Promise<void> {
    return this.#reader.cancel()
  }

  #dispatch(block: string): SentEvent[] {
    let event = "message"
    const data: string[] = []
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) continue
      const [, field, value] = /^(\w+): ?(.*)$/.exec(line) ?? []
      if (field === "event") event = value as string
      else if (field === "data") data.push(value as string)
      else if (field === "id") this.lastId = value
    }
    if (data.length === 0) return []
    return [{ event, data: JSON.parse(data.join("\n")), id: this.lastId }]
  }
}

export const entriesOf = (events: readonly SentEvent[]) =>
  events.filter(({ event }) => event === "entry").map(({ data }) => data)

export const indexesOf = (events: readonly SentEvent[]) =>
  entriesOf(events).map(({ index }) => index as number)
