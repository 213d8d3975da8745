import { z } from "zod"
import { alertTestPath } from "./alerts.ts"
import { certificatePath, certificateTypes } from "./certificate.ts"
import { defineRoute, jsonResponse, type Route } from "./route.ts"
import { schemas } from "./schema.ts"

/** A JSON value of the document; nothing in it comes from a peer. */
type Json = string | boolean | { readonly [key: string]: Json | undefined } | readonly Json[]

/** `GET /openapi.json`: OpenAPI 3.1, made once from the routes and schemas that also serve and test the answers. */
export function openApiRoute(routes: readonly Route[]): Route {
  const own: Route = defineRoute({
    path: "/openapi.json",
    pattern: "/openapi.json",
    operation: "getOpenApi",
    summary: "This document",
    see: "monitor",
    query: z.strictObject({}),
    answer: { type: "application/json" },
    handle: async () => jsonResponse(document),
  })
  const document = openApiDocument([...routes, own])
  return own
}

export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {}
  for (const route of routes) paths[route.path] = { get: operationOf(route) }
  paths[certificatePath] = { post: renewalOperation }
  paths[alertTestPath] = { post: alertTestOperation }
  return {
    openapi: "3.1.0",
    info: {
      title: "Postern read API",
      version: "1",
      summary: "The read port of an audit log: entries, proofs, search and live tail",
      description:
        "TLS 1.3 with a client certificate is the only way in; what a caller may see is its grant.",
    },
    paths,
    components: { schemas: schemaComponents() },
  }
}

const binary = { schema: { type: "string", format: "binary" } } as const

const alertTestOperation: Json = {
  operationId: "testAlert",
  summary: "Tells the webhooks of an alert that this is a test",
  description: "Needs a grant that sees at least: auditor. The body is not read.",
  parameters: [
    {
      name: "name",
      in: "path",
      required: true,
      description: "Of the alert",
      schema: { type: "string" },
    },
  ],
  requestBody: { required: false, content: { "application/json": {} } },
  responses: {
    "200": {
      description: "What each webhook answered",
      content: { "application/json": { schema: referTo("AlertTest") } },
    },
    default: {
      description: "A problem (RFC 9457)",
      content: { "application/problem+json": { schema: referTo("Problem") } },
    },
  },
}

/** With the test of an alert, all that is no question. */
const renewalOperation: Json = {
  operationId: "renewCertificate",
  summary: "A new certificate for this identity, by the CA of the installation",
  description: "Needs any grant. docs/spec/wire.md, Renewal, says which requests are taken.",
  requestBody: { required: true, content: { [certificateTypes.request]: binary } },
  responses: {
    "200": { description: "The certificate, PEM", content: { [certificateTypes.answer]: binary } },
    default: {
      description: "A problem (RFC 9457)",
      content: { "application/problem+json": { schema: referTo("Problem") } },
    },
  },
}

function operationOf(route: Route): Json {
  return {
    operationId: route.operation,
    summary: route.summary,
    description: `Needs a grant that sees at least: ${route.see}.`,
    parameters: [...pathParameters(route), ...queryParameters(route)],
    responses: {
      "200": { description: route.summary, content: { [route.answer.type]: contentOf(route) } },
      default: {
        description: "A problem (RFC 9457)",
        content: { "application/problem+json": { schema: referTo("Problem") } },
      },
    },
  }
}

function contentOf({ answer }: Route): Json {
  const name = Object.entries(schemas).find(([, schema]) => schema === answer.schema)?.[0]
  return name === undefined ? {} : { schema: referTo(name) }
}

function pathParameters({ inPath = {} }: Route): Json[] {
  return Object.entries(inPath).map(([name, description]) => ({
    name,
    in: "path",
    required: true,
    description,
    schema: { type: "string" },
  }))
}

function queryParameters({ query }: Route): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input" })
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: schema as Json,
  }))
}

function referTo(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

/** OpenAPI 3.1 schemas are JSON Schema 2020-12; ids and dialects stand in the document once, not in each. */
function schemaComponents(): Json {
  const registry = z.registry<{ id: string }>()
  for (const [name, schema] of Object.entries(schemas)) registry.add(schema, { id: name })
  const made = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` })
  return Object.fromEntries(
    Object.entries(made.schemas).map(([name, { $id: _, $schema: __, ...schema }]) => [
      name,
      schema as Json,
    ]),
  )
}
