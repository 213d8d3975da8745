import type { Browser } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import { until } from "../../support/waiting.ts"
import { FakeReader } from "./fake-reader.ts"
import { InventedLog } from "./invented-log.ts"
import { Visitor } from "./visitor.ts"

const size = 5_000_000
/** Ten frames of a screen with 60 a second; what a frame takes on a machine that is shared is not more than this, mostly. */
const frameMsMax = 170
const paintMsMax = 1000

/** Five million entries: the first paint, scrolling, jumping; and states that only an invented reader is in. */
export async function checkScrolling(results: Results, browser: Browser): Promise<void> {
  const log = new InventedLog(Date.now() * 1000 - 3_600_000_000)
  log.invent(800, 4_000_000)
  const reader = await FakeReader.open(log)
  try {
    reader.behaviour = { endless: size }
    const visitor = await Visitor.open(browser, reader.url)
    const { page } = visitor
    await visitor.go("stream?range=all")
    await page.waitForSelector(".entry-row strong")
    await checkFrames(results, visitor)
    await page.$eval(".rows", (rows) => rows.scrollTo(0, rows.scrollHeight / 2))
    const half = size / 2
    await until(
      async () => {
        const index = Number(await page.getAttribute(".entry-row", "data-index"))
        return Math.abs(index - half) < half / 10 ? true : undefined
      },
      10_000,
      "the middle of the log",
    )
    results.check(true, "the bar leads to the middle")
    await page.focus(".rows")
    await page.keyboard.press("End")
    await page.waitForSelector('.entry-row[data-index="0"]')
    await page.keyboard.press("Home")
    await page.waitForSelector(`.entry-row[data-index="${size - 1}"]`)
    results.check(true, "End and Home lead to the first and the last of five million")
    const held = await page.locator(".entry-row").count()
    results.check(held < 100, "only what is on the screen exists", `${held} rows`)
    await visitor.close()
    await checkGrants(results, browser, reader)
  } finally {
    await reader.close()
  }
}

/** The wheel moves by what it says, each row in its turn; how long a frame takes is told, and bounded generously. */
async function checkFrames(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  const paint = Number(
    await page.evaluate(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0",
    ),
  )
  results.check(paint > 0 && paint < paintMsMax, `first paint after ${Math.round(paint)} ms`)
  await page.evaluate(`globalThis.frames_ = []; (function next(last) {
    requestAnimationFrame((now) => { if (last) frames_.push(now - last); next(now) })
  })(0)`)
  await page.hover(".rows")
  for (let i = 0; i < 120; i++) await page.mouse.wheel(0, 240)
  await page.waitForSelector(".entry-row[data-index]")
  const frames = (await page.evaluate("frames_")) as number[]
  const sorted = frames.sort((a, b) => a - b)
  const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.POSITIVE_INFINITY
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  const said = `frames of ${median.toFixed(0)} ms, 95 of 100 within ${p95.toFixed(0)} ms`
  results.check(p95 < frameMsMax, `scrolling five million entries: ${said}`)
  const rowsMoved = async () => {
    const top = Number(await page.getAttribute(".entry-row", "data-index"))
    return size - 1 - top
  }
  // The last turns of the wheel may still be on their way.
  const isFar = async () => (await rowsMoved()) > 800 || undefined
  await until(isFar, 10_000, "the rows below").catch(() => undefined) // Told below.
  const moved = await rowsMoved()
  results.check(moved > 800 && moved < 1000, "the wheel passes over every row", `${moved} rows`)
}

/** What others may see, and an answer that is long in coming. */
async function checkGrants(results: Results, browser: Browser, reader: FakeReader): Promise<void> {
  reader.behaviour = { see: "investigator" }
  reader.asked.length = 0
  const visitor = await Visitor.open(browser, reader.url)
  const { page } = visitor
  visitor.expectsRefusals = true
  await page.waitForSelector(`p:has-text('Your grant shows only source:"app://billing"')`)
  await page.waitForSelector(".entry-row strong")
  const ranges = reader.asked.filter((line) => line.startsWith("GET /v1/entries?"))
  results.check(ranges.length === 0, "an investigator asks by search alone", ranges.join(" "))
  reader.behaviour = {
    see: "monitor",
    refuse: { "/v1/search": { status: 403, code: "NOT_GRANTED" } },
  }
  await page.reload()
  await page.waitForSelector('.list .state:has-text("Your grant does not cover this")')
  results.check(true, "a monitor is told that the grant does not cover the stream")
  let release = (): void => undefined
  reader.behaviour = {
    hold: new Promise((resolve) => {
      release = resolve
    }),
  }
  await page.reload()
  await page.waitForSelector(".skeleton")
  await page.waitForSelector("text=Still asking the reader")
  release()
  await page.waitForSelector(".entry-row strong")
  results.check(true, "a slow answer is waited for, and it is said")
  await visitor.close()
}
