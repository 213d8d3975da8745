import type { Browser, Route } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import { events, type Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

/** An answer as the reader gave it, changed on its way by whoever sits between. */
async function changed(route: Route, change: (text: string) => string): Promise<void> {
  const response = await route.fetch()
  await route.fulfill({ response, body: change(await response.text()) })
}

type Lie = readonly [string, (answer: Record<string, never>) => void]

const lies: readonly Lie[] = [
  [
    "another outcome",
    (answer) => swap(answer, "leaf", '"outcome":"success"', '"outcome":"unknown"'),
  ],
  ["another actor", (answer) => swap(answer, "leaf", '"alice"', '"carol"')],
  ["another writer", (answer) => swap(answer, "writer", "writer/app", "writer/bpp")],
]

function swap(answer: Record<string, never>, member: string, from: string, to: string): void {
  const entry = answer.entry as unknown as Record<string, string>
  entry[member] = (entry[member] as string).replace(from, to)
}

/** A tampered answer has to be told from a true one, in plain words. */
export async function checkTampering(
  results: Results,
  browser: Browser,
  site: Site,
): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  await visitor.go("stream?range=all&q=actor:alice AND outcome:success AND source:app*")
  await page.click(".entry-row strong")
  const index = await page.getAttribute('.entry-row[data-open="true"]', "data-index")
  for (const [what, lie] of lies) {
    await page.route(`**/v1/entries/${index}`, (route) =>
      changed(route, (text) => {
        const answer = JSON.parse(text)
        lie(answer)
        return JSON.stringify(answer)
      }),
    )
    const said = await verdictOn(visitor, String(index))
    results.check(said.startsWith("FAILED"), `${what} in an answer FAILS`, said)
    if (what === "another outcome") await visitor.shot("tampered")
    await page.unroute(`**/v1/entries/${index}`)
  }
  await page.route(`**/v1/entries/${index}`, (route) =>
    changed(route, (text) =>
      text.replace(/"path":\["(.)/, (_, first) => `"path":["${first === "A" ? "B" : "A"}`),
    ),
  )
  const path = await verdictOn(visitor, String(index))
  results.check(path.startsWith("FAILED"), "a changed hash of the path FAILS", path)
  await page.unroute(`**/v1/entries/${index}`)
  const told = await verdictOn(visitor, String(index))
  results.check(told.startsWith("Verified"), "the true answer holds", told)
  await visitor.close()
}

async function verdictOn(visitor: Visitor, index: string): Promise<string> {
  await visitor.page.reload()
  await visitor.go("writers")
  await visitor.go(`entry/${index}`)
  await visitor.page.click("text=Verify in this browser")
  await visitor.page.waitForSelector(".verdict")
  return visitor.text(".verdict")
}

const problem = (status: number, code: string, hint: string) => ({
  status,
  contentType: "application/problem+json",
  body: JSON.stringify({ type: "about:blank", title: `no: ${code}`, status, code, hint }),
})

/** What a page says when the reader refuses, fails, is slow, cut off, or gone. */
export async function checkStates(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  visitor.expectsRefusals = true
  const { page } = visitor
  const refused = async (path: string, answer: object, words: string, what: string) => {
    await page.route(path, (route) => route.fulfill(answer))
    await visitor.go("start")
    await page.reload()
    await visitor.go("writers")
    await page.waitForSelector(`.state:has-text("${words}")`)
    results.check(true, what)
    await page.unroute(path)
  }
  const hint = "ask the operator"
  await refused("**/v1/writers", problem(403, "NOT_GRANTED", hint), hint, "no permission: a hint")
  await visitor.shot("not-granted")
  await refused("**/v1/writers", problem(404, "HTTP_ROUTE", ""), "Not available here", "no route")
  await refused("**/v1/writers", problem(503, "OVERLOADED", "again"), "busy", "a busy reader")
  await refused("**/v1/writers", { status: 502, body: "<html>" }, "Try again", "a foreign answer")
  await page.route("**/v1/writers", (route) => route.abort())
  await page.click("text=Try again")
  await page.waitForSelector('.state:has-text("No answer")')
  await page.unroute("**/v1/writers")
  await page.click("text=Try again")
  await page.waitForSelector("table .sparkline")
  results.check(true, "no answer, and trying again")
  await checkCutOff(results, visitor)
  await visitor.close()
}

async function checkCutOff(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  await page.route("**/v1/search?**", (route) =>
    changed(route, (text) => {
      const answer = JSON.parse(text)
      const rest = { entries: [], openings: [], complete: false, cursor: "there-is-more" }
      return JSON.stringify({ ...answer, ...rest, scanned: { from: 0, to: 3 } })
    }),
  )
  await page.route("**/v1/search?**cursor=**", (route) =>
    route.fulfill({
      contentType: "application/json",
      body: JSON.stringify({
        ...{ size: 1000, entries: [], openings: [], order: "desc", complete: false },
        ...{ cursor: "more", scanned: { from: 3, to: 6 } },
      }),
    }),
  )
  await visitor.go("stream?range=all&q=actor:nobody")
  await page.waitForSelector('.rows-foot:has-text("Examined 24 of")')
  await page.click('.rows-foot >> text="Go on"')
  await page.waitForSelector('.rows-foot:has-text("Examined 48 of")')
  results.check(true, "an answer that is cut off says how far it went, and goes on")
  await page.unroute("**/v1/search?**cursor=**")
  await page.unroute("**/v1/search?**")
}

/** A log that no writer has written to: how to connect one; the stream as soon as an event is there. */
export async function checkFirstRun(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  await visitor.page.waitForSelector("text=This log is empty")
  const commands = await visitor.page.locator(".first .copyable").count()
  results.check(commands >= 4, "an empty log shows how to connect a writer", `${commands}`)
  await visitor.shot("first-run")
  await site.send(events(1))
  await visitor.page.waitForSelector('.entry-row:has-text("invoice.read")')
  results.check(true, "and the stream as soon as an event is there")
  results.check(visitor.oddities.length === 0, "nothing odd", visitor.oddities.join("; "))
  await visitor.close()
}
