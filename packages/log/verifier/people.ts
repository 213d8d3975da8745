import type { EvidenceVerdict } from "@postern/log/evidence"
import type { TrustPolicy } from "@postern/log/tlog"
import { element } from "./elements.ts"
import { counted } from "./trust.ts"

const sendersMax = 20

/** Who answers for the entries, a line each. */
export function whoSaysSo({ counts, senders, writerKeys }: EvidenceVerdict): HTMLElement[] {
  const lines: HTMLElement[] = []
  const line = (count: number, title: string, meaning: string) => {
    if (count === 0) return
    const small = element("small", {}, meaning)
    lines.push(
      element("li", {}, element("strong", {}, `${counted(count, "entry")} `), title, small),
    )
  }
  line(
    counts.writerSigned,
    "signed by the writer",
    "If the key below is really the writer's, neither the port nor its operator could have made or changed them.",
  )
  line(
    counts.portAsserted,
    "on the port's word",
    "The port says which writer, known by its certificate, sent them. Once in the log, they were not changed.",
  )
  line(
    counts.unknown,
    "of an unknown sender",
    "They are in the log, but the file does not show who sent them.",
  )
  for (const { writer, sha256 } of writerKeys) {
    const about = "Compare its SHA-256 with that of the public key in the writer's certificate: "
    const key = element("small", {}, about, element("span", { class: "mono" }, sha256))
    lines.push(element("li", {}, `Signing key of ${writer ?? "the port itself"}`, key))
  }
  const tally = new Map<string, number>()
  for (const { who, writer } of senders) {
    if (who === "unknown") continue
    const name = writer ?? "the port itself"
    tally.set(name, (tally.get(name) ?? 0) + 1)
  }
  for (const [name, count] of [...tally].slice(0, sendersMax)) {
    lines.push(element("li", {}, name, element("small", {}, counted(count, "entry"))))
  }
  if (tally.size > sendersMax) {
    lines.push(element("li", {}, `and ${counted(tally.size - sendersMax, "more writer")}`))
  }
  return lines
}

/** Every witness of the policy, and whether it signed this checkpoint. */
export function witnessLines({ cosigned }: EvidenceVerdict, policy: TrustPolicy): HTMLElement[] {
  const { witnesses } = policy
  if (witnesses.length === 0) {
    const meaning =
      "With a trust policy that names witnesses, this page also checks that others saw the same log."
    return [element("li", {}, "You named none.", element("small", {}, meaning))]
  }
  return witnesses.map(({ name, vkey }) => {
    const signed = cosigned.includes(name)
    const state = signed ? "signed this checkpoint" : "did not sign this checkpoint"
    const strong = element("strong", {}, name)
    return element("li", {}, strong, ` ${state}`, element("small", { class: "mono" }, vkey.name))
  })
}
