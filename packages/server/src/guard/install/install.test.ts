import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { parseConfig } from "../../config/index.ts"
import { installSystemd } from "./index.ts"
import { credentialLines, unitAddress, unitPath } from "./places.ts"
import { type CommandOf, makeUnits } from "./units.ts"

const base = mkdtempSync(join(tmpdir(), "postern-install-"))
afterAll(() => rmSync(base, { recursive: true }))

const file = "/etc/postern/postern.yaml"
const text = `origin: postern.local/audit
listen:
  write: ["10.0.0.7:17514", "[::1]:17514"]
  read: ["10.0.0.7:17515"]
  ops: ["127.0.0.1:17516"]
data: /var/lib/postern
sealing: /var/lib/postern-keys
access: access.yaml
pki:
  ca: pki/ca.crt
  caKey: pki/ca.key
  certificate: pki/server.crt
  key: pki/server.key
  logKey: pki/log.key
  receiptKey: pki/receipt.key
  reader: { certificate: pki/reader.crt, key: pki/reader.key }
  courier: { certificate: pki/courier.crt, key: pki/courier.key }
`
/** As if it were installed, wherever this checkout is. */
const commandOf: CommandOf = (name, configFile) => [
  "/usr/bin/node",
  `/usr/lib/postern/${name}.js`,
  configFile,
]
const postern = ["/usr/bin/node", "/usr/lib/postern/bin/postern.cjs"]
const config = parseConfig(text, file)
const witnessed = parseConfig(`${text}witnesses: witnesses.policy\n`, file)

/** All values of a setting in a unit. */
function settings(name: string, key: string, of = config): string[] {
  const unit = makeUnits(of, commandOf, postern).find((one) => one.name === name)
  const lines = unit?.text.split("\n") ?? []
  return lines
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1))
}

test("each address of the configuration is held, under the name of its plane", () => {
  expect(settings("postern-write.socket", "ListenStream")).toEqual([
    "10.0.0.7:17514",
    "[::1]:17514",
  ])
  expect(settings("postern-write.socket", "FileDescriptorName")).toEqual(["write"])
  expect(settings("postern-read.socket", "Service")).toEqual(["postern-reader.service"])
  expect(settings("postern-port.service", "Sockets")).toEqual([
    "postern-write.socket postern-ops.socket",
  ])
})

test("each process is handed its own keys and writes to its own directories", () => {
  const keys = (name: string) =>
    settings(name, "LoadCredential", witnessed).map((line) => line.split(":")[0])
  expect(keys("postern-port.service")).toEqual(["log.key", "receipt.key"])
  expect(keys("postern-reader.service")).toEqual([])
  expect(keys("postern-courier.service")).toEqual(["ca.key"])
  expect(settings("postern-reader.service", "ReadWritePaths")).toEqual([
    "/var/lib/postern/state/reader",
  ])
  expect(settings("postern-port.service", "ReadWritePaths")[0]?.split(" ")).toEqual([
    "/var/lib/postern/log",
    "/var/lib/postern/disclosures",
    "/var/lib/postern/state/port",
    "/var/lib/postern-keys",
  ])
})

test("the port has no network, the reader none but the way to the write port", () => {
  expect(settings("postern-port.service", "PrivateNetwork")).toEqual(["yes"])
  expect(settings("postern-reader.service", "IPAddressDeny")).toEqual(["any"])
  expect(settings("postern-reader.service", "IPAddressAllow")).toEqual(["10.0.0.7"])
})

test("keys that are renewed are read where they lie, each by those who show them", () => {
  const prefix = mkdtempSync(join(base, "keys-"))
  installSystemd(config, prefix, commandOf, postern)
  const lines = readFileSync(join(prefix, "etc/tmpfiles.d/postern.conf"), "utf8").split("\n")
  expect(lines.filter((line) => line.includes(".key"))).toEqual([
    "z /etc/postern/pki/server.key 0640 root postern-ports",
    "z /etc/postern/pki/reader.key 0600 postern-reader postern",
    "z /etc/postern/pki/courier.key 0600 postern-courier postern",
  ])
  const groups = (name: string) => settings(name, "SupplementaryGroups", witnessed)
  expect(groups("postern-port.service")).toEqual(["postern-ports"])
  expect(groups("postern-reader.service")).toEqual(["postern-ports"])
  expect(groups("postern-courier.service")).toEqual([])
})

