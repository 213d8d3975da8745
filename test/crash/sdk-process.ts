import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { within } from "../support/waiting.ts"
import { watchChild } from "./cleanup.ts"
import { until } from "./programme.ts"

const finishMsMax = 90_000

/** One life of an application: sdk-app.ts or sdk-burst.ts. */
export class SdkProcess {
  readonly life: number
  readonly #file: string
  readonly #child: ChildProcess
  readonly #exit: Promise<number | null>

  constructor(
    name: "sdk-app" | "sdk-burst",
    life: number,
    options: { readonly scratch: string; readonly args: readonly string[] },
  ) {
    this.life = life
    this.#file = join(options.scratch, `${name}-${life}`)
    const main = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
    const said = openSync(this.#file, "w")
    this.#child = watchChild(
      spawn(process.execPath, [main, ...options.args], {
        stdio: ["ignore", said, "inherit", "ipc"],
      }),
    )
    closeSync(said)
    this.#exit = once(this.#child, "close").then(([code]) => code as number | null)
  }

  said(): string[] {
    return readFileSync(this.#file, "utf8").split("\n").slice(0, -1)
  }

  /** The number behind a word that it said last, NaN if it did not. */
  figure(word: string): number {
    const line = this.said().findLast((each) => each.startsWith(`${word} `))
    return Number(line?.slice(word.length + 1))
  }

  /** Resolves once it has said a line that begins like this. */
  async saying(start: string): Promise<void> {
    await until(() => {
      if (this.#child.exitCode !== null) throw new Error(`the application ended: ${this.said()}`)
      return this.said().some((line) => line.startsWith(start))
    }, `"${start}" from life ${this.life} of the application`)
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.#exit
  }

  /** Resolves with the exit code of a life that ends by itself. */
  finished(): Promise<number | null> {
    return within(this.#exit, finishMsMax, "the end of the application")
  }
}

/** What the lives of an application were told, all together. */
export interface Told {
  /** Highest number by life of which the SDK said that it is on stable storage. */
  readonly spooled: ReadonlyMap<number, number>
  readonly confirmed: readonly { readonly id: string; readonly index: number }[]
  readonly problems: readonly string[]
}

export function gather(lives: readonly SdkProcess[]): Told {
  const spooled = new Map<number, number>()
  const confirmed: { id: string; index: number }[] = []
  const problems: string[] = []
  for (const app of lives) {
    const { life } = app
    for (const line of app.said()) {
      const [word, n = "", index = ""] = line.split(" ")
      if (word === "spooled") spooled.set(life, Math.max(spooled.get(life) ?? 0, Number(n)))
      if (word === "confirmed") confirmed.push({ id: `app-${life}/${n}`, index: Number(index) })
      if (word === "dropped" || word === "problem" || word === "unconfirmed") {
        problems.push(`life ${life}: ${line}`)
      }
    }
  }
  return { spooled, confirmed, problems }
}
