import { gzipSync } from "node:zlib"
import type { Browser } from "playwright-core"
import { entriesOf, fileOf, noteOf } from "../evidence/drafts.ts"
import { origin, policy, SmallLog, vkey } from "../evidence/small-log.ts"
import type { Results } from "../interop/results.ts"
import { VerifierPage } from "./verifier-page.ts"

async function fileWith(entries: number): Promise<Buffer> {
  const log = new SmallLog()
  for (let i = 0; i < entries; i++) {
    const actor = { type: "user", id: `user-${i}` }
    const event = JSON.stringify({ id: `e-${i}`, action: "thing.done", outcome: "success", actor })
    log.add({ open: 0, sequence: i, event })
  }
  const leaves = log.leaves.map((_, index) => index)
  const claim = { first: 0, count: entries }
  const head = { postern: "evidence@v1", origin, kind: "range", claim, count: entries }
  const parts = { ...entriesOf(log, [], []), path: [] }
  const all = leaves.map((index) => ({
    name: "leaf" as const,
    index,
    leaf: log.leaves[index] as Buffer,
  }))
  return fileOf({ head, notes: [await noteOf(log)], batches: [], ...parts, entries: all })
}

/** A browser that cannot check signatures says so; it neither fails nor guesses. */
export async function checkUnable(results: Results, browser: Browser, url: string): Promise<void> {
  const file = await fileWith(3)
  const without = {
    "without Ed25519": `const real = crypto.subtle.importKey.bind(crypto.subtle); crypto.subtle.importKey = (...a) => a[2] === "Ed25519" ? Promise.reject(new DOMException("no", "NotSupportedError")) : real(...a)`,
    "without WebCrypto": `Object.defineProperty(crypto, "subtle", { value: undefined })`,
    "that finds every signature right": "crypto.subtle.verify = async () => true",
  }
  for (const [what, before] of Object.entries(without)) {
    const opened = await VerifierPage.open(browser, url, before)
    await opened.trust(policy)
    const said = await opened.verify("three.ndjson", file)
    results.check(said.verdict === "UNKNOWN", `a browser ${what}: UNKNOWN`, said.title)
    const notice = await opened.page.isVisible("#unable")
    results.check(notice, `a browser ${what}: it is said at once`)
    results.check(
      opened.oddities.length === 0,
      `a browser ${what}: no error`,
      opened.oddities.join(),
    )
    await opened.close()
  }
}

/** The ways in: chosen, dropped on its place, dropped beside it; a key, a policy, neither, a wrong one. */
export async function checkWays(results: Results, browser: Browser, url: string): Promise<void> {
  const opened = await VerifierPage.open(browser, url)
  const { page } = opened
  const file = await fileWith(40)
  const drop = (place: string, bytes: Buffer, name: string) =>
    page.evaluate(`(() => {
      const data = new DataTransfer()
      const bytes = Uint8Array.from(atob("${bytes.toString("base64")}"), (c) => c.charCodeAt(0))
      data.items.add(new File([bytes], "${name}"))
      const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
      document.querySelector("${place}").dispatchEvent(event)
      return event.defaultPrevented
    })()`)
  await drop("#file-drop", file, "dropped.ndjson")
  const waiting = await opened.text("#verdict-title")
  results.check(/whom you trust/.test(waiting), "a file alone: it asks for a key", waiting)
  await opened.trust("not a key")
  const wrong = await opened.text("#trust-said")
  results.check(wrong.startsWith("Not acceptable"), "a wrong key: it says what is wrong", wrong)
  results.check((await opened.text("#verdict-word")) === "No verdict yet", "and gives no verdict")
  await opened.trust(`  ${vkey}\r\n`)
  const byKey = await opened.said()
  results.check(byKey.verdict === "SIGNED-ONLY", "a key alone", byKey.title)
  await drop("#trust-drop", Buffer.from(policy), "policy.txt")
  await page.waitForSelector("#verdict[data-tone=good]")
  results.check(true, "a policy that was dropped")
  results.check(byKey.rows === 40, "all entries are shown", `${byKey.rows} rows`)
  await page.fill("#filter", "USER-1")
  const rows = await page.locator("#entries > tr").count()
  results.check(rows === 11, "the filter finds what it should", `${rows} rows`)
  const prevented = await drop("h1", gzipSync(file.subarray(0, 500)), "elsewhere.gz")
  results.check(prevented === true, "a file dropped beside its place does not replace the page")
  await page.waitForSelector("#verdict[data-tone=bad]")
  results.check(true, "it is taken for the evidence, and found wanting")
  results.check(await page.isHidden("#entries-card"), "entries of a bad file are not shown")
  await opened.close()
}

/** The page stays alive, tells how far it is, can be stopped, and shows the first thousand. */
export async function checkLarge(results: Results, browser: Browser, url: string): Promise<void> {
  const opened = await VerifierPage.open(browser, url)
  const { page } = opened
  const count = 20_000
  const file = gzipSync(await fileWith(count))
  await opened.trust(policy)
  await page.evaluate(`new MutationObserver(() => {
    const text = document.getElementById("progress-text").textContent
    if (/\\d/.test(text)) (globalThis.seen ??= new Set()).add(text)
  }).observe(document.getElementById("progress"), { subtree: true, childList: true, characterData: true })`)
  const began = performance.now()
  const said = await opened.verify("large.ndjson", file)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  results.check(said.verdict === "WITNESSED", `${count} entries in ${seconds} s`, said.title)
  results.check(said.rows === 1000, "the first thousand are shown", `${said.rows} rows`)
  const about = await opened.text("#entries-said")
  results.check(
    /first 1,000 entries of 20,000/.test(about),
    "and it is said that there are more",
    about,
  )
  const told = await page.evaluate("globalThis.seen?.size ?? 0")
  results.check(Number(told) > 0, `progress was told ${told} times`)
  await opened.close()
}

/** Everything can be reached and named without a mouse and without sight. */
export async function checkKeyboard(
  results: Results,
  browser: Browser,
  url: string,
): Promise<void> {
  const opened = await VerifierPage.open(browser, url)
  const { page } = opened
  await opened.trust(policy)
  await opened.verify("three.ndjson", await fileWith(3))
  await page.evaluate("document.activeElement.blur()")
  const reached = new Set<string>()
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press("Tab")
    reached.add(
      String(await page.evaluate("document.activeElement.id || document.activeElement.className")),
    )
  }
  for (const wanted of [
    "skip",
    "file-input",
    "trust",
    "trust-input",
    "filter",
    "scroll",
    "opener",
    "copy",
  ]) {
    results.check(reached.has(wanted), `the keyboard reaches ${wanted}`, [...reached].join(" "))
  }
  await page.focus(".opener")
  await page.keyboard.press("Enter")
  const expanded = await page.getAttribute(".opener", "aria-expanded")
  results.check(expanded === "true", "Enter opens an entry")
  const nameless = await page.evaluate(
    `[...document.querySelectorAll("input, textarea, button")].filter((e) => !e.labels?.length && !e.textContent && !e.ariaLabel).length`,
  )
  results.check(nameless === 0, "every control has a name", `${nameless} have none`)
  const live = await page.getAttribute("#verdict", "aria-live")
  results.check(live === "polite", "a new verdict is read aloud")
  await opened.close()
}
