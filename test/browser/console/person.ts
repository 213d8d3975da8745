import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { postern } from "../../interop/port-process.ts"
import type { Results } from "../../interop/results.ts"
import { until } from "../../support/waiting.ts"
import { events, type Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

const waitMs = 30_000

/** What a person does and sees: the denied action in three clicks, verified; a question; evidence. */
export async function checkPerson(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  await page.click('.facets section[aria-label="outcome"] button:has-text("denied")')
  await page.waitForURL(/q=outcome%3Adenied/)
  await page.click('.entry-row[data-outcome="denied"]')
  await page.click("text=Verify in this browser")
  await page.waitForSelector(".verdict[data-state=holds]")
  const said = await visitor.text(".verdict")
  results.check(
    said.startsWith("Verified by this browser"),
    "a denied action in three clicks",
    said,
  )
  results.check(/came from the same server/.test(said), "it says whose word the key is", said)
  await page.click("text=Show each step")
  results.check((await page.locator(".step").count()) === 5, "every step is shown")
  await page.click("text=Pin this key")
  await page.click("text=Verify again")
  await page.waitForSelector(".verdict >> text=the one you pinned")
  const history = await visitor.text('.step:has-text("Same log as before")')
  results.check(/holds/.test(history), "the log is the one that was verified before", history)
  await page.click("text=Add to evidence")
  await page.keyboard.press("Escape")
  await page.waitForSelector(".panel", { state: "detached" })
  await checkQuestions(results, visitor)
  await checkDisclosure(results, visitor)
  await checkEvidence(results, visitor, site)
  results.check(visitor.oddities.length === 0, "nothing odd", visitor.oddities.join("; "))
  await visitor.close()
}

async function checkQuestions(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  const asked = async (q: string): Promise<void> => {
    await page.fill("[role=combobox]", q)
    await page.keyboard.press("Enter")
  }
  await asked("outcome:(denied OR failure) AND actor:alice")
  // Rows of the question before may stand there for a moment.
  const countOf = (who: string) => page.locator(`.entry-row:has-text("${who}")`).count()
  const isAnswered = async () =>
    ((await countOf("alice")) > 0 && (await countOf("bob")) === 0) || undefined
  const answered = await until(isAnswered, waitMs, "the answer").catch(() => false)
  results.check(answered, "a question is answered")
  await asked("outcome:denied AND )")
  const wrong = await page.waitForSelector(".underlay u")
  results.check((await wrong.textContent()) === ")", "what is wrong is underlined where it is")
  await page.click('button:has-text("outcome:denied actor:alice")')
  await page.waitForSelector('.entry-row[data-outcome="denied"]')
  await asked("action:no.such.thing")
  await page.waitForSelector("text=No entry fits this question")
  results.check(true, "an answer without entries says so")
  await page.fill("[role=combobox]", "outc")
  await page.waitForSelector('[role=option]:has-text("outcome:")')
  await page.keyboard.press("ArrowDown")
  await page.keyboard.press("Enter")
  const completed = await page.inputValue("[role=combobox]")
  results.check(completed === "outcome:", "a completion is taken by the keyboard", completed)
  await page.keyboard.press("Escape")
  await visitor.go("stream?range=all")
  await page.waitForSelector(".entry-row strong")
  const box = await page.locator(".histogram .u-over").boundingBox()
  if (box === null) return results.check(false, "there is a histogram")
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width, box.y + 20, { steps: 4 })
  await page.mouse.up()
  await page.waitForURL(/since=.*until=/)
  results.check(true, "a stretch of the histogram becomes the time range")
}

async function checkDisclosure(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.go("stream?range=all&q=_sd:*")
  await page.click('.entry-row:has-text("invoice")')
  await page.click(".disclosures >> text=Read")
  const said = await visitor.text(".disclosures .tag")
  results.check(said === "has the digest in the leaf", "a value beside the log is checked", said)
}

async function checkEvidence(results: Results, visitor: Visitor, site: Site): Promise<void> {
  const { page } = visitor
  await visitor.go("evidence")
  const download = page.waitForEvent("download")
  await page.click("text=Make the file")
  const file = join(site.directory, "made.postern.ndjson.gz")
  await (await download).saveAs(file)
  const word = await visitor.text(".evidence-verdict .word")
  results.check(word === "SIGNED-ONLY", "an evidence file is made and checked", word)
  const policy = join(site.directory, "policy")
  writeFileSync(policy, `log ${site.vkey}\nquorum none\n`)
  const { code, text } = await postern(["verify", file, "--policy", policy])
  results.check(code === 10, "postern verify says the same of it", text)
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex")
  const shown = await visitor.text(".copyable pre")
  results.check(shown.includes(sha256), "its SHA-256 is the one that is shown", shown)
  const bytes = readFileSync(file)
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1
  const changed = { name: "changed.gz", mimeType: "application/gzip", buffer: bytes }
  await page.setInputFiles("input[type=file]", changed)
  await page.waitForSelector('.evidence-verdict[data-tone="bad"]')
  results.check(true, "a file that was changed is INVALID")
}

/** Entries come in while somebody looks: at the top by themselves, further down behind a pill, each once and in order. */
export async function checkLive(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  await visitor.go("stream?range=all&q=source:app*")
  await page.waitForSelector(".live[data-state=on]")
  await page.waitForSelector(".entry-row strong")
  await site.send(events(12, 1000))
  await page.waitForSelector('.entry-row:has-text("5711")')
  results.check(true, "entries come in at the top")
  const first = (await page.evaluate(
    `[...document.querySelectorAll(".entry-row")].map((row) => Number(row.dataset.index))`,
  )) as number[]
  const isOrdered = first.every((index, i) => i === 0 || index < (first[i - 1] as number))
  results.check(isOrdered, "the newest first, without a repeat", first.join(" "))
  await page.$eval(".rows", (rows) => rows.scrollTo(0, 1500))
  await site.send(events(9, 2000))
  await page.waitForSelector('.pill:has-text("9 new")')
  await page.click(".pill")
  await page.waitForSelector('.entry-row:has-text("6708")')
  results.check(true, "further down they wait behind a pill")
  results.check(visitor.oddities.length === 0, "nothing odd", visitor.oddities.join("; "))
  await visitor.close()
}
