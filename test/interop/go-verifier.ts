import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { run } from "./port-process.ts"

const source = fileURLToPath(new URL("./verifier/main.go", import.meta.url))
/** Where Debian's golang-golang-x-mod-dev puts it. */
const goPath = "/usr/share/gocode"

/** Why Go's verifier cannot be built here; undefined if it can. */
export async function whyNoGo(): Promise<string | undefined> {
  const go = await run("go", ["version"]).catch(() => undefined)
  if (go?.code !== 0) return "there is no Go (Debian: apt-get install golang-go)"
  if (existsSync(`${goPath}/src/golang.org/x/mod/sumdb/tlog`)) return undefined
  return "there is no golang.org/x/mod (Debian: apt-get install golang-golang-x-mod-dev)"
}

/** Builds the verifier from Debian's packages, without modules and without the network. */
export async function buildVerifier(directory: string): Promise<string> {
  const binary = `${directory}/verifier`
  const env = {
    ...process.env,
    GO111MODULE: "off",
    GOPATH: goPath,
    GOFLAGS: "",
    GOCACHE: `${directory}/go-cache`,
    CGO_ENABLED: "0",
  }
  const built = await run("go", ["build", "-o", binary, source], { env })
  if (built.code !== 0) throw new Error(`go build: ${built.text}`)
  return binary
}
