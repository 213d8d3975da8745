import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  type Decision,
  decide,
  diffPolicy,
  formatPointer,
  keepEverything,
  parsePolicy,
  startingPolicy,
} from "./index.ts"
import { events, policies, rulesText } from "./policies.test.support.ts"

const lines = (before: string, after: string) =>
  diffPolicy(parsePolicy(before), parsePolicy(after)).map(
    ({ subject, text, weakens }) => `${subject}: ${text}${weakens ? " (weakens)" : ""}`,
  )

describe("the difference", () => {
  test("between no file and that of a new installation is that Kubernetes is kept at metadata", () => {
    const changes = diffPolicy(keepEverything, parsePolicy(startingPolicy()))
    expect(changes.filter(({ weakens }) => weakens)).toMatchObject([
      { subject: "rule kubernetes", text: "added: metadata of adapter kubernetes" },
      { subject: "rule kubernetes-elsewhere", text: "added: metadata of action k8s.*" },
    ])
    expect(changes.map(({ text }) => text)).toContain("secrets: off -> hmac")
  })

  test("between no file and a policy that keeps everything is that no rule is needed any more", () => {
    const changes = diffPolicy(keepEverything, parsePolicy(rulesText("level: full")))
    expect(changes.some(({ weakens }) => weakens)).toBe(false)
    const back = diffPolicy(parsePolicy(rulesText("level: full")), keepEverything)
    expect(back.some(({ weakens }) => weakens)).toBe(false)
  })

  test("is none where only comments, order of lists and what is meant anyway change", () => {
    expect(
      lines(
        rulesText("match: { action: [a, b] }, level: full"),
        `# why\n${rulesText("match: { action: [b, a], source: '*' }, level: full, transforms: []")}`,
      ),
    ).toEqual([])
  })

  const tenant = (rest: string) => rulesText(`match: { tenant: a }, ${rest}`)
  const transforms = (...items: string[]) =>
    rulesText(`level: full, transforms: [${items.map((item) => `{ ${item} }`).join()}]`)
  const plus = (rest: string) => `${rulesText("level: full")}${rest}\n`
  test.each([
    [tenant("level: full"), tenant("level: request"), "rule r0: level: full -> request (weakens)"],
    [tenant("level: drop"), tenant("level: metadata"), "rule r0: level: drop -> metadata"],
    [
      tenant("level: full"),
      tenant("level: full, sample: 0.5"),
      "rule r0: sample: all -> 0.5 (weakens)",
    ],
    [
      tenant("level: full, sample: 0.1"),
      tenant("level: full, sample: 0.5"),
      "rule r0: sample: 0.1 -> 0.5",
    ],
    [
      tenant("level: full, deduplicate: 5"),
      tenant("level: full, deduplicate: 6"),
      "rule r0: deduplicate: 5 s -> 6 s (weakens)",
    ],
    [
      tenant("level: full, deduplicate: 5"),
      tenant("level: full"),
      "rule r0: deduplicate: 5 s -> 0 s",
    ],
    [
      tenant("level: full"),
      rulesText("match: { tenant: [a, b] }, level: full"),
      "rule r0: match: tenant a -> tenant a,b",
    ],
    [
      rulesText("match: { tenant: [a, b] }, level: full"),
      tenant("level: full"),
      "rule r0: match: tenant a,b -> tenant a (weakens)",
    ],
    [
      tenant("level: drop"),
      rulesText("match: { tenant: a* }, level: drop"),
      "rule r0: match: tenant a -> tenant a* (weakens)",
    ],
    [
      rulesText("match: { tenant: a* }, level: drop"),
      tenant("level: drop"),
      "rule r0: match: tenant a* -> tenant a",
    ],
    [
      transforms("at: /data/x, do: hmac"),
      transforms("at: /data/x, do: redact"),
      "rule r0: transforms: /data/x: hmac -> redact (weakens)",
    ],
    [
      transforms("at: /data/x, do: redact"),
      transforms("at: /data/x, do: hmac"),
      "rule r0: transforms: /data/x: redact -> hmac (weakens)",
    ],
    [
      transforms("at: /data/x, do: redact"),
      transforms("at: /data/x, do: personal"),
      "rule r0: transforms: /data/x: redact -> personal",
    ],
    [
      transforms(),
      transforms("at: /data/x, do: personal"),
      "rule r0: transforms: + personal /data/x",
    ],
    [
      transforms(),
      transforms("at: /data/x, do: hmac"),
      "rule r0: transforms: + hmac /data/x (weakens)",
    ],
    [
      transforms("at: /data/x, do: personal"),
      transforms(),
      "rule r0: transforms: - personal /data/x (weakens)",
    ],
    [
      transforms(),
      transforms("at: /data/x, do: keep"),
      "rule r0: transforms: + keep /data/x (weakens)",
    ],
    [
      transforms("at: /data/x, do: truncate, bytes: 16"),
      transforms("at: /data/x, do: truncate, bytes: 32"),
      "rule r0: transforms: /data/x: bytes 16 -> 32",
    ],
    [
      transforms("at: /data/x, do: personal"),
      transforms("at: /data/x, do: personal, subject: /targets/0/id"),
      "rule r0: transforms: /data/x: subject /actor/id -> /targets/0/id (weakens)",
    ],
    [
      transforms("at: /data/x, do: truncate, bytes: 16", "at: '/data/*', do: redact"),
      transforms("at: '/data/*', do: redact"),
      "rule r0: transforms: - truncate /data/x (weakens)",
    ],
    [
      transforms("at: /data/x, do: truncate, bytes: 16"),
      transforms(),
      "rule r0: transforms: - truncate /data/x",
    ],
    [
      transforms("at: /data/**/x, do: hmac", "at: /data/y, do: personal"),
      transforms("at: /data/y, do: personal", "at: /data/**/x, do: hmac"),
      "rule r0: transforms: in another order (weakens)",
    ],
    [plus("classes: { read: [a.b] }"), plus(""), "class read: - a.b"],
    [plus(""), plus("classes: { read: [a.b] }"), "class read: + a.b (weakens)"],
    [plus("classes: { read: [a.*] }"), plus("classes: { read: [a.*, a.b] }"), "class read: + a.b"],
    [plus("detect: {}"), plus(""), "detect: secrets: hmac -> off (weakens)"],
    [
      plus("detect: {}"),
      plus("detect: { secrets: mark }"),
      "detect: secrets: hmac -> mark (weakens)",
    ],
    [
      plus("detect: {}"),
      plus("detect: { secrets: redact }"),
      "detect: secrets: hmac -> redact (weakens)",
    ],
    [plus("detect: {}"), plus("detect: { cards: hmac }"), "detect: cards: off -> hmac"],
    [plus("detect: { packs: [sql] }"), plus("detect: {}"), "detect: packs: - sql (weakens)"],
    [
      plus("detect: {}"),
      plus("detect: { allow: [/data/x] }"),
      "detect: allow: + /data/x (weakens)",
    ],
    [
      plus("detect: { patterns: [{ name: p, pattern: x, do: hmac }] }"),
      plus("detect: { patterns: [{ name: p, pattern: y, do: hmac }] }"),
      "detect: patterns: p: another pattern (weakens)",
    ],
    [
      plus("detect: {}"),
      plus("detect: { patterns: [{ name: p, pattern: y, do: mark }] }"),
      "detect: patterns: + p",
    ],
    [
      plus("retention: { keep: 100d }"),
      plus("retention: { keep: 99d }"),
      "retention: keep: 100d -> 99d (weakens)",
    ],
  ])("%#: %j -> %j", (before, after, line) => {
    expect(lines(before, after)).toContain(line)
  })

  test("names a rule that stands before another one now, and may take its events", () => {
    const a = "{ name: a, match: { tenant: x }, level: full }"
    const b = "{ name: b, match: { op: y }, level: drop }"
    const c = "{ name: c, match: { tenant: z }, level: drop }"
    expect(lines(`rules: [${a}, ${b}]`, `rules: [${b}, ${a}]`)).toEqual([
      "rule b: now before a (weakens)",
    ])
    expect(lines(`rules: [${b}, ${a}]`, `rules: [${a}, ${b}]`)).toEqual(["rule a: now before b"])
    expect(lines(`rules: [${a}, ${c}]`, `rules: [${c}, ${a}]`)).toEqual([])
  })
})

