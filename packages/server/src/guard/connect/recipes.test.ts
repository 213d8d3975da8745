import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { describe, expect, test } from "vitest"
import { parse, parseAllDocuments } from "yaml"
import { parseAgentSettings } from "../../agent/settings/index.ts"
import { recipes } from "./index.ts"
import type { Place } from "./recipe.ts"

const place: Place = {
  name: "one",
  id: "spiffe://postern.local/writer/one",
  directory: "/etc/postern/one",
  ca: "/etc/postern/one/ca.pem",
  certificate: "/etc/postern/one/writer.pem",
  key: "/etc/postern/one/writer.key",
  profile: "/etc/postern/one/writer-one.yaml",
  write: { host: "2001:db8::7", port: 17514 },
  syslog: { host: "audit.example.com", port: 6514 },
  serverName: "audit.example.com",
  source: "app://one",
}

const rendered = recipes.map((recipe) => ({ recipe, ...recipe.render(place) }))
const files = rendered.flatMap(({ recipe, files: made }) => {
  return made.map((file) => ({ what: `${recipe.name} ${file.name}`, file }))
})

/** Standard error of a shell that only reads the text; empty if it is one. */
function shellFaults(text: string): string {
  return spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr
}

describe("the recipes", () => {
  test("are many, each with a name of its own that is a name for a writer too", () => {
    const names = recipes.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(16)
    for (const name of names) expect(name).toMatch(/^[a-z][a-z-]{2,30}$/)
  })

  test.each(rendered)("$recipe.name names the files of its identity, and where it goes", (one) => {
    const text = one.files.map((file) => file.text).join("\n")
    const { needs, usesSyslog, adapters } = one.recipe
    const own = needs === "pem" ? [place.ca, place.certificate, place.key] : [place.profile]
    for (const path of own) expect(text).toContain(path)
    const isDirect = needs === "pem" && usesSyslog !== true
    if (usesSyslog) expect(text).toMatch(/audit\.example\.com"(?: port=|.*port\()"?6514/)
    else if (isDirect)
      expect(text).toMatch(/\[2001:db8::7\]:17514|host: 2001:db8::7\n +port: 17514/)
    expect(adapters.length).toBeGreaterThan(0)
    expect(one.steps.length).toBeGreaterThan(0)
    expect(one.notes.length).toBeGreaterThan(0)
  })

  test.each(rendered)("$recipe.name has commands that a shell understands", ({ steps }) => {
    for (const { command = "", lines } of steps) {
      expect(shellFaults(command)).toBe("")
      expect(command === "" || lines === undefined).toBe(true)
    }
  })
})

describe("the configuration files", () => {
  const ending = (...ends: string[]) =>
    files.filter(({ file }) => ends.some((end) => file.name.endsWith(end)))

  test.each(files)("$what fits a page, ends its last line and belongs somewhere", ({ file }) => {
    expect(file.text).toMatch(/[^\n]\n$/)
    expect(file.belongs).not.toBe("")
    for (const line of file.text.split("\n")) expect(line.length).toBeLessThan(400)
  })

  test.each(ending(".yaml", ".kubeconfig"))("$what is YAML", ({ file }) => {
    for (const document of parseAllDocuments(file.text, { strict: true, uniqueKeys: true })) {
      expect((document as { errors: unknown[] }).errors).toEqual([])
    }
    expect(Object.keys(parse(file.text) as object).length).toBeGreaterThan(0)
  })

  test.each(files.filter(({ file }) => file.belongs.startsWith("/etc/postern-agent/")))(
    "$what is one to the agent",
    ({ file }) => {
      const { profile, sources } = parseAgentSettings(file.text, file.belongs)
      expect(profile).toBe(place.profile)
      expect(sources).toMatchObject([{ name: "one", source: "app://one" }])
    },
  )

  test("of an API server's policy is the one of deploy/", () => {
    const ours = new URL("../../../../../deploy/kubernetes/api-server/policy.yaml", import.meta.url)
    const found = files.filter(({ file }) => file.name === "audit-policy.yaml")
    expect(found).toHaveLength(2)
    for (const { file } of found) expect(file.text).toBe(readFileSync(ours, "utf8"))
  })

  test.each(files.filter(({ file }) => file.text.startsWith("#!/bin/sh")))(
    "$what is a script that stops at its first fault",
    ({ file }) => {
      expect(shellFaults(file.text)).toBe("")
      expect(file.text).toContain("\nset -eu\n")
      expect(file.mode).toBe(0o755)
    },
  )

  test.each(ending(".ts", ".mjs"))("$what is code", ({ file }) => {
    expect(stripTypeScriptTypes(file.text)).toContain("connect(")
  })

  test("with a secret in it is nobody else's", () => {
    const secret = files.filter(({ file }) => /^[A-Z_]*(?:TOKEN|SECRET)=/m.test(file.text))
    expect(secret.map(({ file }) => file.mode)).toEqual([0o600])
  })
})
