import type { Browser } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import { checkAlerts } from "./alerts.ts"
import { checkCertificate } from "./certificate.ts"
import { checkDocumented } from "./documented.ts"
import { checkPages } from "./every-page.ts"
import { checkFirstRun, checkStates, checkTampering } from "./failures.ts"
import { checkInvestigator } from "./investigator.ts"
import { checkKeyboard } from "./keyboard.ts"
import { checkLive, checkPerson } from "./person.ts"
import { checkPolicy } from "./policy.ts"
import { checkProofs } from "./proofs.ts"
import { checkScrolling } from "./scrolling.ts"
import { events, Site } from "./site.ts"
import { allAsked } from "./visitor.ts"

/** The console in a browser that has no certificate, through the loopback door, over a real installation. */
export async function checkConsole(results: Results, browser: Browser): Promise<void> {
  const site = await Site.open()
  try {
    await checkFirstRun(results, browser, site)
    await site.send(events(120))
    await checkPages(results, browser, site)
    await checkPerson(results, browser, site)
    await checkLive(results, browser, site)
    await checkKeyboard(results, browser, site)
    await checkTampering(results, browser, site)
    await checkStates(results, browser, site)
    await checkProofs(results, browser, site)
    await checkAlerts(results, browser, site)
    await checkInvestigator(results, browser, site)
    await checkPolicy(results, browser, site)
    await checkCertificate(results, browser, site)
    await checkDocumented(results, browser, site, allAsked)
  } finally {
    await site.close()
  }
  await checkScrolling(results, browser)
}
