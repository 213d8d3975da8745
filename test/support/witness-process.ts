import { fork, spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { addWitnessedLog, initWitness } from "../../packages/server/dist/witness/index.js"
import { freePorts } from "../../packages/server/src/cli/free-ports.test.support.ts"
import type { Installation } from "./installation.ts"
import { within } from "./waiting.ts"

const postern = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))
const courierMain = fileURLToPath(
  new URL("../../packages/server/dist/courier/main.js", import.meta.url),
)
const startMsMax = 30_000

/** A witness with a directory of its own, as `postern witness` runs it. */
export class WitnessProcess {
  readonly name: string
  readonly directory: string
  readonly vkey: string
  readonly #address: string
  #end: (signal: "SIGTERM" | "SIGKILL") => Promise<void> = async () => undefined

  private constructor(name: string, directory: string, vkey: string, port: number) {
    this.name = name
    this.directory = directory
    this.vkey = vkey
    this.#address = `127.0.0.1:${port}`
  }

  /** @param parent a directory that is taken away after the test */
  static async make(parent: string, name: string, logVkey: string): Promise<WitnessProcess> {
    const directory = join(parent, `witness-${name}`)
    const vkey = await initWitness(directory, `witness.example/${name}`)
    await addWitnessedLog(directory, logVkey)
    const [port = 0] = await freePorts(1)
    return new WitnessProcess(name, directory, vkey, port)
  }

  get url(): string {
    return `http://${this.#address}`
  }

  /** Starts it, each time at the same address. */
  async start(): Promise<void> {
    const args = ["witness", "serve", this.directory, "--listen", this.#address, "--json"]
    const child = spawn(process.execPath, [postern, ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    })
    const exit = once(child, "exit")
    const died = exit.then((): never => {
      throw new Error(`witness ${this.name} ended`)
    })
    died.catch(() => undefined) // Of interest until it listens.
    const line = once(createInterface(child.stdout), "line") as Promise<[string]>
    await within(Promise.race([line, died]), startMsMax, "the witness's start")
    this.#end = async (signal) => {
      child.kill(signal)
      await within(exit, startMsMax, "the witness's end")
    }
  }

  async end(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    await this.#end(signal)
  }
}

/** Writes the policy that asks for all of these, and names it in the configuration. */
export function configureWitnesses(
  installation: Pick<Installation, "directory" | "vkey" | "configFile">,
  witnesses: readonly WitnessProcess[],
): string {
  const lines = witnesses.map(({ name, vkey, url }) => `witness ${name} ${vkey} ${url}\n`)
  const names = witnesses.map(({ name }) => name).join(" ")
  const policy = `log ${installation.vkey}\n${lines.join("")}group all all ${names}\nquorum all\n`
  writeFileSync(join(installation.directory, "witnesses.policy"), policy)
  appendFileSync(installation.configFile, "\nwitnesses: witnesses.policy\n")
  return policy
}

/** The courier process, as `postern serve` starts it. */
export async function startCourier(configFile: string) {
  const child = fork(courierMain, [configFile], { stdio: ["ignore", "ignore", "pipe", "ipc"] })
  let said = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-16_000)
  })
  const exit = once(child, "exit")
  const died = exit.then((): never => {
    throw new Error(`the courier ended: ${said}`)
  })
  const began = Promise.race([once(child, "message"), died])
  const ready = within(began, startMsMax, "the courier's start")
  ready.catch(() => undefined) // Of interest to whoever waits for it.
  return {
    said: () => said,
    /** Resolves once it says that it is at work. */
    ready,
    async end(signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<number | null> {
      child.kill(signal)
      return (await within(exit, startMsMax, "the courier's end"))[0] as number | null
    },
  }
}
