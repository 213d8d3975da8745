/**
 * The offline verifier page in a real Chromium, opened from `file://` as people open it: good and bad evidence files, with
 * the verdict of `postern verify` beside each; hostile content; no network; a browser without Ed25519; a large file; the
 * keyboard. Then the console over a real installation (console/). Run it by `npm run test:browser`; on a laptop without
 * Chromium it says so and checks nothing.
 *
 * `SHOTS=folder` keeps pictures of the page.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Browser } from "playwright-core"
import { buildVerifier } from "../../tools/build-verifier.ts"
import { craftFiles } from "../evidence/crafted-files.ts"
import { policy, vkey } from "../evidence/small-log.ts"
import { postern } from "../interop/port-process.ts"
import { Results } from "../interop/results.ts"
import { findChromium, startChromium } from "./chromium.ts"
import { checkConsole } from "./console/check-console.ts"
import { checkHostile, checkNetwork } from "./hostile.ts"
import { checkKeyboard, checkLarge, checkUnable, checkWays } from "./people.ts"
import { checkValues } from "./values.ts"
import { VerifierPage } from "./verifier-page.ts"

const results = new Results()
const work = mkdtempSync(join(tmpdir(), "postern-browser-"))
const vectors = fileURLToPath(new URL("../../docs/spec/vectors/evidence/", import.meta.url))
const verdictOf: Readonly<Record<number, string>> = {
  0: "WITNESSED",
  10: "SIGNED-ONLY",
  11: "FORK-EVIDENCE",
  3: "INVALID",
  1: "UNKNOWN",
}

async function main(): Promise<void> {
  const executable = findChromium()
  if (executable === undefined) {
    const reason = "Chromium is not installed"
    if (process.env.CI === undefined) console.log(`skipped: ${reason}`)
    else results.check(false, "Chromium", reason)
    return
  }
  const file = join(work, "postern-verifier.html")
  writeFileSync(file, await buildVerifier())
  const browser = await startChromium(executable)
  console.log(`        Chromium ${browser.version()}`)
  try {
    const url = pathToFileURL(file).href
    await checkVectors(browser, url)
    await checkCrafted(browser, url)
    await checkHostile(results, browser, url)
    await checkValues(results, browser, url)
    await checkNetwork(results, browser, url)
    await checkUnable(results, browser, url)
    await checkWays(results, browser, url)
    await checkLarge(results, browser, url)
    await checkKeyboard(results, browser, url)
    await checkConsole(results, browser)
    if (process.env.SHOTS !== undefined) await takePictures(browser, url, process.env.SHOTS)
  } finally {
    await browser.close()
  }
}

interface Vector {
  readonly file: string
  readonly about: string
  readonly policy: string
  readonly verdict: string
}

/** Each vector of the specification in the page; all that hold and many that do not on the command line, too. */
async function checkVectors(browser: Browser, url: string): Promise<void> {
  const index = JSON.parse(readFileSync(join(vectors, "index.json"), "utf8"))
  const opened = await VerifierPage.open(browser, url)
  let bad = 0
  for (const { file, about, policy, verdict } of index.files as Vector[]) {
    if (verdict === "INVALID") bad += 1
    const text = index.policies[policy]
    await opened.trust(text)
    const asked = bad <= badAsked || verdict !== "INVALID"
    const [said, ran] = await Promise.all([
      opened.verify(file, readFileSync(join(vectors, file))),
      asked ? askCommand(join(vectors, file), text) : verdict,
    ])
    const same = said.verdict === verdict && ran === verdict
    const what = `${verdict}: ${file}, ${about}${asked ? " (postern verify agrees)" : ""}`
    results.check(same, what, `the page says ${said.verdict}, postern verify ${ran}`)
  }
  results.check(bad >= 20, `${bad} of them are bad`)
  checkQuiet(opened, "the vectors")
  await opened.close()
}

/** A process each: enough of them to see that both say the same, and not so many that it takes minutes. */
const badAsked = 24

async function askCommand(file: string, policy: string): Promise<string | undefined> {
  const policyFile = join(work, "policy")
  writeFileSync(policyFile, policy)
  const { code } = await postern(["verify", file, "--policy", policyFile])
  return verdictOf[code]
}

/** Files that were made on purpose, in the page. */
async function checkCrafted(browser: Browser, url: string): Promise<void> {
  const opened = await VerifierPage.open(browser, url)
  let right = 0
  const files = await craftFiles()
  for (const { name, bytes, trust, verdict } of files) {
    await opened.trust(trust === "policy" ? policy : vkey)
    const said = await opened.verify("crafted.postern.ndjson", bytes)
    if (said.verdict === verdict) right += 1
    else results.check(false, name, `the page says ${said.verdict} instead of ${verdict}`)
  }
  results.check(right > 0, `the page is right about ${right} of ${files.length} crafted files`)
  checkQuiet(opened, "the crafted files")
  await opened.close()
}

function checkQuiet({ requests, oddities }: VerifierPage, what: string): void {
  const said = [...requests.map((url) => `it asked for ${url}`), ...oddities].join("; ")
  results.check(said === "", `no request, no dialog, no error: ${what}`, said)
}

async function takePictures(browser: Browser, url: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const index = JSON.parse(readFileSync(join(vectors, "index.json"), "utf8"))
  for (const name of ["stream", "fork", "bad-hash-changed"]) {
    for (const colorScheme of ["light", "dark"] as const) {
      const opened = await VerifierPage.open(browser, url)
      await opened.page.emulateMedia({ colorScheme })
      await opened.trust(index.policies.quorum)
      const file = `${name}.postern.ndjson`
      await opened.verify(file, readFileSync(join(vectors, file)))
      await opened.page.screenshot({
        path: join(folder, `${name}-${colorScheme}.png`),
        fullPage: true,
      })
      await opened.close()
    }
  }
}

try {
  await main()
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  rmSync(work, { recursive: true, force: true })
  results.end()
}
