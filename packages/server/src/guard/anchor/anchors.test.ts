import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isPosternError, sha256 } from "@postern/log/base"
import { formatCheckpoint, signNote } from "@postern/log/tlog"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createKey } from "../verify/written-log.test.support.ts"
import { Anchors } from "./index.ts"
import { encodeTimestampRequest } from "./timestamp-request.ts"
import { parseTimestampResponse } from "./timestamp-response.ts"

const base = mkdtempSync(join(tmpdir(), "postern-anchor-"))
const key = createKey("anchor.test/log")
const nonce = Uint8Array.of(0x91, 2, 3, 4, 5, 6, 7, 8)
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: base, stdio: "pipe" })
afterAll(() => rmSync(base, { recursive: true }))

/** An authority of a few lines: openssl ts with a certificate of its own. */
beforeAll(() => {
  writeFileSync(
    join(base, "tsa.cnf"),
    `[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nCN=Test authority\n[ext]
extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature
[tsa]\ndefault_tsa=one\n[one]\nserial=${join(base, "serial")}\nsigner_cert=${join(base, "tsa.pem")}
certs=${join(base, "tsa.pem")}\nsigner_key=${join(base, "tsa.key")}\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1
digests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n`,
  )
  writeFileSync(join(base, "serial"), "01\n")
  openssl(
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", "tsa.cnf"],
    ...["-keyout", "tsa.key", "-out", "tsa.pem"],
  )
})

const noteOf = (size: number, signer = key) =>
  signNote(
    formatCheckpoint({ origin: "anchor.test/log", size, root: new Uint8Array(32).fill(size) }),
    signer.signer,
  )

function stamp(requestFile: string): Uint8Array {
  openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", requestFile, "-out", "answer.tsr")
  return new Uint8Array(readFileSync(join(base, "answer.tsr")))
}

describe("an anchor", () => {
  test("goes from request to a stamp that openssl verifies", async () => {
    const anchors = new Anchors(join(base, "one"), key.vkey)
    const { requestFile, size } = await anchors.request(await noteOf(7), nonce)
    expect(size).toBe(7)
    const shown = openssl("ts", "-query", "-in", requestFile, "-text").toString()
    expect(shown).toContain("Hash Algorithm: sha256")
    expect(shown).toContain("Nonce: 0x9102030405060708")
    const before = Date.now()
    const taken = await anchors.accept(stamp(requestFile))
    expect(Math.abs(Date.parse(taken.time ?? "") - before)).toBeLessThan(60_000)
    const { textFile, answerFile } = taken
    const said = openssl(
      ...["ts", "-verify", "-data", textFile, "-in", answerFile, "-CAfile", "tsa.pem"],
    )
    expect(said.toString()).toContain("Verification: OK")
    expect(await anchors.list()).toEqual([taken])
  })

  test("is asked for once for each checkpoint", async () => {
    const anchors = new Anchors(join(base, "two"), key.vkey)
    const { requestFile } = await anchors.request(await noteOf(9), nonce)
    const first = readFileSync(requestFile)
    await anchors.request(await noteOf(9), Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1))
    expect(readFileSync(requestFile)).toEqual(first)
    expect((await anchors.list()).map(({ time }) => time)).toEqual([undefined])
  })

  test("of another log's checkpoint is not asked for", async () => {
    const anchors = new Anchors(join(base, "three"), key.vkey)
    const other = await noteOf(3, createKey("anchor.test/log"))
    await expect(anchors.request(other, nonce)).rejects.toMatchObject({ code: "NOTE_INVALID" })
  })

  test("does not take the answer to another request", async () => {
    const anchors = new Anchors(join(base, "four"), key.vkey)
    const { requestFile } = await anchors.request(await noteOf(4), nonce)
    const strange = join(base, "strange.tsq")
    writeFileSync(strange, encodeTimestampRequest(sha256(new Uint8Array(3)), nonce))
    await expect(anchors.accept(stamp(strange))).rejects.toMatchObject({ code: "ANCHOR_INVALID" })
    const text = new Uint8Array(readFileSync(requestFile.replace(".tsq", ".text")))
    writeFileSync(
      strange,
      encodeTimestampRequest(sha256(text), Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9)),
    )
    await expect(anchors.accept(stamp(strange))).rejects.toThrow("not the answer to")
  })

  test("shows when its text or its answer was exchanged", async () => {
    const anchors = new Anchors(join(base, "five"), key.vkey)
    const { requestFile } = await anchors.request(await noteOf(5), nonce)
    const { textFile } = await anchors.accept(stamp(requestFile))
    writeFileSync(textFile, readFileSync(textFile, "utf8").replace("5", "6"))
    await expect(anchors.list()).rejects.toMatchObject({ code: "ANCHOR_INVALID" })
  })
})

describe("an answer", () => {
  test("that was refused says so", () => {
    const refused = Uint8Array.of(0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02)
    expect(() => parseTimestampResponse(refused)).toThrow("the authority refused (status 2)")
  })

  test("that is damaged anywhere is read as it is or refused by name, never otherwise", async () => {
    const anchors = new Anchors(join(base, "six"), key.vkey)
    const { requestFile } = await anchors.request(await noteOf(6), nonce)
    const good = stamp(requestFile)
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length))
    fc.assert(
      fc.property(damaged, ([at, byte, length]) => {
        const bytes = good.slice(0, length)
        if (at < length) bytes[at] = byte
        try {
          expect(parseTimestampResponse(bytes).digest).toBeInstanceOf(Uint8Array)
        } catch (error) {
          expect(isPosternError(error) && error.code).toBe("ANCHOR_INVALID")
        }
      }),
      { numRuns: 2000 },
    )
  })
})
