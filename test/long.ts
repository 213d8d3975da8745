/**
 * `npm run test:long`: the long forms of all programmes, one after the other, for a machine that has an hour. Ends with
 * the sum of their counts; what has a section of docs/assurance.md records it there.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const top = fileURLToPath(new URL("../", import.meta.url))
const programmes: readonly (readonly [string, readonly string[]])[] = [
  ["demo", ["test/demo/main.ts"]],
  ["crash", ["test/crash/main.ts", "--long", "--record"]],
  ["simulated disk", ["test/sim/main.ts", "--long", "--record"]],
  ["hostile", ["test/hostile/main.ts", "--long", "--record"]],
  ["parsers", ["test/fuzz/main.ts", "--long", "--record"]],
  ["interop", ["test/interop/main.ts", "--record"]],
  ["drills", ["test/drills/main.ts", "--record"]],
  ["evidence", ["test/evidence/main.ts"]],
  ["browser", ["test/browser/main.ts"]],
  ["restore", ["test/restore/main.ts", "--long"]],
  ["erasure", ["test/erasure/main.ts", "--long", "--record"]],
]

/** Counts of the last line; a programme that ends without them, or badly without saying so, has failed. */
async function run(args: readonly string[]): Promise<{ passed: number; failed: number }> {
  const child = spawn(process.execPath, args, { cwd: top, stdio: ["ignore", "pipe", "inherit"] })
  let last = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text)
    last = `${last}${text}`.slice(-200)
  })
  const [status] = (await once(child, "close")) as [number | null]
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(last)
  const passed = Number(counts?.[1] ?? 0)
  const failed = Number(counts?.[2] ?? 1)
  return { passed, failed: status === 0 || failed > 0 ? failed : 1 }
}

let passed = 0
let failed = 0
process.env.LONG = "1"
for (const [name, args] of programmes) {
  console.log(`\n== ${name}`)
  const counts = await run(args)
  passed += counts.passed
  failed += counts.failed
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
