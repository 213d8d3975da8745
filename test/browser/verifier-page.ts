import type { Browser, BrowserContext, Page } from "playwright-core"

/** What the page says of a file. */
export interface Said {
  readonly verdict: string
  readonly title: string
  readonly rows: number
}

/** The offline verifier in a browser, and everything that it tried to reach. */
export class VerifierPage {
  readonly page: Page
  /** URLs that were asked for, the page's own apart. */
  readonly requests: string[] = []
  /** What no page should do: dialogs, windows, errors, complaints in the console. */
  readonly oddities: string[] = []
  readonly #context: BrowserContext
  #trusted = ""

  constructor(context: BrowserContext, page: Page) {
    this.#context = context
    this.page = page
  }

  /** @param before a script that runs in the page before its own */
  static async open(browser: Browser, url: string, before?: string): Promise<VerifierPage> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    const page = await context.newPage()
    const opened = new VerifierPage(context, page)
    if (before !== undefined) await page.addInitScript(before)
    opened.#watch(url)
    await page.goto(url)
    return opened
  }

  #watch(url: string): void {
    this.#context.on("request", (request) => {
      if (request.url() !== url) this.requests.push(request.url())
    })
    this.#context.on("page", () => this.oddities.push("a window was opened"))
    this.page.on("dialog", (dialog) => {
      this.oddities.push(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    this.page.on("pageerror", (error) => this.oddities.push(`an error: ${error.message}`))
    this.page.on("console", (message) => this.oddities.push(`in the console: ${message.text()}`))
  }

  async trust(text: string): Promise<void> {
    // Saying the same again would check the file before once more, and its verdict could be taken for the next one's.
    if (text === this.#trusted) return
    this.#trusted = text
    await this.#awaitAnswer()
    await this.page.fill("#trust", text)
    // A file that is there already is checked once more: that verdict must not come after the next file is chosen.
    await this.page.waitForSelector("#verdict:not([data-tone=asked])")
  }

  /** From here on only what is said next is an answer. */
  async #awaitAnswer(): Promise<void> {
    await this.page.evaluate("document.getElementById('verdict').dataset.tone = 'asked'")
  }

  /** Chooses the file, and waits for the verdict. */
  async verify(name: string, bytes: Buffer): Promise<Said> {
    await this.#awaitAnswer()
    const file = { name, mimeType: "application/octet-stream", buffer: bytes }
    await this.page.setInputFiles("#file-input", file)
    return this.said()
  }

  /** What stands in the page once there is a verdict. */
  async said(): Promise<Said> {
    await this.page.waitForSelector(
      "#verdict:is([data-tone=good], [data-tone=fair], [data-tone=bad], [data-tone=unknown])",
    )
    const verdict = await this.text("#verdict-word")
    const title = await this.text("#verdict-title")
    return { verdict, title, rows: await this.page.locator("#entries > tr:visible").count() }
  }

  async text(selector: string): Promise<string> {
    return (await this.page.textContent(selector)) ?? ""
  }

  async close(): Promise<void> {
    await this.#context.close()
  }
}