test("keys of somebody else's directory stay his, and are handed over as credentials", () => {
  const elsewhere = text.replaceAll("pki/server", "/run/spire/server")
  const of = parseConfig(elsewhere, file)
  const handed = settings("postern-reader.service", "LoadCredential", of)
  expect(handed).toEqual(["server.key:/run/spire/server.key"])
  const prefix = mkdtempSync(join(base, "elsewhere-"))
  installSystemd(of, prefix, commandOf, postern)
  const conf = readFileSync(join(prefix, "etc/tmpfiles.d/postern.conf"), "utf8")
  expect(conf).not.toContain("server.key")
})

test("the watch looks at everything and changes nothing but what it says, under a user of its own", () => {
  const watch = (key: string) => settings("postern-watch.service", key)
  expect(watch("ExecStart")).toEqual([
    `${postern.join(" ")} serve --only watch --config /etc/postern/postern.yaml`,
  ])
  expect(watch("ReadWritePaths")).toEqual(["/var/lib/postern/state/watch"])
  const rights = "CAP_NET_ADMIN CAP_DAC_READ_SEARCH"
  expect(watch("CapabilityBoundingSet").at(-1)).toBe(rights)
  expect(watch("AmbientCapabilities").at(-1)).toBe(rights)
  expect(watch("PrivateUsers").at(-1)).toBe("no")
  expect(watch("RestrictNamespaces").at(-1)).toBe("yes")
  expect(watch("User")).toEqual(["postern-watch"])
  expect(settings("postern.target", "Wants")[0]).toContain("postern-watch.service")
})

test("what a review left unanswered is ended by root, without a network, who writes beside access.yaml only", () => {
  const review = (key: string) => settings("postern-review.service", key)
  expect(review("ExecStart")).toEqual([
    `${postern.join(" ")} access review expire --config /etc/postern/postern.yaml`,
  ])
  expect(review("ReadWritePaths")).toEqual(["/etc/postern"])
  expect(review("PrivateNetwork")).toEqual(["yes"])
  expect(review("CapabilityBoundingSet").at(-1)).toBe("CAP_CHOWN CAP_DAC_OVERRIDE")
  expect(settings("postern-review.timer", "OnCalendar")).toEqual(["*:00/10:05 UTC"])
  expect(settings("postern.target", "Wants")[0]).toContain("postern-review.timer")
  expect(settings("postern.target", "Wants")[0]).not.toContain("postern-review.service")
})

test("each process that is no root's has a user, and a directory of its own", () => {
  const prefix = mkdtempSync(join(base, "users-"))
  installSystemd(config, prefix, commandOf, postern)
  const read = (name: string) => readFileSync(join(prefix, "etc", name), "utf8")
  for (const name of ["port", "reader", "courier", "watch"]) {
    expect(settings(`postern-${name}.service`, "User", witnessed)).toEqual([`postern-${name}`])
    expect(read("sysusers.d/postern.conf")).toContain(`u postern-${name} -:postern `)
    expect(read("tmpfiles.d/postern.conf")).toContain(
      `d /var/lib/postern/state/${name} 0750 postern-${name} postern\n`,
    )
  }
})

test("a courier is run only if there is something to do for it, and certificates are renewed if a CA is here", () => {
  const names = (of: typeof config) => makeUnits(of, commandOf, postern).map(({ name }) => name)
  const bare = text.replace("  caKey: pki/ca.key\n", "")
  const renewal = ["postern-renewal.timer", "postern-renewal.service"]
  const without = names(parseConfig(bare, file))
  for (const name of ["postern-courier.service", ...renewal]) {
    expect(without).not.toContain(name)
    expect(names(config)).toContain(name)
  }
  expect(names(parseConfig(`${bare}witnesses: witnesses.policy\n`, file))).toContain(
    "postern-courier.service",
  )
  const beating = `${bare}heartbeat: { url: "https://alarms.example/x" }\n`
  expect(names(parseConfig(beating, file))).toContain("postern-courier.service")
  expect(settings("postern-renewal.service", "ReadWritePaths")).toEqual([
    "/etc/postern /etc/postern/pki",
  ])
  expect(settings("postern.target", "Wants")[0]).toContain("postern-renewal.timer")
})

