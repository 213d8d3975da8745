import { encodeUtf8, PosternError } from "@postern/log/base"
import { afterEach, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { parsePolicy } from "../policy/rules/index.ts"
import { live } from "./lives.test.support.ts"

afterEach(removeDirectories)

const event = encodeUtf8(
  JSON.stringify({
    ...{ id: "1", time: "2026-11-22T12:00:00Z", source: "app://a", action: "page.get" },
    ...{ outcome: "success", actor: { type: "user", id: "ada" }, targets: [] },
    data: { email: "ada@example.com" },
  }),
)
const policy = parsePolicy(
  "rules: [{ name: a, level: full, transforms: [{ at: /data/email, do: personal }] }]\n",
)

test("an entry that has its place and whose value cannot be sealed ends the port", async () => {
  const port = await live(newDirectory(), 64 * 1024 * 1024)
  port.policy.use(policy)
  const stream = await port.open("a".repeat(32))
  // As SealedRoom.put() says that it may: the disk failed while the wrapped key was read.
  const error = new PosternError("DISK_FAILED", "EIO")
  Object.assign(port.disclosures, {
    put: () => {
      throw error
    },
  })
  await expect(async () => port.send(stream, [event])).rejects.toThrow(error)
  expect(port.fatal).toEqual([error])
  await port.end()
})
