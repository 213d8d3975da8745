import { PosternError } from "@postern/log/base"
import { expect, test } from "vitest"
import { openDesk, peerOf } from "./api.test.support.ts"
import { alertTestSchema } from "./house-schema.ts"
import type { AlertsDesk, AlertsWord } from "./index.ts"

const word: AlertsWord = {
  questions: [{ name: "denied", query: "outcome:denied", description: "" }],
  alerts: [
    {
      ...{ name: "many denied", severity: "high", query: "outcome:denied", threshold: 5 },
      ...{ window: 60, state: "raised", since: 7, count: 9, delivered: null },
    },
  ],
}

function open() {
  const asked: string[] = []
  const alerts: AlertsDesk = {
    word: async () => word,
    async test(name) {
      asked.push(name)
      if (name !== "many denied") throw new PosternError("NOT_FOUND", "there is no such alert")
      return [{ webhook: "pager", status: 200, answer: "ok" }]
    },
  }
  const desk = openDesk(undefined, {}, undefined, undefined, undefined, undefined, { alerts })
  const post = (path: string, headers: Record<string, string> = json, as = "auditor") =>
    desk.api.app.request(path, { method: "POST", headers, body: "{}" }, { peer: peerOf(as) })
  return { ...desk, asked, post }
}
const json = { "content-type": "application/json" }
const path = "/v1/alerts/many%20denied/test"

test("the questions and how the alerts stand are an auditor's to see", async () => {
  const { json: ask } = open()
  expect(await ask("/v1/alerts")).toEqual(word)
  for (const as of ["monitor", "investigator"]) await ask("/v1/alerts", 403, as)
})

test("a test says what each webhook answered", async () => {
  const { post, asked } = open()
  const answer = await post(path)
  expect(answer.status).toBe(200)
  expect(alertTestSchema.parse(await answer.json()).results).toHaveLength(1)
  expect((await post("/v1/alerts/other/test")).status).toBe(404)
  expect(asked).toEqual(["many denied", "other"])
})

test.each<[string, Record<string, string>, string, number]>([
  ["without its content type, as a form of another page sends it", {}, "auditor", 415],
  ["as a form", { "content-type": "application/x-www-form-urlencoded" }, "auditor", 415],
  ["as text", { "content-type": "text/plain" }, "auditor", 415],
  ["from another site", { ...json, "sec-fetch-site": "cross-site" }, "auditor", 403],
  ["from another port", { ...json, "sec-fetch-site": "same-site" }, "auditor", 403],
  ["by a monitor", json, "monitor", 403],
  ["by an investigator", json, "investigator", 403],
  ["by nobody", json, "stranger", 403],
])("a test is not made %s", async (_, headers, as, status) => {
  const { post, asked } = open()
  const answer = await post(path, headers, as)
  expect([answer.status, answer.headers.get("connection")]).toEqual([status, "close"])
  expect(asked).toEqual([])
})

test("nothing else can be posted", async () => {
  const { post } = open()
  for (const other of ["/v1/alerts", "/v1/alerts//test", "/v1/alerts/a/b/test", "/v1/alerts/a"]) {
    expect((await post(other)).status, other).toBe(405)
  }
})
