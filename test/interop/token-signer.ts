import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { until } from "../support/waiting.ts"
import { freePorts, postern, run, startPort } from "./port-process.ts"
import type { Results } from "./results.ts"

const script = fileURLToPath(new URL("../../examples/signer-pkcs11/signer.mjs", import.meta.url))
/** Where Debian's softhsm2 puts it. */
const moduleFile = "/usr/lib/softhsm/libsofthsm2.so"
const [tokenLabel, keyId, pin] = ["postern", "01", "123456"]
const origin = "postern.local/token"
const waitMs = 45_000

/** Why no token can be had here; undefined if one can. */
export async function whyNoToken(): Promise<string | undefined> {
  const tool = await run("pkcs11-tool", ["--version"]).catch(() => undefined)
  if (tool === undefined) return "there is no pkcs11-tool (Debian: apt-get install opensc)"
  return existsSync(moduleFile)
    ? undefined
    : "there is no SoftHSM2 (Debian: apt-get install softhsm2)"
}

/**
 * A log whose key never leaves a PKCS #11 token: signed through the example signer, goes on without it, and is not
 * signed any more once an old copy of everything but the signer's memory was put back.
 */
export async function checkTokenSigner(results: Results, work: string): Promise<void> {
  const place = join(work, "token")
  const env = await makeToken(place)
  const { vkey, signerArgs, socket } = await makeKey(place, env)
  const { config, profile, checkpoint, ops, copy, restore } = await makeLog(place, vkey, socket)
  let signer = await startSigner(signerArgs, socket, env)
  let port = await startPort(config)
  try {
    await send(profile, 10)
    await waitFor(() => existsSync(checkpoint), "a checkpoint signed in the token")
    const first = await postern(["verify", join(place, "audit"), "--vkey", vkey, "--json"])
    results.check(
      first.code === 0,
      "a log signed in a token verifies under the token's key",
      first.text,
    )
    await port.stop("SIGTERM")
    await copy()
    port = await startPort(config)
    await send(profile, 10)

    await stop(signer)
    const before = sizeOf(checkpoint)
    await send(profile, 10)
    const verbose = async () => (await fetch(`${ops}/readyz?verbose`)).text()
    await waitFor(async () => /signer: the signer did not sign/.test(await verbose()), "the word")
    const [durable = 0, published = 0] = [
      ...(await verbose()).matchAll(/\d+(?= entries| published)/g),
    ].map(Number)
    results.check(
      durable >= published + 10,
      "events are kept while the signer is away",
      `${durable} ${published}`,
    )
    signer = await startSigner(signerArgs, socket, env)
    await waitFor(() => sizeOf(checkpoint) >= before + 10, "a checkpoint once the signer is back")
    // It is told a moment after the checkpoint has its name.
    await waitFor(async () => !/signer:/.test(await verbose()), "no word of the signer")
    results.check(
      !/signer:/.test(await verbose()),
      "the port says nothing of a signer that is back",
    )

    const signed = sizeOf(checkpoint)
    await port.stop("SIGTERM")
    await restore()
    port = await startPort(config)
    await waitFor(async () => (await fetch(`${ops}/readyz`)).status === 503, "the refusal")
    const refusal = await (await fetch(`${ops}/readyz`)).text()
    results.check(refusal.includes("was signed before"), "a restored copy is not signed", refusal)
    results.check(sizeOf(checkpoint) < signed, "and its checkpoint stays the old one")
  } finally {
    await port.stop("SIGKILL")
    await stop(signer)
  }
}

async function makeToken(place: string): Promise<NodeJS.ProcessEnv> {
  mkdirSync(join(place, "tokens"), { recursive: true })
  const conf = join(place, "softhsm2.conf")
  writeFileSync(conf, `directories.tokendir = ${join(place, "tokens")}\n`)
  const env = { ...process.env, SOFTHSM2_CONF: conf }
  const pins = ["--so-pin", pin, "--pin", pin] as const
  await demand("softhsm2-util", ["--init-token", "--free", "--label", tokenLabel, ...pins], env)
  return env
}

