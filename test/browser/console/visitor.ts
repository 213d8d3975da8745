import { mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Browser, BrowserContext, Page } from "playwright-core"

const shots = fileURLToPath(new URL("../../../test-results/console/", import.meta.url))
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** What all visitors asked for so far: `GET /v1/status` and so on, without the query. */
export const allAsked: string[] = []

/** A person's browser at the console: what it asked for, and everything that no page should do. */
export class Visitor {
  readonly page: Page
  readonly context: BrowserContext
  readonly oddities: string[] = []
  /** Answers that a test expects to be refusals. */
  expectsRefusals = false

  private constructor(context: BrowserContext, page: Page) {
    this.context = context
    this.page = page
  }

  static async open(
    browser: Browser,
    link: string,
    { width = 1280, height = 800, theme = "light" as "light" | "dark" } = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: "reduce",
    })
    const page = await context.newPage()
    const visitor = new Visitor(context, page)
    visitor.#watch(new URL(link).origin)
    await page.goto(link)
    await page.waitForSelector(".side")
    return visitor
  }

  #watch(origin: string): void {
    this.context.on("request", (request) => {
      const { origin: host, pathname, protocol } = new URL(request.url())
      if (protocol === "data:" || protocol === "blob:") return
      const line = `${request.method()} ${pathname}`
      if (host === origin) allAsked.push(line)
      else this.oddities.push(`it asked ${host}`)
    })
    this.page.on("pageerror", (error) => this.oddities.push(`an error: ${error.message}`))
    this.context.on("response", (response) => {
      // The door answers its own entrance with 401.
      const isEntrance = new URL(response.url()).pathname === "/"
      if (response.status() < 400 || this.expectsRefusals || isEntrance) return
      this.oddities.push(`${response.status()} for ${response.url()}`)
    })
    this.page.on("console", (message) => {
      // The browser's word for what is looked at above.
      if (/Failed to load resource/.test(message.text())) return
      this.oddities.push(`in the console: ${message.text()}`)
    })
  }

  async go(address: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(`#/${address}`)}`)
  }

  /** Until the element is there, its text. */
  async text(selector: string): Promise<string> {
    return (await this.page.locator(selector).first().textContent()) ?? ""
  }

  async shot(name: string): Promise<void> {
    mkdirSync(shots, { recursive: true })
    await this.page.screenshot({ path: join(shots, `${name}.png`) })
  }

  /** What axe finds wrong by WCAG 2.1 A and AA, a line each. */
  async faults(): Promise<string[]> {
    await this.page.evaluate(axe)
    return this.page.evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] })
      .then(({ violations }) => violations.map(({ id, nodes }) =>
        id + ": " + nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 160) + " " + (any[0]?.message ?? "")).join(" | ")))`)
  }

  async close(): Promise<void> {
    await this.context.close()
  }
}
