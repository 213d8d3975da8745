import { createInterface } from "node:readline"
import { Writable } from "node:stream"
import { PosternError } from "@postern/log/base"
import type { CommandIo } from "./io.ts"

/** Asks for one line of standard input, which a terminal does not show while it is typed. Errors: USAGE if there is none. */
export async function askPassphrase({ stdin, note }: CommandIo): Promise<string> {
  const nowhere = new Writable({ write: (_shown, _encoding, done) => done() })
  const terminal = "isTTY" in stdin && stdin.isTTY === true
  const lines = createInterface({ input: stdin, output: nowhere, terminal, historySize: 0 })
  // Not before the terminal has ceased to echo.
  note("postern: passphrase (one line; a terminal does not show it):")
  for await (const line of lines) {
    if (line.trim() !== "") return line
    break
  }
  throw new PosternError("USAGE", "a passphrase is needed")
}
