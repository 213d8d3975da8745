import type { Browser } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import type { Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

/** A question, an entry, its verification and the way back, without a mouse. */
export async function checkKeyboard(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  const { keyboard } = page
  await page.waitForSelector(".entry-row strong")
  await keyboard.press("?")
  await page.waitForSelector("dialog[open] >> text=write a question")
  await keyboard.press("Escape")
  await page.waitForSelector("dialog[open]", { state: "detached" })
  await keyboard.press("/")
  await keyboard.type("outcome:denied")
  await keyboard.press("Enter")
  await page.waitForURL(/q=outcome%3Adenied/)
  await keyboard.press("Escape")
  await keyboard.press("Escape")
  await page.waitForSelector('.entry-row[data-outcome="denied"] strong')
  for (const key of ["j", "j", "j", "k"]) await keyboard.press(key)
  const selected = await page.getAttribute('.entry-row[aria-selected="true"]', "id")
  results.check(selected === "row-1", "j and k move through the list", String(selected))
  await keyboard.press("Enter")
  await page.waitForSelector(".panel .sentence")
  const reached = await tabTo(visitor, "Verify in this browser", 80)
  results.check(reached, "Tab reaches the button that verifies")
  await keyboard.press("Enter")
  await page.waitForSelector(".verdict[data-state=holds]")
  results.check(true, "an entry is verified without a mouse")
  await keyboard.press("Escape")
  await page.waitForSelector(".panel", { state: "detached" })
  results.check(await tabTo(visitor, "Columns", 60), "Tab reaches the columns")
  await keyboard.press("Enter")
  await page.waitForSelector(".popover input:focus")
  await keyboard.press("Space")
  await keyboard.press("Escape")
  const back = await page.evaluate("document.activeElement.textContent")
  results.check(
    back === "Columns",
    "Escape closes the window and the focus comes back",
    String(back),
  )
  results.check(visitor.oddities.length === 0, "nothing odd", visitor.oddities.join("; "))
  await visitor.close()
}

/** Presses Tab until the element with this text has the focus. */
async function tabTo({ page }: Visitor, text: string, most: number): Promise<boolean> {
  for (let i = 0; i < most; i++) {
    const at = await page.evaluate("document.activeElement?.textContent ?? ''")
    if (at === text) return true
    await page.keyboard.press("Tab")
  }
  return false
}
