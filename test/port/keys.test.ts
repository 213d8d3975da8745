import { generateKeyPairSync } from "node:crypto"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  formatKeyCertificateText,
  openKeyTrust,
  openReceiptCertificate,
  parseKeyProofs,
  pinnedPolicy,
  readKeyChange,
} from "@postern/log/evidence"
import { parseCheckpoint, parseNote, parsePolicy, signNote } from "@postern/log/tlog"
import { afterEach, expect, test } from "vitest"
import { openKeyFile } from "../../packages/server/dist/port/signer/index.js"
import { postern } from "../interop/port-process.ts"
import { eventText } from "../support/events.ts"
import { ask } from "../support/http-client.ts"
import { Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"
import { configureWitnesses, startCourier, WitnessProcess } from "../support/witness-process.ts"

const longMs = 90_000
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function install() {
  const installation = await Installation.make()
  undo.push(() => installation.remove())
  const app = await installation.writer("app")
  const origin = installation.vkey.slice(0, installation.vkey.indexOf("+"))
  return { installation, app, origin }
}

type World = Awaited<ReturnType<typeof install>>

/** A new key in the place of the log key; the old one stands beside it. */
function newKey({ installation, origin }: World, name: string) {
  const { privateKey } = generateKeyPairSync("ed25519")
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }))
  writeFileSync(join(installation.directory, "pki", name), pem, { mode: 0o600 })
  return { ...openKeyFile(origin, pem), pem }
}

/** A life of the port until it has published a checkpoint of what was sent. */
async function live(world: World, during?: (port: PortProcess) => Promise<void>): Promise<string> {
  const { installation, app } = world
  const port = await startPort(installation.configFile)
  undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
  const sent = await ask(port.write, installation.ca.certificate, app, { body: eventText() })
  expect(sent.status).toBe(200)
  await during?.(port)
  expect(await port.end("SIGTERM")).toBe(0)
  return readFileSync(join(installation.log, "checkpoint"), "utf8")
}

const proofsOf = ({ installation }: World) =>
  parseKeyProofs(readFileSync(join(installation.log, "keys"), "utf8"))
/** What a start says that fails under a changed configuration, which is put back. */
async function refusedWith({ installation }: World, change: (text: string) => string) {
  const before = readFileSync(installation.configFile, "utf8")
  writeFileSync(installation.configFile, change(before))
  const said = await startPort(installation.configFile).then(
    async (port) => `it started: ${await port.end("SIGKILL")}`,
    (error: Error) => error.message,
  )
  writeFileSync(installation.configFile, before)
  return said
}

interface Listed {
  readonly keys: readonly { readonly vkey: string; readonly state: string }[]
  readonly proven: boolean
}

test(
  "the log key is changed by commands, the old one signs beside it, and is retired",
  async () => {
    const world = await install()
    const { installation, origin } = world
    const pinned = pinnedPolicy([installation.vkey])
    const config = ["--config", installation.configFile]
    const states = async () => {
      const { text } = await postern(["key", "list", ...config, "--json"])
      return (JSON.parse(text) as Listed).keys.map(({ state }) => state)
    }
    await live(world)
    expect(await states()).toEqual(["signs"])
    expect((await postern(["key", "retire", "log", ...config])).code).toBe(1)
    const rotated = await postern(["key", "rotate", "log", ...config, "--json"])
    const next = (JSON.parse(rotated.text) as { new: { vkey: string } }).new.vkey
    expect(await states()).toEqual(["signs", "begins-at-next-start"])
    for (const command of ["rotate", "retire"]) {
      const { code } = await postern(["key", command, "log", ...config])
      expect(code).not.toBe(0)
    }
    expect(
      await refusedWith(world, (text) => text.replace(/^ {2}retiringLogKey:.*\n/m, "")),
    ).toContain("retiringLogKey must name")
    const both = await live(world)
    expect(parseNote(both).signatures).toHaveLength(2)
    expect(await states()).toEqual(["signs-too", "signs"])
    const trust = await openKeyTrust(pinned, origin, proofsOf(world))
    expect(trust.keys.map(({ vkey }) => vkey)).toEqual([installation.vkey, next])
    await trust.openCheckpoint(both)
    // The copy serves where the file is lost.
    rmSync(join(installation.log, "keys"))
    await live(world)
    const retired = await postern(["key", "retire", "log", ...config])
    expect(retired).toMatchObject({ code: 0 })
    expect(existsSync(join(installation.directory, "pki", "log.key"))).toBe(false)
    const profile = readFileSync(join(installation.directory, "profiles", "operator.yaml"), "utf8")
    expect(profile).toContain(next)
    const alone = await live(world)
    expect(parseNote(alone).signatures).toHaveLength(1)
    const later = await openKeyTrust(pinned, origin, proofsOf(world))
    const [old] = later.keys
    expect(old?.bound).toBeLessThan(parseCheckpoint(parseNote(alone).text).size)
    await later.openCheckpoint(alone)
    expect(await states()).toEqual(["ended", "signs"])
    await live(world)
    expect(proofsOf(world)).toHaveLength(2)
  },
  longMs,
)

