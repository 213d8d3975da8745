import { expect, test } from "vitest"
import { parseConfig } from "../../config/index.ts"
import { changeConfigText } from "./config-change.ts"

const text = `# what a person wrote
origin: keys.test/log # the name
data: data
access: access.yaml
pki:
  ca: pki/ca.crt # every certificate
  certificate: pki/server.crt
  key: pki/server.key
  logKey: pki/log.key # signs checkpoints
  receiptKey: pki/receipt.key
  reader: # its own
    certificate: pki/reader.crt
    key: pki/reader.key
`
const config = parseConfig(text, "/srv/postern.yaml")
const planned = {
  logKey: "pki/log-2.key",
  retiringLogKey: "pki/log.key",
  logKeyCertificate: "pki/log-2.certificate",
}

test("a change writes its lines and leaves every other as it was", () => {
  const changed = changeConfigText(text, config, planned)
  expect(changed.split("\n").filter((line) => !text.includes(`${line}\n`))).toEqual([
    "  logKey: pki/log-2.key # signs checkpoints",
    "  retiringLogKey: pki/log.key",
    "  logKeyCertificate: pki/log-2.certificate",
  ])
  const over = { retiringLogKey: undefined, logKeyCertificate: undefined }
  const ended = changeConfigText(changed, parseConfig(changed, config.file), over)
  expect(ended).toBe(text.replace("pki/log.key", "pki/log-2.key"))
})

test("a root key is named below the origin, and a path with odd letters is quoted", () => {
  const rootVkey = "keys.test/log/root+00000000+AAAA"
  const changed = changeConfigText(text, config, { rootVkey, logKey: "p ki/log:2.key" })
  expect(parseConfig(changed, config.file)).toMatchObject({
    rootVkey,
    pki: { logKey: "/srv/p ki/log:2.key" },
  })
  expect(changed).toContain(`origin: keys.test/log # the name\nrootVkey: "${rootVkey}"\n`)
})

test("lines that are written in another way are left to the person", () => {
  const { pki } = parseConfig(text, "/postern.yaml")
  const flow = `${text.slice(0, text.indexOf("pki:"))}pki: ${JSON.stringify(pki)}\n`
  const flowing = parseConfig(flow, "/srv/postern.yaml")
  expect(() => changeConfigText(flow, flowing, planned)).toThrow("not written one each")
})
