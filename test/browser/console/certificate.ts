import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { parse } from "yaml"
import type { Results } from "../../interop/results.ts"
import type { Site } from "./site.ts"

interface ReaderProfile {
  readonly address: string
  readonly certificate: string
  readonly key: string
}

/** The same console from the read port itself, to a browser that holds a reader's certificate; without one there is nothing. */
export async function checkCertificate(
  results: Results,
  browser: Browser,
  site: Site,
): Promise<void> {
  const file = join(site.directory, "profiles/reader.yaml")
  const { address, certificate, key } = parse(readFileSync(file, "utf8")) as ReaderProfile
  const origin = `https://${address}`
  const clientCertificates = [{ origin, cert: Buffer.from(certificate), key: Buffer.from(key) }]
  // The CA of the installation is none that a browser knows.
  const context = await browser.newContext({ clientCertificates, ignoreHTTPSErrors: true })
  const page = await context.newPage()
  const answer = await page.goto(`${origin}/#/stream?range=all&q=outcome:denied`)
  const policy = answer?.headers()["content-security-policy"] ?? ""
  const isStrict = policy.startsWith("default-src 'none'") && !policy.includes("unsafe-inline")
  results.check(isStrict, "the read port serves the console under a strict policy", policy)
  await page.click('.entry-row[data-outcome="denied"]')
  await page.click("text=Verify in this browser")
  await page.waitForSelector(".verdict[data-state=holds]")
  results.check(true, "an entry is verified with a client certificate")
  await context.close()
  const bare = await browser.newContext({ ignoreHTTPSErrors: true })
  const refused = await (await bare.newPage()).goto(origin).then(
    (response) => `status ${response?.status()}`,
    (error: unknown) => String(error),
  )
  results.check(/net::ERR/.test(refused), "without a certificate there is no page", refused)
  await bare.close()
}
