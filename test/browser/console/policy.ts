import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { postern } from "../../interop/port-process.ts"
import type { Results } from "../../interop/results.ts"
import { until } from "../../support/waiting.ts"
import { events, type Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

const waitMs = 40_000

const text = `rules:
  - name: reads
    match: { action: invoice.read, class: read }
    level: drop
  - name: billing
    match: { source: [app://billing, "app://shop*"], size: { max: 60000 } }
    level: request
    transforms:
      - { at: /targets/*/id, do: hmac }
  - { name: all, level: full }
detect: { secrets: hmac, contacts: mark }
`

/** A policy that is applied while somebody looks: what its rules do comes up on the page, and which policy it is. */
export async function checkPolicy(results: Results, browser: Browser, site: Site): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  await visitor.go("policy")
  await page.waitForSelector("#rules")
  writeFileSync(join(site.directory, "policy.yaml"), text)
  const config = join(site.directory, "postern.yaml")
  const applied = await postern(["policy", "apply", "--config", config])
  results.check(applied.code === 0, "postern policy apply", applied.text)
  const secret = { data: { password: "correct horse battery" }, outcome: "success" }
  const sent = events(24, 6000).map((event, n) => ({ ...event, ...(n < 4 ? secret : {}) }))
  await site.send(sent)
  const rows = async () =>
    (await page.locator("table").first().locator("tbody tr").allInnerTexts()).map(oneLine)
  const foundBy = async () => oneLine(await visitor.text("section:has(#detectors)"))
  const isFound = /contacts: mark.*app *secret-name *\d+/
  const come = async () => {
    const [reads = "", billing = ""] = await rows()
    const isThere = reads.includes("dropped") && /\d+ hmac/.test(billing)
    return (isThere && isFound.test(await foundBy())) || undefined
  }
  await until(come, waitMs, "figures on the page").catch(() => undefined) // The checks say which.
  const [reads = "", billing = ""] = await rows()
  results.check(
    /^1\. reads .*drop .*\d+ dropped/.test(reads),
    "a rule that drops says how many",
    reads,
  )
  const isTold =
    /app:\/\/billing, app:\/\/shop\*.*to 60,?000 bytes.*hmac \/targets\/\*\/id.*\d+ hmac/
  results.check(isTold.test(billing), "a rule says what it matches, keeps and did", billing)
  const found = await foundBy()
  results.check(isFound.test(found), "what detectors found, and in whose events", found)
  const history = oneLine(await visitor.text("section:has(#policy-history) tbody tr:first-child"))
  const isInForce = /[0-9a-f]{16} this one weakens *admin$/.test(history)
  results.check(isInForce, "which policy is in force, since when and by whom", history)
  const odd = [...visitor.oddities, ...(await visitor.faults())]
  results.check(odd.length === 0, "nothing odd on the page, and axe finds nothing", odd.join("; "))
  await visitor.shot("policy-applied")
  await visitor.close()
}

function oneLine(value: string): string {
  return value.replaceAll(/\s+/g, " ").trim()
}
