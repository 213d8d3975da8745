import { expect, test } from "vitest"
import { z } from "zod"
import { openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"

/** The parts of the document that these tests look at. */
const documentSchema = z.object({
  openapi: z.literal("3.1.0"),
  info: z.object({ title: z.string(), version: z.string() }),
  paths: z.record(
    z.string().startsWith("/"),
    z.strictObject({
      get: z.object({
        operationId: z.string(),
        summary: z.string(),
        parameters: z.array(
          z.object({
            name: z.string(),
            in: z.enum(["path", "query"]),
            required: z.boolean(),
            schema: z.record(z.string(), z.unknown()),
          }),
        ),
        responses: z.object({ "200": z.object({ content: z.record(z.string(), z.unknown()) }) }),
      }),
    }),
  ),
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
})

async function openDocument() {
  const log = new FakeLog()
  log.fill(50)
  await log.publish()
  log.fill(3)
  const desk = openDesk(log)
  const { paths, ...rest } = await desk.json("/openapi.json")
  // All that is no question.
  const { "/v1/certificate": renewal, "/v1/alerts/{name}/test": alertTest, ...asked } = paths
  expect(Object.keys(alertTest)).toEqual(["post"])
  return { ...desk, renewal, document: documentSchema.parse({ ...rest, paths: asked }) }
}

test("the document has every route, and a route has everything in the document", async () => {
  const { document, api } = await openDocument()
  expect(Object.keys(document.paths).sort()).toEqual(api.routes.map(({ path }) => path).sort())
  const operations = Object.values(document.paths).map(({ get }) => get.operationId)
  expect(new Set(operations).size).toBe(operations.length)
  for (const [path, { get }] of Object.entries(document.paths)) {
    const inPath = get.parameters.filter((one) => one.in === "path").map(({ name }) => `{${name}}`)
    expect(path.match(/\{\w+\}/g) ?? []).toEqual(inPath)
  }
})

test("beside the questions the document has the certificate request, with its types", async () => {
  const { renewal } = await openDocument()
  expect(Object.keys(renewal)).toEqual(["post"])
  expect(Object.keys(renewal.post.requestBody.content)).toEqual(["application/pkcs10"])
  expect(Object.keys(renewal.post.responses["200"].content)).toEqual([
    "application/pem-certificate-chain",
  ])
})

test("every reference in the document leads somewhere", async () => {
  const { document } = await openDocument()
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)]
  expect(references.length).toBeGreaterThan(10)
  for (const [, reference = ""] of references) {
    const name = reference.replace("#/components/schemas/", "")
    expect(document.components.schemas, reference).toHaveProperty(name)
  }
})

test("answers keep what the document itself says, read back by somebody who has only the document", async () => {
  const { document, json } = await openDocument()
  const { schemas } = document.components
  const questions: [string, string, number?][] = [
    ["/v1/entries?from=2&to=9", "EntryList"],
    ["/v1/search?q=action:invoice.*&limit=3", "SearchAnswer"],
    ["/v1/entries/4", "EntryAnswer"],
    ["/v1/entries/53", "EntryAnswer"],
    ["/v1/proof/inclusion?index=4&size=9", "Inclusion"],
    ["/v1/proof/consistency?from=4&to=9", "Consistency"],
    ["/v1/status", "Status"],
    ["/v1/entries/x", "Problem", 400],
    ["/nowhere", "Problem", 404],
  ]
  for (const [path, name, status] of questions) {
    const text = JSON.stringify({ ...schemas[name], $defs: schemas })
    const readBack = z.fromJSONSchema(
      JSON.parse(
        text.replaceAll("#/components/schemas/", "#/$defs/"),
      ) as z.core.JSONSchema.JSONSchema,
    )
    const answer = await json(path, status)
    expect(readBack.safeParse(answer).error, path).toBeUndefined()
    expect(readBack.safeParse({ ...answer, surprise: 1 }).success, path).toBe(false)
  }
})
