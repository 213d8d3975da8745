import type { Browser, Route } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import { until } from "../../support/waiting.ts"
import type { Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

interface Page {
  entries: { leaf: string; writer: string }[]
  proof: { path: string[] }
}

const lies: readonly (readonly [string, (page: Page) => void])[] = [
  [
    "a changed entry",
    ({ entries: [first] }) => {
      if (first !== undefined) first.leaf = first.leaf.replace('"source":', '"Source":')
    },
  ],
  [
    "another writer",
    ({ entries: [first] }) => {
      if (first !== undefined) first.writer = first.writer.replace("app", "bpp")
    },
  ],
  [
    "an entry that was left out of the path",
    ({ entries }) => {
      entries.splice(3, 1)
    },
  ],
  [
    "a changed hash of the path",
    ({ proof }) => {
      proof.path = proof.path.map((hash) => `${hash.startsWith("A") ? "B" : "A"}${hash.slice(1)}`)
    },
  ],
]

/** Lists are proven while somebody reads them: a mark at each row, and a loud word for a list that does not hold. */
export async function checkProofs(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  await visitor.go("stream?range=all")
  await allProven(visitor)
  results.check(
    true,
    "every row is proven by the browser, also those that no checkpoint covered yet",
  )
  await visitor.go("stream?range=all&q=source:app*")
  const rows = await allProven(visitor)
  const title = (await page.locator(".proof-mark").first().getAttribute("title")) ?? ""
  const isSaid = /^in the tree of checkpoint [\d,]+, checked by this browser$/.test(title)
  results.check(isSaid && rows > 10, `so are ${rows} rows that a search found`, title)
  for (const [what, lie] of lies) {
    await page.route("**/v1/search?**", (route) => change<Page>(route, lie))
    await page.reload()
    await page.waitForSelector(".entry-row strong")
    const said = await visitor.text(".broken")
    const marks = await page.locator(".proof-mark[data-proof=holds]").count()
    results.check(said.startsWith("FAILED") && marks === 0, `${what} in a list FAILS`, said)
    await page.unroute("**/v1/search?**")
  }
  await visitor.shot("list-failed")
  await page.reload()
  await allProven(visitor)
  const isQuiet = (await page.locator(".broken").count()) === 0
  results.check(isQuiet, "the true answer holds")
  await checkCounts(results, visitor)
  results.check(visitor.oddities.length === 0, "nothing odd", visitor.oddities.join("; "))
  await visitor.close()
}

const provenMs = 15_000

/** Waits until all rows are marked; gives how many they are. */
async function allProven({ page }: Visitor): Promise<number> {
  await page.waitForSelector(".entry-row strong")
  const rows = page.locator(".entry-row")
  const marked = page.locator(".entry-row:has([data-proof=holds])")
  const equal = async () => {
    const [all, proven] = [await rows.count(), await marked.count()]
    return all > 0 && all === proven ? all : undefined
  }
  return until(equal, provenMs, "the proof of every row")
}

interface Counts {
  complete: boolean
  size: number
  indexed: number
  examined: { from: number; to: number }
}

/** Counts that leave something out say what, and why; those that leave nothing out say nothing. */
async function checkCounts(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  const places = [".histogram .partial", ".facets .partial"]
  await page.waitForSelector(".facet")
  const silent = await page.locator(places.join(", ")).count()
  results.check(silent === 0, "counts of an index that has caught up are complete")
  const cases: readonly (readonly [string, string, (counts: Counts) => void])[] = [
    [
      "an index that is behind",
      "The index is behind: the 7 newest entries of the log are not counted yet.",
      (counts) => {
        counts.indexed = counts.size - 7
        counts.examined = { from: 0, to: counts.indexed }
      },
    ],
    [
      "a time that was up",
      "The time for counting was up: entries before 90 are not counted.",
      (counts) => {
        counts.indexed = counts.size
        counts.examined = { from: 90, to: counts.size }
      },
    ],
  ]
  for (const [what, words, shorten] of cases) {
    await page.route(/\/v1\/(?:histogram|facets)\?/, (route) =>
      change<Counts>(route, (counts) => {
        counts.complete = false
        shorten(counts)
      }),
    )
    await page.reload()
    const said = await Promise.all(places.map((place) => visitor.text(place)))
    const isSaid = said.every((text) => text === words)
    results.check(isSaid, `counts say that they miss something: ${what}`, said.join(" | "))
    await page.unroute(/\/v1\/(?:histogram|facets)\?/)
  }
}

/** The reader's answer, changed on its way. */
async function change<T>(route: Route, by: (answer: T) => void): Promise<void> {
  const response = await route.fetch()
  const answer = (await response.json()) as T
  by(answer)
  await route.fulfill({ response, body: JSON.stringify(answer) })
}
