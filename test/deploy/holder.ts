import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { within } from "../support/waiting.ts"

const script = fileURLToPath(new URL("holder.py", import.meta.url))
const startMs = 20_000
const endMs = 25_000

export interface Start {
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Which sockets it gets. */
  readonly names: readonly string[]
}

/** A process that got sockets of the holder. */
export interface Held {
  readonly pid: number
  readonly exit: Promise<number>
  /** Sends SIGTERM and waits. */
  end(): Promise<number>
}

/** Somebody who holds listening sockets while the processes that serve them come and go. */
export class Holder {
  readonly #child: ChildProcess
  readonly #exits = new Map<number, (code: number) => void>()
  readonly #ended = new Set<number>()
  #began: ((pid: number) => void) | undefined
  /** What the processes said on standard error. */
  said = ""

  private constructor(addresses: readonly string[]) {
    this.#child = spawn("python3", [script, ...addresses], { stdio: ["pipe", "pipe", "pipe"] })
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.said = (this.said + chunk.toString()).slice(-64_000)
    })
  }

  /** @param addresses NAME=HOST:PORT */
  static async open(addresses: readonly string[]): Promise<Holder> {
    const holder = new Holder(addresses)
    const bound = new Promise<void>((resolve) => holder.#listen(resolve))
    await within(bound, startMs, "the holder of sockets")
    return holder
  }

  #listen(bound: () => void): void {
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
    lines.once("line", () => {
      bound()
      lines.on("line", (line) => {
        const { pid, code } = JSON.parse(line) as { pid: number; code?: number }
        if (code === undefined) this.#began?.(pid)
        else {
          this.#ended.add(pid)
          this.#exits.get(pid)?.(code)
        }
      })
    })
  }

  /** One at a time. */
  async start({ argv, env = {}, names }: Start): Promise<Held> {
    const began = new Promise<number>((resolve) => {
      this.#began = (pid) => {
        this.#exits.set(pid, ended)
        resolve(pid)
      }
    })
    let ended: (code: number) => void = () => undefined
    const exit = new Promise<number>((resolve) => {
      ended = resolve
    })
    this.#child.stdin?.write(`${JSON.stringify({ argv, env, names })}\n`)
    const pid = await within(began, startMs, "a start")
    return {
      pid,
      exit,
      end: async () => {
        if (!this.#ended.has(pid)) process.kill(pid, "SIGTERM")
        return within(exit, endMs, "an end after SIGTERM")
      },
    }
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#child.once("close", () => resolve()))
    this.#child.stdin?.end()
    await within(gone, endMs, "the holder's end")
  }
}