test("the courier sees no keys, unless they open segments in which alerts look at entries", () => {
  const hidden = (of: typeof config) => {
    const unit = makeUnits(of, commandOf, postern).find(({ name }) => name.includes("courier"))
    return /^InaccessiblePaths=(.*)$/m.exec(unit?.text ?? "")?.[1]
  }
  const disclosures = "-/var/lib/postern/disclosures"
  expect(hidden(config)).toBe(`-/var/lib/postern-keys ${disclosures}`)
  expect(hidden(parseConfig(`${text}encryption: segments\n`, file))).toBe(disclosures)
})

test.each(["/home/audit/data", "/root/x", "/tmp/x", "/var/lib/two words", "/var/lib/%i"])(
  "the path %s is refused, since a unit does not see or mean it",
  (path) => {
    expect(() => unitPath(path)).toThrow(path)
  },
)

test("the syslog plane is held, too, if there is one", () => {
  const listen = 'listen:\n  syslog: ["10.0.0.7:6514"]\n'
  const syslog = parseConfig(text.replace("listen:\n", listen), file)
  expect(settings("postern-syslog.socket", "ListenStream", syslog)).toEqual(["10.0.0.7:6514"])
  expect(settings("postern-syslog.socket", "FileDescriptorName", syslog)).toEqual(["syslog"])
  expect(settings("postern-port.service", "Sockets", syslog)).toEqual([
    "postern-write.socket postern-ops.socket postern-syslog.socket",
  ])
  expect(settings("postern-syslog.socket", "ListenStream")).toEqual([])
})

test("names and any-free-ports are refused, since the sockets are bound before anybody looks", () => {
  expect(() => unitAddress({ host: "localhost", port: 17514 })).toThrow("numeric address")
  expect(() => unitAddress({ host: "127.0.0.1", port: 0 })).toThrow("numeric address")
})

test("keys that are credentials already are left to whoever made them so; two of one name are refused", () => {
  expect(credentialLines(["credential:log.key", undefined, "/a/b.key", "/a/b.key"])).toEqual([
    "LoadCredential=b.key:/a/b.key",
  ])
  expect(() => credentialLines(["/a/x.key", "/b/x.key"])).toThrow("another key")
})

test("what was written is replaced, what somebody else wrote is not, and then nothing is", () => {
  const bare = parseConfig(text.replace("  caKey: pki/ca.key\n", ""), file)
  const first = installSystemd(bare, base, commandOf, postern)
  expect(new Set(first.map(({ state }) => state))).toEqual(new Set(["new"]))
  expect(new Set(installSystemd(bare, base, commandOf, postern).map(({ state }) => state))).toEqual(
    new Set(["same"]),
  )
  const more = { ...bare, witnesses: "/etc/postern/witnesses.policy" }
  const changed = installSystemd(more, base, commandOf, postern).filter(
    ({ state }) => state !== "same",
  )
  expect(changed.map(({ path, state }) => `${path.split("/").at(-1)} ${state}`)).toEqual([
    "postern.target changed",
    "postern-courier.service new",
  ])
  const other = join(base, "other")
  const units = join(other, "etc/systemd/system")
  mkdirSync(units, { recursive: true })
  writeFileSync(join(units, "postern-port.service"), "[Service]\n")
  expect(() => installSystemd(config, other, commandOf, postern)).toThrow(
    "was not made by this command",
  )
  expect(readdirSync(units)).toEqual(["postern-port.service"])
  expect(readFileSync(join(units, "postern-port.service"), "utf8")).toBe("[Service]\n")
})