const keptOf = { none: 3, keep: 3, truncate: 2, tokenise: 1, hmac: 1, redact: 0, personal: 3 }
const hiddenOf = { none: 0, keep: -1, truncate: 0, tokenise: 1, hmac: 2, redact: 3, personal: 3 }

/** What an event gets, as numbers none of which may fall. */
function standing({ level, sample, deduplicateSeconds, transforms }: Decision): number[] {
  const levels = ["drop", "metadata", "request", "full"]
  const doings = ["/data/x", "/data/y", "/actor/id"].map(
    (at) => transforms.find((one) => formatPointer(one.at) === at)?.do ?? "none",
  )
  return [
    levels.indexOf(level),
    sample ?? 1,
    -(deduplicateSeconds ?? 0),
    ...doings.flatMap((doing) => [keptOf[doing], hiddenOf[doing]]),
  ]
}

describe("whatever two policies say", () => {
  test("a change that treats any event worse weakens", () => {
    let worse = 0
    let harmless = 0
    fc.assert(
      fc.property(
        policies(),
        policies(),
        fc.array(events, { minLength: 20, maxLength: 20 }),
        (before, after, all) => {
          const changes = diffPolicy(before, after)
          const isWorse = all.some(({ named, seen }) => {
            const [was, is] = [before, after].map((one) => standing(decide(one, named, seen)))
            return was?.some((number, at) => (is?.[at] as number) < number)
          })
          if (isWorse) worse += 1
          if (!changes.some(({ weakens }) => weakens)) harmless += 1
          if (isWorse) expect(changes.some(({ weakens }) => weakens)).toBe(true)
        },
      ),
      { numRuns: 1_500 },
    )
    expect(worse).toBeGreaterThan(100)
    expect(harmless).toBeGreaterThan(10)
  })

  test("there is no difference between a policy and itself", () => {
    fc.assert(
      fc.property(policies(), (policy) => {
        expect(diffPolicy(policy, policy)).toEqual([])
      }),
    )
  })
})
