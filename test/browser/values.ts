import type { Browser } from "playwright-core"
import { discloseDraft, madeOf } from "../evidence/crafted-disclosures.ts"
import { type Draft, linesOf, seal } from "../evidence/evidence-text.ts"
import { policy } from "../evidence/small-log.ts"
import type { Results } from "../interop/results.ts"
import { VerifierPage } from "./verifier-page.ts"

const salt = "_26bc4LT-ac6q2KI6cBW5es"
const disclosure = (name: string, json: string) =>
  madeOf(`["${salt}",${JSON.stringify(name)},${json}]`)

const request = disclosure("request", `{"body":"${"needle in hay ".repeat(20_000)}"}`)
const labels = disclosure("labels", '{ "exact":12345678901234567890, "x":1, "x":2 }')
const hostile = disclosure(
  "<img src=x onerror=alert(1)>",
  '"</pre><script>alert(2)</script>\u202e"',
)
const trace = disclosure("trace", "{}")
const made = [request, labels, hostile, trace]

/** Values that are kept beside the log: shown under their names if they are in the file, counted if they are not. */
export async function checkValues(results: Results, browser: Browser, url: string): Promise<void> {
  const opened = await VerifierPage.open(browser, url)
  const { page } = opened
  await opened.trust(policy)
  const digests = made.map(({ digest }) => digest)
  const draft = await discloseDraft(
    digests,
    [request, labels, hostile].map(({ text }) => text),
  )
  const said = await opened.verify("values.ndjson", seal(linesOf(draft)))
  results.check(said.verdict === "WITNESSED", "a file with values holds", said.title)
  const has = async (selector: string, text: string, what: string) => {
    const found = await opened.text(selector)
    results.check(found.includes(text), what, found.slice(0, 2000))
  }
  await has("#shows", "3 values kept beside the log", "the page says how many values it shows")
  await has("#shows-not", "1 value of 1 entry: kept beside", "and how many were not handed out")
  await has("#entries", "3 values beside it, 1 value withheld", "so does the row of the entry")
  await has("#facts", "3 in the file, 1 withheld", "and the record")
  await page.click("#entries .opener")
  await has("#entries .opened", "request, kept beside the entry", "a value stands under its name")
  await has(
    "#entries .opened",
    "The first 50,000 of 280,011 characters",
    "of a large one the beginning",
  )
  await has(
    "#entries .opened",
    '{ "exact":12345678901234567890, "x":1, "x":2 }',
    "as it was written",
  )
  await has("#entries .opened", '"</pre><script>alert(2)</script>⟨U+202E⟩"', "markup in it is text")
  const strange = await page.locator("#entries :is(script, img)").count()
  results.check(strange === 0, "and makes no element", `${strange} elements`)
  await page.fill("#filter", "needle in hay")
  const rows = await page.locator("#entries > tr:not(.opened):visible").count()
  results.check(rows === 1, "the filter looks into values", `${rows} rows`)
  await checkBad(results, opened, draft)
  await checkDeep(results, opened)
  const odd = [...opened.oddities, ...opened.requests]
  results.check(odd.length === 0, "nothing ran and nothing was asked for", odd.join("; "))
  await opened.close()
}

async function checkBad(results: Results, opened: VerifierPage, draft: Draft): Promise<void> {
  const lines = linesOf(draft)
  const last = lines.findLastIndex((line) => line.startsWith('{"disclosure"'))
  const changed = lines.with(last, (lines[last] as string).replace("Wy", "Wz"))
  const said = await opened.verify("values.ndjson", seal(changed))
  const lead = await opened.text("#verdict-lead")
  const isSaid = said.verdict === "INVALID" && lead.startsWith("A value beside an entry is not")
  results.check(isSaid, "a changed value makes the file invalid, and the page says why", lead)
  results.check((await opened.text("#entries")) === "", "nothing of it is shown")
}

/** More than a browser writes down by itself: the value is shown as it stands. */
async function checkDeep(results: Results, opened: VerifierPage): Promise<void> {
  const json = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
  const value = disclosure("data", json)
  const members = `,"labels":{"deep":${"[".repeat(15_000)}${"]".repeat(15_000)}}`
  const draft = await discloseDraft([value.digest], [value.text], members)
  const said = await opened.verify("deep.ndjson", seal(linesOf(draft)))
  await opened.page.click("#entries .opener")
  const shown = await opened.text("#entries .opened")
  const whole = said.verdict === "WITNESSED" && shown.includes(json)
  results.check(whole, "a value of 20,000 levels in an entry of 15,000 is shown", said.title)
}
