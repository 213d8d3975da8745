import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formats, writeEvent } from "../../formats/index.ts"
import { writePlain } from "./plain-message.ts"

const world = { id: "s.1", source: "host://h" }

/** What the format makes of it. */
function slow(message: Buffer): string[] {
  const events: string[] = []
  const decoder = formats.get("syslog")?.open({ nowMs: () => 0 })
  const defaults = { ...world, time: "2026-11-23T00:00:00.000Z" }
  const give: NonNullable<Parameters<NonNullable<typeof decoder>["take"]>[1]> = (event) => {
    events.push(Buffer.from(writeEvent(event, defaults)).toString())
  }
  decoder?.take(message, give)
  decoder?.end(give)
  return events
}

const head = "<38>1 2026-11-23T08:00:00.123456+00:00 web-1 sshd 4711 -"

describe("a plain message", () => {
  const messages = [
    `${head} - Accepted publickey for root`,
    `${head} - Accepted publickey for root\n`,
    "<0>1 2026-02-28T23:59:59Z - - - - - x",
    "<191>1 2026-11-23T08:00:00+00:00 fd00::1 app/x [1] ID47 - (x) <b> & 'y'".replace("[1]", "a@b"),
  ]
  test.each(messages)("becomes what the format makes of it: %j", (message) => {
    expect(writePlain(Buffer.from(message), world)).toBe(slow(Buffer.from(message))[0])
  })

  test("is the same event by either way, whatever it is made of", () => {
    const word = fc.oneof(
      fc.stringMatching(/^[\w.:/@-]{1,41}$/),
      fc.constantFrom("-", '[x@1 a="b"]', "{", "\ufeff", '"', "\\", "<", "&", "é", "\0", "type=X"),
    )
    const stamp = fc.constantFrom(
      ...["2026-11-23T08:00:00Z", "2026-02-29T08:00:00Z", "2026-11-23T08:00:00.1+00:00"],
      ...[
        "2026-11-23T08:00:00.1234567890Z",
        "2026-11-23T08:00:00+01:00",
        "-",
        "2026-13-01T00:00:00Z",
      ],
      ...["2026-11-30T23:59:60Z", "2026-11-28T24:00:00Z", "2026-11-23 08:00:00Z"],
    )
    const contents = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.stringMatching(/^[ -~]{0,40}\n?$/),
      fc.constantFrom("LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>", "@cee: {}", "{}"),
      fc.constantFrom(
        "type=USER_LOGIN msg=audit(1700000000.123:7): pid=1",
        "node=a type=X",
        "\n\n",
      ),
    )
    const parts = fc.tuple(fc.nat(220), stamp, fc.tuple(word, word, word, word, word), contents)
    const property = fc.property(parts, ([priority, time, names, rest]) => {
      const usual = names.slice(0, 4).join(" ")
      for (const last of ["-", names[4]]) {
        const message = Buffer.from(`<${priority}>1 ${time} ${usual} ${last} ${rest}`)
        const fast = writePlain(message, world)
        if (fast !== undefined) expect([fast]).toEqual(slow(message))
      }
    })
    fc.assert(property, { numRuns: 400 })
  })
})

describe("a message that is not plain", () => {
  const messages = [
    ...["<192>1", "<038>1", "<38>2", "38"].map((begin) => head.replace("<38>1", begin)),
    ...[
      "- ",
      '- "x"',
      "- {}",
      "- @cee: {}",
      "- type=X",
      "- LOG:  AUDIT: x",
      "- [1-1] x",
      "- 2026 x",
    ],
    ...['[x@1 a="b"] x', "- x\ny", "- x\0", "- ä", "- x\n\n"],
  ].map((text) =>
    text.startsWith("<") || text.startsWith("38") ? `${text} - x` : `${head} ${text}`,
  )
  test.each(messages)("is left to the format: %j", (message) => {
    expect(writePlain(Buffer.from(message), world)).toBeUndefined()
  })
})
