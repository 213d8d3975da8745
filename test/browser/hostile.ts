import { createServer } from "node:net"
import type { Browser } from "playwright-core"
import { entriesOf, fileOf, noteOf } from "../evidence/drafts.ts"
import { origin, policy, SmallLog } from "../evidence/small-log.ts"
import type { Results } from "../interop/results.ts"
import { VerifierPage } from "./verifier-page.ts"

const attacks = [
  "<script>alert(1)</script>",
  "</script><script>alert(2)</script>",
  "<img src=x onerror=alert(3)>",
  "<svg onload=alert(4)>",
  "<iframe src='javascript:alert(5)'></iframe>",
  "<a href='javascript:alert(6)'>click</a>",
  "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
  "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
  "<style>@import 'http://127.0.0.1:9/y.css'</style>",
  "'\"><b onmouseover=alert(7)>x</b>",
  "{{constructor.constructor('alert(8)')()}}",
  "‮txt.exe\u2066\u200b",
]

/** A log whose every word is an attack, proved to be in it as well as any other. */
async function hostileFile(): Promise<Buffer> {
  const log = new SmallLog()
  const started = { action: "postern.started", data: {} }
  log.add({ open: 0, sequence: 0, event: JSON.stringify(started) })
  for (const [i, text] of attacks.entries()) {
    const data = { stream: text, writer: text, framed: false }
    const opened = { action: "postern.stream.opened", data }
    const open = log.add({ open: 0, sequence: i + 1, event: JSON.stringify(opened) })
    const actor = { type: text, id: text, __proto__: text }
    const event = { id: text, action: text, outcome: text, actor, data: { [text]: [text] } }
    log.add({ open, sequence: 0, event: JSON.stringify(event) })
  }
  const leaves = log.leaves.map((_, index) => index)
  const claim = Object.fromEntries(attacks.map((text) => [text, text]))
  const head = { postern: "evidence@v1", origin, kind: "set", claim, count: leaves.length }
  const draft = { head, notes: [await noteOf(log)], batches: [], ...entriesOf(log, leaves, []) }
  return fileOf(draft)
}

/** Whatever an entry says, it is text. */
export async function checkHostile(results: Results, browser: Browser, url: string): Promise<void> {
  const opened = await VerifierPage.open(browser, url)
  const { page } = opened
  const whole = await page.locator("*").count()
  await opened.trust(policy)
  const said = await opened.verify("<img src=x onerror=alert(9)>.ndjson", await hostileFile())
  results.check(said.verdict === "WITNESSED", "a log full of markup holds", said.title)
  for (const opener of await page.locator("#entries .opener").all()) await opener.click()
  await page.fill("#filter", "<script>")
  await page.fill("#filter", "")
  const strange = await page
    .locator("main :is(script, img, iframe, a, link, meta, style, b, object, embed, form)")
    .count()
  results.check(strange === 0, "markup in entries makes no element", `${strange} elements`)
  const handlers = await page.evaluate(
    "[...document.querySelectorAll('*')].flatMap((e) => [...e.attributes]).filter((a) => /^on|javascript:/i.test(a.name + a.value)).length",
  )
  results.check(handlers === 0, "and no handler", `${handlers} attributes`)
  const shown = await opened.text("#entries")
  results.check(shown.includes("<script>alert(1)</script>"), "it stands there as text")
  results.check(
    !/[\u202e\u2066\u200b]/.test(shown),
    "characters that hide or reorder text are named",
  )
  results.check(shown.includes("⟨U+202E⟩"), "by their number")
  results.check(whole > 50, "the page was there at all", `${whole} elements`)
  const odd = [...opened.oddities, ...opened.requests]
  results.check(odd.length === 0, "nothing of it ran and nothing was asked for", odd.join("; "))
  await opened.close()
}

/** The page cannot reach a network even if code of somebody else ran in it. */
export async function checkNetwork(results: Results, browser: Browser, url: string): Promise<void> {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { port: number }
  const target = `http://127.0.0.1:${port}/`
  const opened = await VerifierPage.open(browser, url)
  const attempts: Readonly<Record<string, string>> = {
    fetch: `fetch("${target}").then(() => "reached", () => "refused")`,
    XMLHttpRequest: `new Promise((done) => { const x = new XMLHttpRequest(); x.onload = () => done("reached"); x.onerror = () => done("refused"); x.open("GET", "${target}"); x.send() })`,
    WebSocket: `new Promise((done) => { try { const s = new WebSocket("ws://127.0.0.1:${port}/"); s.onopen = () => done("reached"); s.onerror = () => done("refused") } catch { done("refused") } })`,
    "an image": `new Promise((done) => { const i = new Image(); i.onload = () => done("reached"); i.onerror = () => done("refused"); i.src = "${target}x.png" })`,
    "a beacon": `navigator.sendBeacon("${target}", "x"), new Promise((done) => setTimeout(done, 100, "refused"))`,
    "a script in the page": `new Promise((done) => { globalThis.ran = false; const s = document.createElement("script"); try { s.textContent = "globalThis.ran = true"; document.head.append(s) } catch {} setTimeout(() => done(globalThis.ran ? "reached" : "refused"), 50) })`,
    innerHTML: `(() => { try { document.getElementById("entries").innerHTML = "<tr>"; return "reached" } catch { return "refused" } })()`,
    eval: `new Promise((done) => setTimeout(() => { try { done((0, eval)("'reached'")) } catch { done("refused") } }))`,
  }
  for (const [what, script] of Object.entries(attempts)) {
    const came = await opened.page.evaluate(script)
    results.check(came === "refused", `the policy of the page refuses ${what}`, String(came))
  }
  results.check(connections === 0, "nobody connected", `${connections} connections`)
  await opened.close()
  server.close()
}
