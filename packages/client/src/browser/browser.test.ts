import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { afterAll, describe, expect, test } from "vitest"

type Door = { readonly browser: string; readonly default: string }

const home = fileURLToPath(new URL("../../", import.meta.url))
const { exports: doors } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
  exports: Record<string, Door>
}
const directory = mkdtempSync(join(tmpdir(), "postern-bundle-"))
mkdirSync(join(directory, "node_modules/@postern"), { recursive: true })
symlinkSync(home, join(directory, "node_modules/@postern/client"))
afterAll(() => rmSync(directory, { recursive: true }))

/** The text of one script with everything inside, as a bundler makes it. */
async function bundle(code: string, platform: "browser" | "node"): Promise<string> {
  const input = join(directory, `${platform}.js`)
  writeFileSync(input, code)
  const bundled = await rolldown({ input, platform, logLevel: "silent" })
  const { output } = await bundled.generate({ format: "esm" })
  await bundled.close()
  return output[0].code
}

function load(code: string): Promise<unknown> {
  return import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`)
}

describe("in a bundle for browsers", () => {
  test.each(Object.keys(doors))("the door %s says why it does not open", async (door) => {
    const specifier = `@postern/client${door.slice(1)}`
    const code = `import * as all from "${specifier}"\nconsole.log(all)\n`
    await expect(load(await bundle(code, "browser"))).rejects.toThrow(
      "@postern/client runs on a server: an audit event that a browser writes",
    )
  })

  test("a name is enough, and the bundle is small", async () => {
    const code = 'import { connect } from "@postern/client"\nawait connect()\n'
    const made = await bundle(code, "browser")
    expect(made.length).toBeLessThan(10_000)
    await expect(load(made)).rejects.toThrow("runs on a server")
  })

  test("each name of each door is there", async () => {
    const refused = readFileSync(new URL("index.ts", import.meta.url), "utf8")
    const known = [...refused.matchAll(/^export (?:const )?(\w+)/gm)].map(([, name]) => name)
    for (const { default: path } of Object.values(doors)) {
      const names = Object.keys(await import(join(home, path)))
      expect(names.filter((name) => !known.includes(name))).toEqual([])
    }
  })
})

test("a bundle for servers gets the real thing", async () => {
  const code = 'export { outcomeOfStatus } from "@postern/client/actions"\n'
  const file = join(directory, "bundle.mjs")
  writeFileSync(file, await bundle(code, "node"))
  const { outcomeOfStatus } = await import(file)
  expect(outcomeOfStatus(403)).toBe("denied")
})
