import { createHash, X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import {
  addRevocation,
  endIdentity,
  formatSerial,
  parseAccess,
  type Revocation,
} from "../../access/index.ts"
import { loadConfig, readTextFile } from "../../config/index.ts"
import { changeFile } from "../../guard/setup/index.ts"
import type { CommandIo } from "../io.ts"
import { applyAccess, describeState } from "../live-access.ts"
import { configOption } from "../options.ts"
import { printable } from "../printable.ts"
import { idOf } from "./access-explain.ts"

const examples = `
Examples:
  postern access revoke billing --config audit/postern.yaml
  postern access revoke certificate=stolen.crt --reason 'laptop lost' --config audit/postern.yaml`

interface Flags {
  readonly config: string
  readonly reason?: string
  readonly operator?: string
}

export function registerRevoke(access: Command, io: CommandIo): void {
  access
    .command("revoke")
    .summary("end an identity, a certificate or a key, at once")
    .description(
      "Changes access.yaml and has the running service take it over: an identity expires now, a serial number or key is never taken again. " +
        "Sessions of whoever is meant are cut.",
    )
    .argument(
      "<what>",
      "a SPIFFE ID or its end, serial=HEX, key=SHA-256, certificate=FILE (its serial and key)",
    )
    .option("--reason <text>", "stands beside a revoked serial number or key")
    .addOption(configOption())
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addHelpText("after", examples)
    .action(async (what: string, flags: Flags) => {
      const began = performance.now()
      const config = loadConfig(flags.config)
      const edit = editOf(what, flags.reason, io.now())
      let knocks = false
      changeFile(config.access, () => {
        const before = readTextFile(config.access)
        const { text, id } = edit(before)
        const identity = parseAccess(before).identities.find((one) => one.id === id)
        knocks = identity !== undefined && "from" in identity && identity.from !== undefined
        return text
      })
      const profile = flags.operator === undefined ? {} : { profile: flags.operator }
      const state = await applyAccess({ config, ...profile })
      const ms = Math.ceil(performance.now() - began)
      io.line(printable(`revoked ${what}`))
      io.note(`postern: ${describeState(state)}${state === "live" ? `, after ${ms} ms` : ""}`)
      if (!knocks) return
      io.note("postern: its places are still open in the firewall until its rules are made anew:")
      io.note(
        `postern: postern firewall apply nftables --config ${flags.config} && postern firewall confirm`,
      )
    })
}

type Edit = (text: string) => { readonly text: string; readonly id?: string }

function editOf(what: string, reason: string | undefined, now: Date): Edit {
  const [, kind, value = ""] = /^(serial|key|certificate)=(.+)$/s.exec(what) ?? []
  const why = reason === undefined ? {} : { reason }
  if (kind === "serial") return revoke([{ serial: formatSerial(value), ...why }])
  if (kind === "key") return revoke([{ key: value.toLowerCase(), ...why }])
  if (kind === "certificate") {
    const { serial, key } = marksIn(value)
    return revoke([
      { serial, ...why },
      { key, ...why },
    ])
  }
  if (reason !== undefined)
    throw new PosternError(
      "USAGE",
      "--reason goes with serial, key and certificate; say it of an identity in its ticket",
    )
  const moment = `${now.toISOString().slice(0, 19)}Z`
  return (text) => {
    const list = parseAccess(text)
    const id = idOf(list, what)
    const { expires } = list.identities.find((one) => one.id === id) ?? {}
    const isOver = expires !== undefined && expires <= now.getTime()
    return { id, text: isOver ? text : endIdentity(text, id, moment) }
  }
}

/** What is revoked already stays as it stands. */
function revoke(wanted: readonly Revocation[]): Edit {
  return (text) => {
    const known = parseAccess(text).revoked
    const fresh = wanted.filter(
      (one) => !known.some(({ serial, key }) => serial === one.serial && key === one.key),
    )
    return { text: fresh.reduce(addRevocation, text) }
  }
}

function marksIn(file: string): { serial: string; key: string } {
  try {
    const { serialNumber, publicKey } = new X509Certificate(readTextFile(file))
    const spki = publicKey.export({ type: "spki", format: "der" })
    return {
      serial: formatSerial(serialNumber),
      key: createHash("sha256").update(spki).digest("hex"),
    }
  } catch (cause) {
    if (cause instanceof PosternError) throw cause
    throw new PosternError("USAGE", `${file} is not a certificate in PEM`, { cause })
  }
}
