/**
 * The console in a real Chromium, as a person uses it: each page in both themes, questions, the live view, verification of
 * true and of tampered answers, evidence, the keyboard alone. Run it by `npm run test:browser`, or alone:
 * `node test/browser/console.ts`. Pictures of each page go to test-results/console.
 */
import { Results } from "../interop/results.ts"
import { findChromium, startChromium } from "./chromium.ts"
import { checkConsole } from "./console/check-console.ts"

const results = new Results()
const executable = findChromium()
try {
  if (executable === undefined) {
    if (process.env.CI === undefined) console.log("skipped: Chromium is not installed")
    else results.check(false, "Chromium", "is not installed")
  } else {
    const browser = await startChromium(executable)
    try {
      await checkConsole(results, browser)
    } finally {
      await browser.close()
    }
  }
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  results.end()
}