async function makeKey(place: string, env: NodeJS.ProcessEnv) {
  const [publicKey, state, pinFile] = ["public.pem", "state", "pin"].map((name) =>
    join(place, name),
  )
  const token = ["--module", moduleFile, "--token-label", tokenLabel]
  const key = ["--key-type", "EC:edwards25519", "--label", "log", "--id", keyId]
  await demand("pkcs11-tool", [...token, "--login", "--pin", pin, "--keypairgen", ...key], env)
  const read = ["--read-object", "--type", "pubkey", "--id", keyId, "-o", publicKey as string]
  await demand("pkcs11-tool", [...token, ...read], env)
  const asked = ["--vkey-of", publicKey as string, "--origin", origin]
  const vkey = (await demand(process.execPath, [script, ...asked], env)).trim()
  mkdirSync(state as string)
  writeFileSync(pinFile as string, `${pin}\n`, { mode: 0o600 })
  const socket = join(place, "signer.sock")
  const signerArgs = ["--socket", socket, "--state", state, "--vkey", vkey, "--module", moduleFile]
  signerArgs.push("--token", tokenLabel, "--id", keyId, "--pin-file", pinFile)
  return { vkey, signerArgs: signerArgs as string[], socket }
}

/** An installation whose log key is the token's: `init` made one in a file, which is taken away. */
async function makeLog(place: string, vkey: string, socket: string) {
  const directory = join(place, "audit")
  const [write, read, ops] = await freePorts(3)
  const ports = ["--write-port", `${write}`, "--read-port", `${read}`, "--ops-port", `${ops}`]
  const made = await postern(["init", directory, "--origin", origin, ...ports, "--json"])
  const { config, profiles, vkey: own } = JSON.parse(made.text)
  const text = readFileSync(config, "utf8").replace(/^ {2}logKey: .*\n/m, "")
  writeFileSync(config, `${text}\nsigner:\n  socket: ${socket}\n  vkey: ${vkey}\n`)
  rmSync(join(directory, "pki", "log.key"))
  const profileText = readFileSync(profiles.writer, "utf8").replaceAll(own, vkey)
  writeFileSync(profiles.writer, profileText)
  const [data, kept] = [join(directory, "data"), join(place, "old-data")]
  return {
    config: config as string,
    profile: profiles.writer as string,
    checkpoint: join(data, "log", "checkpoint"),
    ops: `http://127.0.0.1:${ops}`,
    copy: () => demand("cp", ["-a", data, kept]),
    restore: async () => {
      rmSync(data, { recursive: true })
      await demand("cp", ["-a", kept, data])
    },
  }
}

async function waitFor(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await until(async () => ((await holds()) ? true : undefined), waitMs, what)
}

async function startSigner(
  args: readonly string[],
  socket: string,
  env: NodeJS.ProcessEnv,
): Promise<ChildProcess> {
  const signer = spawn(process.execPath, [script, ...args], { env, stdio: "ignore" })
  await waitFor(() => existsSync(socket), "the signer's socket")
  return signer
}

async function stop(signer: ChildProcess): Promise<void> {
  if (signer.exitCode !== null || signer.signalCode !== null) return
  signer.kill("SIGTERM")
  await once(signer, "exit")
}

async function send(profile: string, events: number): Promise<void> {
  const event = '{"action":"invoice.deleted","actor":{"type":"user","id":"alice"},"targets":[]}'
  const input = `${event}\n`.repeat(events)
  const sent = await postern(["send", "--profile", profile], input)
  if (sent.code !== 0) throw new Error(`postern send: ${sent.text}`)
}

function sizeOf(checkpoint: string): number {
  return Number(readFileSync(checkpoint, "utf8").split("\n")[1])
}

async function demand(command: string, args: string[], env = process.env): Promise<string> {
  const { code, text } = await run(command, args, { env })
  if (code !== 0) throw new Error(`${command}: ${text}`)
  return text
}
