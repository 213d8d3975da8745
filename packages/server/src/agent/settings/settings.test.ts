import { isPosternError } from "@postern/log/base"
import { describe, expect, it } from "vitest"
import { parseAgentSettings } from "./index.ts"

const parse = (text: string) => parseAgentSettings(text, "/etc/postern/agent.yaml")
const head = "profile: writer.yaml\nstate: /var/lib/postern-agent\n"

function refusal(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (isPosternError(error)) return `${error.code}: ${error.detail}`
    throw error
  }
  return "accepted"
}

describe("agent.yaml", () => {
  it("says where events come from, and what they are", () => {
    const text = `${head}spool: { bytesMax: 2097152 }
sources:
  - { name: nginx, file: logs/*.log, start: end, format: line, source: "host://a/nginx" }
  - { name: audit, stdin: true, spool: { whenFull: dropOldest } }
  - { name: app, socket: { path: /run/app.sock } }
  - { name: hosts, syslog: { udp: "[::1]:5514" } }
  - { name: kube, http: { address: "127.0.0.1:17520" } }
  - { name: fluent, forward: { address: "127.0.0.1:24224" }, mapping: own.yaml }
`
    const { profile, state, sources } = parse(text)
    expect([profile, state]).toEqual(["/etc/postern/writer.yaml", "/var/lib/postern-agent"])
    const spool = { bytesMax: 2_097_152, whenFull: "wait" }
    const [nginx, audit, app, hosts, kube, fluent] = sources
    expect(nginx).toEqual({
      ...{ name: "nginx", format: "line", mapping: undefined, source: "host://a/nginx", spool },
      intake: { kind: "file", pattern: "/etc/postern/logs/*.log", start: "end" },
      directory: "/var/lib/postern-agent/nginx",
    })
    expect(audit).toMatchObject({ format: undefined, spool: { ...spool, whenFull: "dropOldest" } })
    expect(app?.intake).toEqual({ kind: "socket", path: "/run/app.sock", framing: "lines" })
    const udp = { host: "::1", port: 5514 }
    expect(hosts).toMatchObject({ format: "syslog", intake: { kind: "syslog", udp } })
    expect(kube?.intake).toMatchObject({ kind: "http", tls: undefined })
    expect(fluent).toMatchObject({ format: undefined, mapping: "/etc/postern/own.yaml" })
  })

  it.each([
    ["name: a", "line 4: a: must have exactly one of file, stdin, socket, syslog, http, forward"],
    ["name: a, stdin: true, file: b", "must have exactly one of"],
    ["name: A, stdin: true", "sources[0].name: must be made of a-z 0-9 and -"],
    ["name: a, stdin: false", "sources[0].stdin: can only be true"],
    ["name: a, stdin: true, start: end", "start: is for file only"],
    ["name: a, stdin: true, format: nothing", "format: must be one of"],
    ["name: a, stdin: true, format: line, mapping: m", "beside which none is named"],
    ["name: a, stdin: true, colour: red", "colour: unknown key"],
    ["name: a, syslog: {}", "syslog: must name tcp, udp or both"],
    ['name: a, syslog: { tcp: "10.0.0.7:514" }', "10.0.0.7:514 is not a loopback address"],
    ['name: a, syslog: { udp: "0.0.0.0:514" }', "is not a loopback address"],
    ['name: a, http: { address: "localhost:80" }', "localhost:80 is not a loopback address"],
    ['name: a, http: { address: "127.0.0.1:1" }, format: json', "so no format is named"],
    ['name: a, forward: { address: "[2001:db8::1]:1" }', "is not a loopback address"],
    [`name: a, socket: { path: ${"p".repeat(104)} }`, "too long for a unix socket"],
    ["name: a, stdin: true, spool: { bytesMax: 1000 }", "must be at least 1048576"],
    ['name: a, stdin: true, source: "a\\"b"', "must not hold quotes"],
  ])("is refused with { %s }", (source, detail) => {
    const text = `${head}sources:\n  - { ${source} }\n`
    expect(refusal(text)).toContain("CONFIG_INVALID: /etc/postern/agent.yaml line 4")
    expect(refusal(text)).toContain(detail)
  })

  it("is refused if two sources share what only one can have", () => {
    const two = (a: string, b: string) => refusal(`${head}sources:\n  - { ${a} }\n  - { ${b} }\n`)
    expect(two("name: a, stdin: true", "name: a, file: b")).toContain("a is named twice")
    expect(two("name: a, stdin: true", "name: b, stdin: true")).toContain("stdin is used twice")
    const socket = "socket: { path: /x }"
    expect(two(`name: a, ${socket}`, `name: b, ${socket}`)).toContain("/x is used twice")
    const [tcp, udp] = ['tcp: "127.0.0.1:5"', 'udp: "127.0.0.1:5"']
    expect(two(`name: a, syslog: { ${tcp} }`, `name: b, syslog: { ${udp} }`)).toBe("accepted")
    const http = 'http: { address: "127.0.0.1:5" }'
    expect(two(`name: a, syslog: { ${tcp} }`, `name: b, ${http}`)).toContain("is used twice")
  })

  it.each(["", "sources: []", `${head}sources: []`, `${head}sources: {}`, "- a"])(
    "is refused as %j",
    (text) => {
      expect(refusal(text)).toMatch(/^CONFIG_INVALID/)
    },
  )
})
