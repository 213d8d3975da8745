import { openReceiptCertificate } from "@postern/log/evidence"
import type { Decisions } from "./decisions.ts"
import { FramedWriter } from "./framed-writer.ts"
import { HttpWriter } from "./http-writer.ts"
import type { Installation } from "./installation.ts"
import type { LogContents } from "./log-contents.ts"
import { answerFaults, receiptFault } from "./receipts.ts"
import type { StreamRecord } from "./stream-record.ts"

/** All writers of a run, of every kind, and what must be true of what they were told. */
export class Fleet {
  readonly framed: FramedWriter[]
  readonly http: HttpWriter[]
  readonly #installation: Installation
  #acks = 0

  constructor(
    installation: Installation,
    decisions: Decisions,
    names: { readonly framed: readonly string[]; readonly http: readonly string[] },
  ) {
    this.#installation = installation
    const { writer } = installation
    const onAck = (): void => {
      this.#acks += 1
    }
    this.framed = names.framed.map((name) => new FramedWriter(writer, decisions, { name, onAck }))
    this.http = names.http.map((name) => new HttpWriter(writer, decisions, name, onAck))
  }

  /** How many acknowledgements and answers have come. */
  get acks(): number {
    return this.#acks
  }

  /** Events that were acknowledged. */
  get acknowledged(): number {
    let events = 0
    for (const { acknowledged } of this.#records())
      for (const { count } of acknowledged) events += count
    for (const { indexes } of this.http) events += indexes.length
    return events
  }

  get repeats(): number {
    return this.http.reduce((sum, { duplicates }) => sum + duplicates, 0)
  }

  start(): void {
    for (const writer of [...this.framed, ...this.http]) writer.start()
  }

  /** Makes nothing new; resolves when everything that was made is acknowledged. */
  async drain(): Promise<void> {
    await Promise.all([...this.framed, ...this.http].map((writer) => writer.drain()))
  }

  stop(): void {
    for (const writer of this.framed) writer.stop()
    for (const writer of this.http) writer.close()
  }

  /** What the writers themselves found wrong. */
  faults(): string[] {
    const records = this.#records().flatMap(({ faults }) => faults)
    return [...this.framed, ...this.http].flatMap(({ faults }) => faults).concat(records)
  }

  /** Checks the receipts of the newest acknowledgement of every writer. */
  async checkReceipts(): Promise<{ checked: number; faults: string[] }> {
    const certificate = this.framed.find((writer) => writer.certificate !== "")?.certificate ?? ""
    const { vkey } = this.#installation.writer.log
    const receiptVkey = await openReceiptCertificate(certificate, vkey)
    const faults: string[] = []
    let checked = 0
    for (const record of this.#records()) {
      if (record.sample === undefined) continue
      const found = await receiptFault(record.sample, receiptVkey)
      faults.push(...found.map((fault) => `${record.name}: ${fault}`))
      record.sample = undefined
      checked += 1
    }
    for (const writer of this.http) {
      if (writer.sample === undefined) continue
      const found = await answerFaults(writer.name, writer.sample, receiptVkey)
      faults.push(...found.map((fault) => `${writer.name}: ${fault}`))
      writer.sample = undefined
      checked += 1
    }
    return { checked, faults }
  }

  /** Whether the log holds what these writers were told, where they were told it is. */
  compare(log: LogContents): { missing: string[]; misplaced: string[] } {
    const missing: string[] = []
    const misplaced: string[] = []
    for (const record of this.#records()) {
      const places = log.places.get(record.name) ?? []
      missing.push(...missingOf(record, places))
      for (const { sequence, count, first } of record.acknowledged) {
        for (let i = 0; i < count && first !== undefined; i++) {
          if (places[sequence + i] === first + i) continue
          misplaced.push(`${record.name}/${sequence + i}: told ${first + i}`)
          break
        }
      }
    }
    for (const { name, indexes } of this.http) {
      const places = log.places.get(name) ?? []
      for (const [n, index] of indexes.entries()) {
        if (places[n] === undefined) missing.push(`${name}/${n}`)
        else if (places[n] !== index) misplaced.push(`${name}/${n}: told ${index}, is ${places[n]}`)
      }
    }
    return { missing, misplaced }
  }

  #records(): StreamRecord[] {
    return this.framed.flatMap(({ records }) => records)
  }
}

/** A framed stream has no holes but those that it declared, and does not end before what is kept. */
function missingOf({ name, gaps, kept }: StreamRecord, places: readonly number[]): string[] {
  const missing: string[] = []
  const declared = gaps.values()
  let gap = declared.next().value
  for (let sequence = 0; sequence < Math.max(kept, places.length); sequence++) {
    if (gap !== undefined && sequence === gap.sequence) {
      sequence += gap.count - 1
      gap = declared.next().value
    } else if (places[sequence] === undefined) missing.push(`${name}/${sequence}`)
  }
  return missing
}
