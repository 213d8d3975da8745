/**
 * What detectors cost: microseconds for a small event, and the worst that a 64 KiB event can do. `node bench/detectors.ts`. Each set of them in
 * processes of its own, as a port has one policy: the engine compiles for what it has seen.
 */
import { execFileSync } from "node:child_process"
import { hostile } from "../packages/server/src/policy/detectors/hostile.test.support.ts"
import {
  type DetectorSettings,
  type Detectors,
  openDetectors,
} from "../packages/server/src/policy/detectors/index.ts"

const secretsOnly: DetectorSettings = {
  groups: {
    ...{ secrets: "hmac", cards: "off", accounts: "off" },
    ...{ contacts: "off", addresses: "off", entropy: "off" },
  },
  packs: [],
  patterns: [],
}
const everything: DetectorSettings = {
  groups: {
    ...{ secrets: "hmac", cards: "hmac", accounts: "hmac" },
    ...{ contacts: "hmac", addresses: "truncate", entropy: "hmac" },
  },
  packs: ["kubernetes", "vault", "sql", "http"],
  patterns: [],
}

/** An event of 300 bytes, its required texts included: as the sieve hands it over. */
const small: readonly (readonly [
  key: string | undefined,
  text: string,
  path: readonly string[],
])[] = [
  ["id", "01J9Z3Y6QK8M4T2R7V5W1X0ABC", ["actor"]],
  ["type", "user", ["actor"]],
  ["type", "order", ["targets", "0"]],
  ["id", "order-20260504-000123", ["targets", "0"]],
  ["ip", "2001:db8::17", ["origin"]],
  ["userAgent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", ["origin"]],
  ["reason", "customer asked for it by telephone", []],
  ["amount", "1250", ["data"]],
  ["currency", "EUR", ["data"]],
  ["method", "card", ["data"]],
  ["status", "accepted", ["response"]],
]

/** As long as a text that the sieve hands over may be, and how many of these an event of 64 KiB holds. */
const [textLength, texts] = [8_192, 8]

const rounds = 500

/** A function of its own: the engine optimises what is called often, and gives up on loops around loops. */
function lookAtSmall(detectors: Detectors): void {
  for (let round = 0; round < rounds; round++) {
    detectors.begin()
    for (const [key, text, path] of small) detectors.look(text, key, path, "string")
  }
}

/** The least of many short runs, of which some fall between what else the machine does. */
function perSmallEvent(settings: DetectorSettings): number {
  const detectors = openDetectors(settings)
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 1_500; run++) {
    const begun = performance.now()
    lookAtSmall(detectors)
    best = Math.min(best, performance.now() - begun)
  }
  return (best * 1_000) / rounds
}

function worst(settings: DetectorSettings): readonly [name: string, ms: number][] {
  const detectors = openDetectors(settings)
  return hostile
    .map(({ name, text }): [string, number] => {
      const whole = text(textLength)
      let best = Number.POSITIVE_INFINITY
      for (let run = 0; run < 5; run++) {
        const begun = performance.now()
        detectors.begin()
        for (let i = 0; i < texts; i++) detectors.look(whole, "note", ["data"], "string")
        best = Math.min(best, performance.now() - begun)
      }
      return [name, best]
    })
    .sort((a, b) => b[1] - a[1])
}

const sets = new Map([
  ["secrets", secretsOnly],
  ["groups", { ...everything, packs: [] }],
  ["everything", everything],
])
const processes = 5

interface Figures {
  readonly small: number
  readonly worst: readonly [name: string, ms: number][]
}

/** In a process of its own, once. */
function measure(name: string): Figures {
  const text = execFileSync(process.execPath, [import.meta.filename, name], { encoding: "utf8" })
  return JSON.parse(text) as Figures
}

const [chosen] = process.argv.slice(2)
const settings = chosen === undefined ? undefined : sets.get(chosen)
if (settings !== undefined) {
  console.log(JSON.stringify({ small: perSmallEvent(settings), worst: worst(settings) }))
} else {
  for (const name of sets.keys()) {
    const runs = Array.from({ length: processes }, () => measure(name))
    const small = runs.map((run) => run.small).sort((a, b) => a - b)
    const [least, most] = [small[0] ?? 0, small.at(-1) ?? 0]
    const median = small[processes >> 1] ?? 0
    console.log(
      `${name}: ${median.toFixed(2)} us a small event (${processes} processes, ${least.toFixed(2)} to ${most.toFixed(2)})`,
    )
    for (const [text, ms] of runs[0]?.worst.slice(0, 4) ?? [])
      console.log(`  64 KiB of ${JSON.stringify(text)}: ${ms.toFixed(1)} ms`)
  }
}
