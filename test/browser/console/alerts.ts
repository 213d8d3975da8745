import { once } from "node:events"
import { renameSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { freePorts } from "../../interop/port-process.ts"
import type { Results } from "../../interop/results.ts"
import { until } from "../../support/waiting.ts"
import { events, type Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

const waitMs = 40_000

/** A webhook of this machine: takes what comes to /taken, and refuses the rest. */
async function openReceiver() {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    bodies.push(body)
    if (request.url === "/taken") response.end("thanks")
    else response.writeHead(500).end("out of paper")
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const types = () => bodies.map((body) => JSON.parse(body).type as string)
  return { url: `http://127.0.0.1:${port}`, types, server }
}

/** @param deaf an address where nobody listens */
function alertsText(url: string, deaf: string): string {
  return `questions:
  - { name: denied, description: what was not allowed, query: "outcome:denied" }
alerts:
  - { name: untold, watch: new-writer }
  - { name: unheard, query: "action:no.such.thing", severity: low, to: [broken, gone] }
  - { name: many-denied, question: denied, count: 3, within: 5m, severity: high, to: [pager] }
webhooks:
  - { name: pager, url: "${url}/taken" }
  - { name: broken, url: "${url}/broken" }
  - { name: gone, url: "${deaf}" }
`
}

interface Standing {
  readonly name: string
  readonly state: string
  readonly delivered: unknown
}

/** A real courier and real webhooks: an alert that is raised, and what a click on Test tells of each receiver. */
export async function checkAlerts(results: Results, browser: Browser, site: Site): Promise<void> {
  const receiver = await openReceiver()
  const [deaf = 0] = await freePorts(1)
  const visitor = await Visitor.open(browser, await site.link())
  const { page } = visitor
  /** Once the courier says so of the alert. */
  const standing = (holds: (alert: Standing) => boolean, what: string) =>
    until(
      async () => {
        const url = new URL("/v1/alerts", page.url()).href
        const { alerts } = await (await visitor.context.request.get(url)).json()
        const found = (alerts as Standing[]).find(({ name }) => name === "many-denied")
        return found !== undefined && holds(found) ? true : undefined
      },
      waitMs,
      what,
    )
  try {
    const text = alertsText(receiver.url, `http://127.0.0.1:${deaf}/`)
    // The courier looks at the file again and again: it comes whole, or not yet.
    const file = join(site.directory, "alerts.yaml")
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
    await standing(() => true, "an alert in force")
    await site.send(events(4, 3000).map((event) => ({ ...event, outcome: "denied" })))
    await standing(({ delivered }) => delivered !== null, "a raised alert")
    await visitor.go("alerts")
    const first = await visitor.text("tbody tr:first-child")
    const isRaised = /^raised.*many-denied.*taken.*by pager/.test(first)
    results.check(isRaised, "a raised alert stands first, with how its notification fared", first)
    await checkTest(results, visitor)
    const types = receiver.types().join(" ")
    const isOnce = types === "alert test test"
    results.check(isOnce, "what was raised was told once, each test once", types)
    const odd = [...visitor.oddities, ...(await visitor.faults())]
    results.check(
      odd.length === 0,
      "nothing odd on the page, and axe finds nothing",
      odd.join("; "),
    )
    await visitor.shot("alerts-tested")
  } finally {
    receiver.server.closeAllConnections()
    receiver.server.close()
    await visitor.close()
  }
}

async function checkTest(results: Results, visitor: Visitor): Promise<void> {
  const { page } = visitor
  const said = async (name: string, count: number): Promise<string> => {
    const row = page.locator(`tr:has(b:text-is("${name}"))`)
    await row.locator("button").click()
    await row.locator(`[role=status] p >> nth=${count - 1}`).waitFor()
    return (await row.locator("[role=status] p").allTextContents()).join(" | ")
  }
  const taken = await said("many-denied", 1)
  results.check(taken === "pager took it (200): thanks", "Test: what a webhook answered", taken)
  const unheard = await said("unheard", 2)
  const isPlain =
    unheard.includes("broken did not take it (500): out of paper") &&
    /gone did not answer: .*ECONNREFUSED/.test(unheard)
  results.check(isPlain, "Test: webhooks that fail, in plain words", unheard)
  visitor.expectsRefusals = true
  const untold = await said("untold", 1)
  const isUntold = untold === "Not sent: untold names no webhook in to."
  results.check(isUntold, "Test: an alert that tells nobody", untold)
  visitor.expectsRefusals = false
}