test(
  "somebody's own key in the place of the log key is refused",
  async () => {
    const world = await install()
    await live(world)
    const stranger = newKey(world, "other.key")
    const said = await refusedWith(world, (text) => text.replace("pki/log.key", "pki/other.key"))
    expect(said).toContain("LOG_KEY_UNKNOWN")
    const file = join(world.installation.directory, "pki", "own.certificate")
    writeFileSync(
      file,
      await signNote(formatKeyCertificateText(world.origin, stranger.vkey), stranger.signer),
    )
    const certified = await refusedWith(world, (text) =>
      text.replace("pki/log.key", "pki/other.key\n  logKeyCertificate: pki/own.certificate"),
    )
    expect(certified).toContain("LOG_KEY_UNKNOWN")
    await live(world)
  },
  longMs,
)

test(
  "a stolen key is replaced by the root key; a port that dies in between goes on with it",
  async () => {
    const world = await install()
    const { installation, origin } = world
    const config = ["--config", installation.configFile]
    await live(world)
    const rootFile = join(installation.directory, "root.key")
    const root = (await postern(["key", "root", "init", rootFile, ...config, "--json"])).text
    const rootVkey = (JSON.parse(root) as { vkey: string }).vkey
    const alone = await postern(["key", "rotate", "log", ...config, "--compromised"])
    expect(alone.code).toBe(2)
    const stolen = ["--root", rootFile, "--compromised", "--json"]
    const rotated = await postern(["key", "rotate", "log", ...config, ...stolen])
    const next = (JSON.parse(rotated.text) as { new: { vkey: string } }).new.vkey
    const port = await startPort(installation.configFile)
    expect(await port.end("SIGKILL")).toBeNull()
    const note = await live(world)
    expect(parseNote(note).signatures).toHaveLength(1)
    const policy = pinnedPolicy([installation.vkey, rootVkey])
    const trust = await openKeyTrust(policy, origin, proofsOf(world))
    const [old, now] = trust.keys
    expect(old?.bound).toBeDefined()
    expect(now).toEqual({ vkey: next, bound: undefined })
    await trust.openCheckpoint(note)
    const change = readKeyChange(proofsOf(world)[0]?.leaf ?? new Uint8Array(), origin)
    expect(change).toMatchObject({ reason: "compromised", new: next })
    // The entry stands twice, once for each life that began the change.
    const trusted = join(installation.directory, "policy")
    writeFileSync(trusted, `log ${rootVkey}\nlog ${installation.vkey}\nquorum none\n`)
    const pinned = await postern(["verify", installation.log, "--policy", trusted, "--full"])
    expect(pinned).toMatchObject({ code: 0 })
    const unpinned = await postern(["verify", installation.log, "--vkey", installation.vkey])
    expect(unpinned).toMatchObject({ code: 3 })
  },
  longMs,
)

test(
  "with witnesses, the proof takes over their quorum",
  async () => {
    const world = await install()
    const { installation, origin } = world
    const witness = await WitnessProcess.make(installation.directory, "w1", installation.vkey)
    await witness.start()
    undo.push(() => witness.end())
    const policy = parsePolicy(configureWitnesses(installation, [witness]))
    const courier = await startCourier(installation.configFile)
    undo.push(() => courier.end())
    await live(world)
    await postern(["key", "rotate", "log", "--config", installation.configFile])
    const note = await live(world, async () => {
      await until(
        async () => {
          try {
            return await openKeyTrust(policy, origin, proofsOf(world))
          } catch {
            return undefined // Not there yet, or without the quorum.
          }
        },
        40_000,
        "the quorum of the proof",
      )
    })
    const trust = await openKeyTrust(policy, origin, proofsOf(world))
    expect(trust.keys).toHaveLength(2)
    await trust.openCheckpoint(note)
  },
  longMs,
)

test(
  "the receipt key is certified by both, so that writers may pin either",
  async () => {
    const world = await install()
    const { installation } = world
    await live(world)
    const config = ["--config", installation.configFile, "--json"]
    const { text } = await postern(["key", "rotate", "log", ...config])
    const next = (JSON.parse(text) as { new: { vkey: string } }).new
    const { app } = world
    await live(world, async (port) => {
      const { json } = await ask(port.write, installation.ca.certificate, app, {
        body: eventText(),
      })
      const { certificate } = json as { certificate: string }
      const keys = [installation.vkey, next.vkey]
      const opened = await Promise.all(
        keys.map((vkey) => openReceiptCertificate(certificate, vkey)),
      )
      expect(opened[0]).toBe(opened[1])
    })
  },
  longMs,
)
