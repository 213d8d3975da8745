import type { Browser } from "playwright-core"
import type { Results } from "../../interop/results.ts"
import type { Site } from "./site.ts"
import { Visitor } from "./visitor.ts"

/** The console's own files, and the door's. */
const own = /^GET \/(?:assets\/[\w.-]+|licences\.txt)?$|^GET \/once\.js$|^POST \/once$/

/** Everything that the console asked for is in the description of the read API. */
export async function checkDocumented(
  results: Results,
  browser: Browser,
  site: Site,
  asked: readonly string[],
): Promise<void> {
  const visitor = await Visitor.open(browser, await site.link())
  const answer = await visitor.context.request.get(
    new URL("/openapi.json", visitor.page.url()).href,
  )
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> }
  const patterns = Object.entries(paths).flatMap(([path, methods]) => {
    const pattern = path.replaceAll(/[.+]/g, "\\$&").replaceAll(/\{\w+\}/g, "[^/]+")
    return Object.keys(methods).map((method) => new RegExp(`^${method.toUpperCase()} ${pattern}$`))
  })
  const foreign = [...new Set(asked)].filter((line) => {
    return !own.test(line) && !patterns.some((pattern) => pattern.test(line))
  })
  results.check(
    foreign.length === 0,
    "it asks for nothing but the documented API",
    foreign.join(", "),
  )
  results.check(new Set(asked).size > 15, `${new Set(asked).size} different requests were seen`)
  await visitor.close()
}
