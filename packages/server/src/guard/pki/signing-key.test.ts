import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto"
import { parseVkey } from "@postern/log/tlog"
import { describe, expect, test } from "vitest"
import { createLogKeys, verifierKey } from "./index.ts"

describe("signing keys", () => {
  test("the verifier key is the public half under a name", async () => {
    const { logKey, receiptKey } = createLogKeys()
    expect(logKey).not.toBe(receiptKey)
    const vkey = parseVkey(verifierKey("postern.local/audit", logKey))
    expect(vkey.name).toBe("postern.local/audit")
    const jwk = createPublicKey(logKey).export({ format: "jwk" })
    expect(Buffer.from(vkey.publicKey).toString("base64url")).toBe(jwk.x)
    const message = Buffer.from("hello")
    const raw = new Uint8Array(vkey.publicKey)
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"])
    const signature = sign(null, message, createPrivateKey(logKey))
    expect(await crypto.subtle.verify("Ed25519", key, signature, message)).toBe(true)
  })

  test("the verifier key of a known key is what signed-note says", () => {
    // Key of RFC 8032 §7.1, TEST 1.
    const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    const half = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    const der = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex")
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    const typed = Buffer.concat([Buffer.of(1), Buffer.from(half, "hex")])
    const hash = createHash("sha256").update("example.com/log\n").update(typed).digest("hex")
    expect(
      verifierKey("example.com/log", key.export({ type: "pkcs8", format: "pem" }).toString()),
    ).toBe(`example.com/log+${hash.slice(0, 8)}+${typed.toString("base64")}`)
  })

  test("another kind of key is refused", () => {
    expect(() => verifierKey("a", "nothing")).toThrow("not PEM")
    const ec = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
`
    expect(() => verifierKey("a", ec)).toThrow("not an Ed25519 key")
  })
})
