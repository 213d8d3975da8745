import { encodeUtf8 } from "@postern/log/base"
import type { JsonObject } from "@postern/log/event"
import { describe, expect, test } from "vitest"
import { formatNamed, readEvents, readOne, world } from "./reading.test.support.ts"

const lineOf = (event: JsonObject): unknown => (event.data as JsonObject).line

describe("records of one serial", () => {
  const call = (serial: number) =>
    `type=SYSCALL msg=audit(1.5:${serial}): arch=c000003e syscall=2 success=yes exit=3 auid=1000 uid=1000`
  const path = (serial: number) =>
    `type=PATH msg=audit(1.5:${serial}): name="/f${serial}" nametype=NORMAL`
  const title = (serial: number) => `type=PROCTITLE msg=audit(1.5:${serial}): proctitle="x"`
  const end = (serial: number) => `type=EOE msg=audit(1.5:${serial}): `

  test("are one event, also where they interleave with those of another", () => {
    const records = [call(1), call(2), path(2), path(1), title(1), end(1), title(2), end(2)]
    const { events } = readEvents("auditd", records)
    expect(events.map(lineOf)).toEqual([
      [call(1), path(1), title(1), end(1)].join("\n"),
      [call(2), path(2), title(2), end(2)].join("\n"),
    ])
    expect(events.map(({ targets }) => targets)).toEqual([
      [{ type: "file", id: "/f1", nametype: "NORMAL" }],
      [{ type: "file", id: "/f2", nametype: "NORMAL" }],
    ])
  })

  test("without an end mark, as in audit.log, end with the title before another serial", () => {
    const { events } = readEvents("auditd", [call(1), title(1), call(2), title(2)])
    expect(events).toHaveLength(2)
  })

  test("of two machines stay apart", () => {
    const { events } = readEvents("auditd", [`node=a ${call(1)}`, `node=b ${path(1)}`])
    expect(events).toHaveLength(2)
  })

  test("that do not end are not kept for ever", () => {
    const begun = Array.from({ length: 40 }, (_, i) => call(i))
    expect(readEvents("auditd", begun).events).toHaveLength(40)
    const endless = Array.from({ length: 300 }, () => `${path(1)} x="${"y".repeat(7000)}"`)
    const { foreign } = readEvents("auditd", endless)
    expect(Math.max(...foreign.map(({ original }) => original.length))).toBeLessThan(1_100_000)
  })

  test("that stand alone do not wait for a next one", () => {
    const login =
      "type=USER_LOGIN msg=audit(1.5:9): pid=1 uid=0 auid=1000 msg='op=login res=failed'"
    expect(readOne("auditd", login)).toMatchObject({
      action: "linux.user_login",
      outcome: "failure",
    })
  })
})

describe("values of audit records", () => {
  test("that a user chose are decoded only where the kernel encodes them", () => {
    const record = (rest: string) => `type=SYSCALL msg=audit(1.5:1): syscall=59 arch=0 ${rest}`
    const data = (rest: string) => (readOne("auditd", record(rest)).data as JsonObject).auditd
    expect(data("exe=2F746D702F612062 pid=1234")).toMatchObject({ exe: "/tmp/a b", pid: "1234" })
    expect(data('exe="2F746D70" comm="a=b"')).toMatchObject({ exe: "2F746D70", comm: "a=b" })
    expect(data("exe=FFFE")).toMatchObject({ exe: "FFFE" })
  })

  test("cannot be overwritten by what stands further on", () => {
    const forged = `type=USER_AUTH msg=audit(1.5:1): uid=0 auid=1000 msg='op=x acct="a res=success" exe="y" res=failed'`
    expect(readOne("auditd", forged)).toMatchObject({
      outcome: "failure",
      targets: [{ type: "user", id: "a res=success" }],
    })
  })
})

describe("records of PostgreSQL", () => {
  const audit = (statement: string) => `[7] LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,${statement}`

  test("on several lines of stderr are one event, without waiting if it is an audit record", () => {
    const { events } = readEvents("pgaudit", [
      audit('"select'),
      '\t1",<none>',
      "[7] ERROR:  a",
      "\tb",
      "[7] LOG:  c",
    ])
    expect(events.map(lineOf)).toEqual([
      `${audit('"select')}\n\t1",<none>`,
      "[7] ERROR:  a\n\tb",
      "[7] LOG:  c",
    ])
  })

  test("in syslog are joined by their number, and by who sent them", () => {
    const sent = (pid: number, rest: string) => `<134>1 - h postgres ${pid} - - ${rest}`
    const records = [
      sent(1, `[3-1] ${audit('"a')}`),
      sent(2, `[3-1] ${audit('"b')}`),
      sent(1, '[3-2] a",<none>'),
      sent(2, '[3-2] b",<none>'),
      sent(2, "[9-2] lost its beginning"),
    ]
    const { events } = readEvents("syslog", records)
    expect(events.map(lineOf)).toEqual([
      `${records[0]}\n${records[2]}`,
      `${records[1]}\n${records[3]}`,
      records[4],
    ])
    expect(events.map(({ action }) => action)).toEqual(["pg.select", "pg.select", "syslog.local0"])
  })

  test("in syslog begin anew with the first piece of a number, also if it is the same", () => {
    const begun = `<134>1 - h postgres 1 - - [1-1] ${audit('"a')}`
    expect(readEvents("syslog", [begun, begun]).events.map(lineOf)).toEqual([begun, begun])
  })

  test("that never end are not kept for ever", () => {
    const tabs = Array.from({ length: 400 }, () => `\t${"x".repeat(9000)}`)
    const { foreign } = readEvents("pgaudit", [audit('"select'), ...tabs])
    expect(Math.max(...foreign.map(({ original }) => original.length))).toBeLessThan(1_100_000)
  })
})

describe("records of many sources that end nothing", () => {
  const letters = "x".repeat(50_000)
  const sources = Array.from({ length: 200 }, (_, i) => `<134>1 - h${i} a 1 - -`)
  const endless = [
    sources.map((head) => `${head} type=SYSCALL msg=audit(1.5:1): a0=${letters}`),
    sources.map((head) => `${head} [1-1] LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,"${letters}`),
    Array.from({ length: 40_000 }, () => `${sources[0]} type=PATH msg=audit(1.5:1): name=x`),
  ]

  test.each(endless.map((records) => [records]))("are held up to 1 MiB in all", (records) => {
    const decoder = formatNamed("syslog").open(world)
    let [begun, given] = [0, 0]
    for (const record of records) {
      begun += record.length
      decoder.take(encodeUtf8(record), ({ original }) => {
        given += original.length
      })
      expect(begun - given).toBeLessThan(1_200_000)
    }
    expect(given).toBeGreaterThan(0)
  })
})

test("what somebody wrote into the middle of a message is not taken for another source's record", () => {
  const forged = [
    "<38>1 - h sshd 7 - - Invalid user x LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none> from 10.0.0.9",
    "<38>1 - h sshd 7 - - Invalid user type=SYSCALL msg=audit(1.5:1): auid=0 success=yes",
    '<38>1 - h sshd 7 - - Invalid user {"isAuditEvent":true,"plugin":"a","eventId":"b"}',
  ]
  for (const text of forged)
    expect(readOne("syslog", text)).toMatchObject({ action: "syslog.auth" })
})
