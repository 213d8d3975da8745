import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import {
  type AccessList,
  type Adapter,
  adapters,
  explainAccess,
  type Wish,
} from "../../access/index.ts"
import { addSourceOptions, askedList, type SourceFlags } from "../access-source.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import type { CommandIo } from "../io.ts"
import { printable } from "../printable.ts"

const examples = `
Examples:
  postern access explain app write source=app://billing action=invoice.deleted --config audit/postern.yaml
  postern access explain spiffe://postern.local/reader/auditor read --at 2026-11-20 --profile reader.yaml`

export function registerExplain(access: Command, io: CommandIo): void {
  const command = access
    .command("explain")
    .summary("which line lets somebody do something, or why none does")
    .description(
      "Answers for an identity and an act. Ends with 0 if the list allows it, 5 if it does not.",
    )
    .argument("<who>", "SPIFFE ID, or its end if no other has the same")
    .argument("<what...>", "write [source=…] [action=…] [adapter=…] | read | operate")
  addSourceOptions(command)
    .addHelpText("after", examples)
    .action(async (who: string, what: string[], flags: SourceFlags & { json?: true }) => {
      const wish = wishOf(what)
      const { list, atMs, from } = await askedList(flags, io)
      const id = idOf(list, who)
      const answer = explainAccess(list, id, wish, atMs)
      const { allowed, line, why } = answer
      if (flags.json) io.line(JSON.stringify({ id, ...answer, line: line ?? null, from }))
      else {
        const where = line === undefined ? "" : `line ${line}: `
        io.line(printable(`${allowed ? "allowed" : "refused"}: ${where}${id}: ${why}`))
        io.note(`postern: list ${list.digest} from ${printable(from)}`)
        if (allowed && list.revoked.length > 0)
          io.note("postern: unless its certificate is one of those that are revoked")
      }
      if (!allowed) throw new Ending(exitCodes.denied)
    })
}

function wishOf([verb, ...conditions]: readonly string[]): Wish {
  if (verb === "read" || verb === "operate") {
    if (conditions.length > 0) throw new PosternError("USAGE", `${verb} takes no conditions`)
    return { verb }
  }
  if (verb !== "write") throw new PosternError("USAGE", "WHAT is write, read or operate")
  const wish: { source?: string; action?: string; adapter?: Adapter } = {}
  for (const text of conditions) {
    const [, name, value = ""] = /^(source|action|adapter)=(.+)$/s.exec(text) ?? []
    const adapter = adapters.find((one) => one === value)
    if (name === "source" || name === "action") wish[name] = value
    else if (name === "adapter" && adapter !== undefined) wish.adapter = adapter
    else
      throw new PosternError(
        "USAGE",
        `${text} is none of source=…, action=…, adapter=${adapters.join("|")}`,
      )
  }
  return { verb, ...wish }
}

/** Whoever is not in the list is answered by the id as given. Errors: USAGE if two could be meant. */
export function idOf({ identities }: AccessList, who: string): string {
  if (who.startsWith("spiffe://")) return who
  const meant = identities.filter(({ id }) => id.endsWith(`/${who}`))
  if (meant.length > 1)
    throw new PosternError("USAGE", `${who} may be ${meant.map(({ id }) => id).join(" or ")}`)
  const [only] = meant
  if (only === undefined)
    throw new PosternError("USAGE", `${who} is nobody in the list; a whole SPIFFE ID may be`)
  return only.id
}
