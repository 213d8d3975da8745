import type { Browser } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import { events, type Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

const query = 'actor:alice source:"app://billing"'

/** An investigator on the real reader: its own entries and counts of them, the live view, and no way to anything else. */
export async function checkInvestigator(
  results: Results,
  browser: Browser,
  site: Site,
): Promise<void> {
  const profile = await site.addInvestigator("fraud", query)
  const visitor = await Visitor.open(browser, await site.link(profile))
  const { page } = visitor
  await visitor.go("stream?range=all")
  const words = await visitor.text('p:has-text("Your grant shows only") code')
  results.check(words === query, "an investigator is told what the grant shows", words)
  await page.waitForSelector('.rows-foot:has-text("That is all in the range")')
  const foot = await visitor.text(".rows-foot")
  const found = Number(/^[\d,]+/.exec(foot)?.[0].replace(",", ""))
  const asRows = await page.locator(".entry-row").count()
  const ofAlice = await page.locator('.entry-row:has-text("alice")').count()
  results.check(asRows > 10 && ofAlice === asRows, "every row is one of its own", foot)
  await checkValues(results, visitor, found)
  await checkTail(results, visitor, site)
  await checkBounds(results, visitor)
  results.check(visitor.oddities.length === 0, "nothing odd", visitor.oddities.join("; "))
  await visitor.close()
}

/** @param found how many entries the list has */
async function checkValues(results: Results, visitor: Visitor, found: number): Promise<void> {
  const { page } = visitor
  await page.waitForSelector(".facets .facet")
  const actors = await page
    .locator(".facets section[aria-label=actor] .facet-text")
    .allTextContents()
  results.check(
    actors.join(" ") === "user/alice",
    "values are those of its own hits",
    actors.join(),
  )
  const writers = await page
    .locator(".facets section[aria-label=writer] .facet-value")
    .getAttribute("title")
  const count = Number(/\n([\d,]+)$/.exec(writers ?? "")?.[1]?.replace(",", ""))
  results.check(count === found, "and count no others", `${writers}, ${found} in the list`)
  await page.fill("[role=combobox]", "actor:")
  await page.waitForSelector('[role=option]:has-text("alice")')
  const offers = await page.locator("[role=option]").allTextContents()
  const others = offers.filter((text) => /bob|carol|dave/.test(text))
  results.check(others.length === 0, "nobody else is offered for completion", others.join(" "))
  await page.fill("[role=combobox]", "")
  await page.keyboard.press("Escape")
}

async function checkTail(results: Results, visitor: Visitor, site: Site): Promise<void> {
  const { page } = visitor
  await page.waitForSelector(".live[data-state=on]")
  await site.send(events(8, 4000))
  await page.waitForSelector('.entry-row:has-text("8704") [data-proof=holds]')
  const rows = await page.locator(".entry-row").allTextContents()
  const isOwn = rows.every((text) => text.includes("alice"))
  results.check(isOwn, "its own entries come in live, are proven, and no others come")
  const newest = rows.slice(0, 2).map((text) => /\/(\d+)/.exec(text)?.[1])
  results.check(newest.join(" ") === "8704 8700", "none is missing", newest.join(" "))
}

async function checkBounds(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  visitor.expectsRefusals = true
  // The entry behind it was sent in the same breath, by bob.
  const own = await page.getAttribute('.entry-row:has-text("8704")', "data-index")
  for (const name of ["writers", "port", "alerts"]) {
    await visitor.go(name)
    await page.waitForSelector('.state:has-text("Your grant does not cover this")')
  }
  results.check(true, "pages that the grant does not cover say so")
  await visitor.shot("investigator-refused")
  await visitor.go("access")
  await page.waitForSelector("#identities")
  const identities = await page.locator("table tbody tr").allTextContents()
  const isOwn = identities.length === 1 && identities[0]?.includes("fraud") === true
  results.check(isOwn, "of the access list it sees its own line", identities.join(" | "))
  await visitor.go(`entry/${own}`)
  await page.waitForSelector(".entry-view .sentence")
  for (const foreign of [Number(own) + 1, 0]) {
    await visitor.go(`entry/${foreign}`)
    await page.waitForSelector('.state:has-text("Not available here")')
  }
  results.check(true, "entries of others, and of the port, are not there for it")
  visitor.expectsRefusals = false
}
