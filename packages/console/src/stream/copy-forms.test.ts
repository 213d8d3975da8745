import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { curlOf, searchCommand, shellWord } from "./copy-forms.ts"

test.each(["plain", "two words", "it's", '"$HOME" `id`', "a;b|c", ""])(
  "a shell takes %j as one word",
  (text) => {
    const said = execFileSync("sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" })
    expect(said).toBe(text)
  },
)

test("the question on the command line and for curl", () => {
  const scope = { q: "outcome:denied AND actor:a", since: "2026-11-22T11:00:00.000000Z" }
  expect(searchCommand(scope)).toBe(
    "postern search 'outcome:denied AND actor:a' --since 2026-11-22T11:00:00.000000Z --profile reader.yaml",
  )
  expect(curlOf("/v1/search", scope, "https://log.example:17515")).toContain(
    "'https://log.example:17515/v1/search?q=outcome%3Adenied+AND+actor%3Aa&",
  )
  expect(curlOf("/v1/search", {}, "http://127.0.0.1:1")).toContain("https://READ-PORT/v1/search")
})
