import { PosternError } from "@postern/log/base"
import type { CommandIo } from "./io.ts"
import { readInput } from "./policy-source.ts"

/** The person as the command line names them; `-` for a line of standard input, which no list of processes shows. Errors: USAGE. */
export async function subjectOf(option: string, io: CommandIo): Promise<string> {
  const text = option === "-" ? (await readInput("-", io)).replace(/\r?\n$/, "") : option
  if (text !== "" && !text.includes("\n")) return text
  throw new PosternError("USAGE", "--subject is one line: TYPE:ID, or the id alone")
}
