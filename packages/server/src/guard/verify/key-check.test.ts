import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  formatKeyCertificateText,
  formatKeyProofs,
  type KeyProof,
  keyActions,
  parseKeyProofs,
  receiptKeyName,
} from "@postern/log/evidence"
import { inclusionProof, signNote } from "@postern/log/tlog"
import { afterAll, expect, test } from "vitest"
import { followLog } from "../../disk/index.ts"
import { verifyDirectory } from "./index.ts"
import { createKey, type Key, origin, WrittenLog } from "./written-log.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-keys-"))
afterAll(() => rmSync(base, { recursive: true, force: true }))

/** A log with a change of the key in its second life; the third one retires the first key. */
async function writeKeys() {
  const log = await WrittenLog.open(mkdtempSync(join(base, "log-")))
  const first = log.log
  const second = createKey(origin)
  const proofs: KeyProof[] = []
  const prove = async (index: number, note: string) => {
    const view = await followLog(log.path)
    const { size } = view.head()
    const path = await inclusionProof(index, size, (...asked) => view.hashes(...asked))
    const [leaf = new Uint8Array()] = await view.leaves(index, index + 1)
    await view.close()
    proofs.push({ note, index, leaf, path })
    writeFileSync(join(log.path, "keys"), formatKeyProofs(proofs))
  }
  const live = async (...act: (() => Promise<number> | number)[]) => {
    await log.started()
    const index = await act[0]?.()
    log.events(log.opened(true), 20)
    await log.commit()
    const note = await log.checkpoint()
    if (index !== undefined) await prove(index, note)
  }
  await live()
  log.log = second
  log.beside = first
  await live(async () => {
    const certificate = await signNote(formatKeyCertificateText(origin, second.vkey), first.signer)
    const keys = { old: first.vkey, new: second.vkey }
    return log.own(keyActions.rolled, { ...keys, certificate, reason: "planned" })
  })
  log.beside = undefined
  await live(() => log.own(keyActions.retired, { vkey: first.vkey }))
  await live()
  return { log, first, second, proofs }
}

type Written = Awaited<ReturnType<typeof writeKeys>>
const verify = ({ log }: Written, key: Key) =>
  verifyDirectory(log.path, { vkey: key.vkey, full: true })

test("a log whose key changed is verified by whoever pins the old key, or the new one", async () => {
  const written = await writeKeys()
  await written.log.close()
  for (const key of [written.first, written.second]) {
    const report = await verify(written, key)
    expect(report).toMatchObject({ findings: [], verified: true })
    expect(report.checks.find(({ name }) => name === "keys")).toMatchObject({ checked: 2 })
  }
  const stranger = await verify(written, createKey(origin))
  expect(stranger.findings.map(({ code }) => code)).toContain("checkpoint-signature")
})

test("a tree that only the retired key signed is refused", async () => {
  const written = await writeKeys()
  const { log, first } = written
  log.events(log.opened(true), 3)
  await log.commit()
  await log.checkpoint(first)
  await log.close()
  const { findings } = await verify(written, first)
  expect(findings.map(({ code }) => code)).toEqual(["checkpoint-signature"])
})

test("a receipt key that only the retired key certified afterwards is refused", async () => {
  const written = await writeKeys()
  const { log, first, second } = written
  log.log = first
  log.receipts = createKey(receiptKeyName(origin))
  await log.started()
  log.events(log.opened(true), 3)
  await log.commit()
  await log.checkpoint(second)
  await log.close()
  const { findings } = await verify(written, first)
  expect(findings.map(({ code }) => code)).toContain("receipt-certificate")
})

test("proofs that are gone, or of another entry, are told", async () => {
  const written = await writeKeys()
  const { log, first, second } = written
  await log.close()
  const file = join(log.path, "keys")
  const text = readFileSync(file, "utf8")
  rmSync(file)
  const bare = await verify(written, second)
  expect(bare.verified).toBe(false)
  expect(bare.checks.find(({ name }) => name === "keys")).toMatchObject({ status: "unknown" })
  const [rolled, retired] = parseKeyProofs(text) as [KeyProof, KeyProof]
  writeFileSync(file, formatKeyProofs([{ ...rolled, leaf: retired.leaf }, retired]))
  const codes = (await verify(written, first)).findings.map(({ code }) => code)
  expect(codes).toContain("key-change")
  expect(codes).toContain("key-entry")
  writeFileSync(file, text.slice(0, -1))
  const cut = (await verify(written, second)).findings.map(({ code }) => code)
  expect(cut).toContain("keys-syntax")
})
