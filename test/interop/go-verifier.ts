import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { run } from "./port-process.ts"
import type { Results } from "./results.ts"

const source = fileURLToPath(new URL("./verifier/", import.meta.url))
/** Where Debian's golang-golang-x-mod-dev puts it. */
const goPath = "/usr/share/gocode"

/** Why Go's verifier cannot be built here; undefined if it can. */
export async function whyNoGo(): Promise<string | undefined> {
  const go = await run("go", ["version"]).catch(() => undefined)
  if (go?.code !== 0) return "there is no Go (Debian: apt-get install golang-go)"
  if (existsSync(`${goPath}/src/golang.org/x/mod/sumdb/tlog`)) return undefined
  return "there is no golang.org/x/mod (Debian: apt-get install golang-golang-x-mod-dev)"
}

/** Go's verifier: what it says of exports is counted, and so is what it has looked at. */
export class GoVerifier {
  readonly #results: Results
  readonly #program: string

  private constructor(results: Results, program: string) {
    this.#results = results
    this.#program = program
  }

  /** @param directory for what is built */
  static async build(results: Results, directory: string): Promise<GoVerifier> {
    return new GoVerifier(results, await buildVerifier(directory))
  }

  async accepts(what: string, exported: string, flags: readonly string[]): Promise<void> {
    const { code, text } = await run(this.#program, ["-dir", exported, ...flags])
    this.#results.check(code === 0, `Go accepts ${what}: ${text.trim()}`)
    const { report } = this.#results
    report.count("trees of which every entry and tile was checked")
    const [, tiles, made, given] = /: (\d+) tiles, (\d+) proofs.*, (\d+) proofs/.exec(text) ?? []
    report.count("tiles compared", Number(tiles))
    report.count("proofs that Go makes of the tiles and checks", Number(made))
    report.count("proofs of Postern's that Go checks", Number(given))
    const cosignatures = flags.filter((flag) => flag === "-witness").length
    if (cosignatures > 0) report.count("cosignatures checked with crypto/ed25519", cosignatures)
  }

  async refuses(what: string, exported: string, flags: readonly string[]): Promise<void> {
    const { code, text } = await run(this.#program, ["-dir", exported, ...flags])
    this.#results.check(code === 1, `Go refuses ${what}: ${text.trim()}`)
    this.#results.report.count("changed ones that were refused")
  }
}

/** Builds it from Debian's packages, without modules and without the network. */
async function buildVerifier(directory: string): Promise<string> {
  const binary = `${directory}/verifier`
  const env = {
    ...process.env,
    GO111MODULE: "off",
    GOPATH: goPath,
    GOFLAGS: "",
    GOCACHE: `${directory}/go-cache`,
    CGO_ENABLED: "0",
  }
  const files = readdirSync(source).map((name) => join(source, name))
  const built = await run("go", ["build", "-o", binary, ...files], { env })
  if (built.code !== 0) throw new Error(`go build: ${built.text}`)
  return binary
}
