import { X509Certificate } from "node:crypto"
import { readFileSync, type Stats, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "node:tls"
import { formatProfile, parseProfile } from "@postern/client"
import { issueCertificate } from "../../packages/server/dist/guard/pki/index.js"
import type { Results } from "../interop/results.ts"
import { until } from "../support/waiting.ts"
import type { Ports, Stage } from "./stage.ts"

/** An installation whose processes run as their users. */
interface RunningPlace {
  readonly ports: Ports
  readonly audit: string
}

/** A certificate that root renews is shown by the running processes, which no longer look at what they were handed. */
export async function tryRenewal(
  stage: Stage,
  { audit, ports }: RunningPlace,
  results: Results,
): Promise<void> {
  const file = join(audit, "pki/server.crt")
  const before = new X509Certificate(readFileSync(file)).serialNumber
  const owner = ({ uid, gid, mode }: Stats): string => `${uid}:${gid} ${(mode & 0o777).toString(8)}`
  const key = join(audit, "pki/server.key")
  const owned = owner(statSync(key))
  stage.must(stage.postern, ["pki", "renew", file, "--config", join(audit, "postern.yaml")])
  results.check(owner(statSync(key)) === owned, `a renewed key is still its owner's (${owned})`)
  const shown = async (port: number): Promise<true | undefined> => {
    const serial = await serialShown(port, readFileSync(join(audit, "pki/ca.crt"), "utf8"))
    return serial !== undefined && serial !== before ? true : undefined
  }
  for (const [plane, port] of [
    ["write", ports.write],
    ["read", ports.read],
  ] as const) {
    const taken = await until(() => shown(port), 40_000, plane).catch(() => undefined)
    results.check(
      taken === true,
      `the ${plane} port shows the renewed certificate without a restart`,
    )
  }
  const profile = join(audit, "profiles/writer.yaml")
  const old = readFileSync(profile, "utf8")
  const aged = await ageProfile(audit, old)
  writeFileSync(profile, aged)
  const event = JSON.stringify({ action: "door.closed", actor: "alice" })
  const send = stage.run(stage.postern, ["send", "--profile", profile], { input: event })
  const isNew = readFileSync(profile, "utf8") !== aged
  results.check(
    send.code === 0 && isNew,
    "postern send renews its certificate by the courier",
    send.text,
  )
}

/** The serial number of what a port shows; undefined if it cannot be reached. */
function serialShown(port: number, ca: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ca, checkServerIdentity: () => undefined })
    socket.once("secureConnect", () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber)
      socket.destroy()
    })
    socket.on("error", () => resolve(undefined))
  })
}

/** The profile with a certificate of an hour, of which two thirds are over. */
async function ageProfile(audit: string, text: string): Promise<string> {
  const profile = parseProfile(text)
  const read = (name: string) => readFileSync(join(audit, "pki", name), "utf8")
  const authority = { certificate: read("ca.crt"), key: read("ca.key") }
  const now = new Date(Date.now() - 2_400_000)
  const pair = await issueCertificate({
    authority,
    id: profile.id,
    usage: "client",
    now,
    days: 1 / 24,
  })
  return formatProfile({ ...profile, ...pair })
}
