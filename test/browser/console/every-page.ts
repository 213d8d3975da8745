import type { Browser } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import type { Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

/** Address, and what stands there once the answer has come. */
const pages: readonly (readonly [string, string, string])[] = [
  ["stream", "stream?range=all", ".entry-row strong"],
  ["entry", "entry/20", ".entry-view .sentence"],
  ["writers", "writers", "table .sparkline"],
  ["port", "port", ".figures"],
  ["access", "access", "#identities"],
  ["policy", "policy", "#rules"],
  ["log", "log", "#checkpoint"],
  ["evidence", "evidence", "#basket"],
  ["alerts", "alerts", "h1"],
  ["start", "start", ".first"],
]

/** Each page in both themes, and in a narrow window: it is there, axe finds nothing, a picture is kept. */
export async function checkPages(results: Results, browser: Browser, site: Site): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    const visitor = await Visitor.open(browser, await site.link(), { theme })
    for (const [name, address, selector] of pages) {
      await visitor.go(address)
      await visitor.page.waitForSelector(selector)
      await visitor.page.waitForSelector(".loading", { state: "detached" })
      await visitor.shot(`${name}-${theme}`)
      const faults = await visitor.faults()
      results.check(
        faults.length === 0,
        `axe finds nothing on ${name}, ${theme}`,
        faults.join("; "),
      )
    }
    const shown = await visitor.page.evaluate("document.documentElement.dataset.theme")
    results.check(shown === theme, `the ${theme} theme follows the system`)
    results.check(
      visitor.oddities.length === 0,
      `nothing odd: ${theme}`,
      visitor.oddities.join("; "),
    )
    await visitor.close()
  }
  await checkNarrow(results, browser, site)
}

async function checkNarrow(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link(), { width: 900 })
  for (const [name, address, selector] of pages) {
    await visitor.go(address)
    await visitor.page.waitForSelector(selector)
    const wide = await visitor.page.evaluate(
      "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth",
    )
    results.check(wide === false, `${name} fits into 900 pixels`)
    await visitor.shot(`${name}-narrow`)
  }
  await visitor.close()
}
