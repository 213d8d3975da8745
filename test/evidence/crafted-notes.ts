import type { Crafted } from "./crafted.ts"
import { checkpointText, type Draft, fileOf, noteOf } from "./drafts.ts"
import { checkpointNote, seededKey } from "./small-log.ts"
import type { Story } from "./told-story.ts"

/** Whose signatures the note has, and how it is written. */
export async function oddNotes({ log }: Story, set: Draft): Promise<Crafted[]> {
  const text = checkpointText(log)
  const withNote = (name: string, note: string, verdict: Crafted["verdict"]): Crafted => ({
    name,
    bytes: fileOf(set, { notes: [note] }),
    trust: "policy",
    verdict,
  })
  const whole = await noteOf(log)
  const lines = whole.split("\n")
  const last = lines.at(-2) as string
  const wrong = `${last.slice(0, -8)}${last.at(-8) === "A" ? "B" : "A"}${last.slice(-7)}`
  return [
    withNote("one witness of two", await noteOf(log, [2]), "SIGNED-ONLY"),
    withNote("no witness", await noteOf(log, []), "SIGNED-ONLY"),
    withNote("one witness twice", await checkpointNote(text, [1, 1]), "SIGNED-ONLY"),
    withNote("three witnesses", await checkpointNote(text, [2, 0, 1]), "WITNESSED"),
    withNote("the time 0", await checkpointNote(text, [0, 1], undefined, 0), "WITNESSED"),
    withNote("a wrong cosignature", whole.replace(last, wrong), "INVALID"),
    withNote("a stranger's line", `${whole}— stranger.example AAAAAAAA\n`, "WITNESSED"),
    withNote("a line that is none", `${whole}— stranger.example AAAA\n`, "INVALID"),
    withNote("another log key", await checkpointNote(text, [0, 1], seededKey(9)), "INVALID"),
    withNote("no signatures", `${text}\n`, "INVALID"),
    withNote("an extension line", await checkpointNote(`${text}more\n`, [0, 1]), "INVALID"),
    withNote("another size", await checkpointNote(text.replace(/\n\d+/, "\n9"), [0, 1]), "INVALID"),
    withNote("a size of 015", await checkpointNote(text.replace(/\n/, "\n0"), [0, 1]), "INVALID"),
    withNote("another origin", await checkpointNote(`x${text}`, [0, 1]), "INVALID"),
    withNote(
      "a huge size",
      await checkpointNote(text.replace(/\n\d+/, "\n9007199254740993")),
      "INVALID",
    ),
    withNote("an empty note", "", "INVALID"),
    withNote("half a surrogate pair", "\ud800\n\n— x AAAAAAAA\n", "INVALID"),
    withNote("carriage returns", whole.replaceAll("\n", "\r\n"), "INVALID"),
  ]
}
