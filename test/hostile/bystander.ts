import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import type { Identity } from "../support/installation.ts"
import type { Place, PortProcess } from "../support/port-process.ts"
import { pause, within } from "../support/waiting.ts"

const ackMsMax = 2_000
const betweenMs = 5

/** A well-behaved writer, who must be served whatever others do: how long it waited for each acknowledgement is kept. */
export class Bystander {
  readonly stream = new ClientStream()
  readonly #client: FramedClient
  readonly #port: PortProcess
  readonly #pid: number
  #waits: number[] = []

  private constructor(client: FramedClient, port: PortProcess) {
    this.#client = client
    this.#port = port
    this.#pid = port.pid
  }

  static async enter(port: PortProcess, ca: string, identity: Identity): Promise<Bystander> {
    const client = await FramedClient.enter(port.write, ca, identity)
    const bystander = new Bystander(client, port)
    await client.open(0, bystander.stream.id)
    return bystander
  }

  get place(): Place {
    return this.#port.write
  }

  /** Whether anything can be expected of it any more. */
  get isConnected(): boolean {
    return this.#port.isAlive && this.#client.socket.writable
  }

  /** Writes until `action` is over, and once at least. Answers with what the action does, and with what went wrong. */
  async beside<T>(action: Promise<T>): Promise<{ value: T; fault: string | undefined }> {
    let isOver = false
    const end = action.finally(() => {
      isOver = true
    })
    end.catch(() => undefined) // Looked at below.
    let fault: string | undefined
    this.#waits = []
    do {
      fault = await this.#write()
      if (!isOver && fault === undefined) await Promise.race([pause(betweenMs), end])
    } while (!isOver && fault === undefined)
    return { value: await end, fault }
  }

  /** One event. The same process must acknowledge it, on the same connection, soon. */
  async #write(): Promise<string | undefined> {
    const from = performance.now()
    try {
      this.#client.send(this.stream.batch([eventText()]))
      const { batches } = await within(this.#client.ack(), ackMsMax, "the bystander's ACK")
      this.#waits.push(performance.now() - from)
      if (batches[0]?.accepted !== 1) return `accepted ${batches[0]?.accepted}`
    } catch (error) {
      return `${error}, alive: ${this.#port.isAlive}`
    }
    const lives = this.#port.isAlive && this.#port.pid === this.#pid
    return lives ? undefined : "the process has ended"
  }

  /** How long it waited since `beside` last began. */
  describeWaits(): string {
    const sorted = this.#waits.toSorted((a, b) => a - b)
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
    return `${sorted.length} acks, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`
  }

  leave(): void {
    this.#client.destroy()
  }
}
