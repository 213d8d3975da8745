import type { HeldEntry } from "./evidence-draft.ts"

/** Who opened a stream, as far as the file shows it. */
export interface Opening {
  readonly index: number
  /** True for the port's own stream. */
  readonly isPort: boolean
  /** SPIFFE ID of the writer as the port says; undefined for the port itself. */
  readonly writer: string | undefined
  /** The stream's id: 32 hex digits, or the name of an adapter. */
  readonly stream: string | undefined
  /** False if the port numbers the events: such a stream has no chain. */
  readonly framed: boolean
  /** Of the writer's certificate, base64 of its SubjectPublicKeyInfo. */
  readonly publicKey: string | undefined
  /** The opening entry of the stream that this opening stands in. */
  readonly life: number
}

/** The opening entries that the file holds, by index. Everything in them is what the port says. */
export class Openings {
  readonly #entries: ReadonlyMap<number, HeldEntry>

  constructor(entries: readonly HeldEntry[]) {
    const opening = entries.filter(({ own }) => own !== undefined && openingActions.has(own.action))
    this.#entries = new Map(opening.map((entry) => [entry.index, entry]))
  }

  /** Undefined unless the opening entry is in the file, and that of the port's stream it stands in. */
  find(index: number): Opening | undefined {
    const entry = this.#entries.get(index)
    if (entry?.own === undefined) return undefined
    const { open: life } = entry
    if (life === index) {
      return { ...nobody, index, isPort: true, life }
    }
    if (entry.own.action !== "postern.stream.opened") return undefined
    if (this.#entries.get(life)?.open !== life) return undefined
    const { data } = entry.own
    return {
      index,
      isPort: false,
      writer: textOf(data.writer),
      stream: textOf(data.stream),
      framed: data.framed === true,
      publicKey: textOf(data.publicKey),
      life,
    }
  }

  /** Whether the port wrote it of itself. */
  isPortsOwn({ open }: HeldEntry): boolean {
    return this.find(open)?.isPort === true
  }
}

const openingActions: ReadonlySet<string> = new Set([
  "postern.started",
  "postern.epoch.began",
  "postern.stream.opened",
])
const nobody = { writer: undefined, stream: undefined, framed: false, publicKey: undefined }

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}
