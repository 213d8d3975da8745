import { concatBytes, parseBase64 } from "@postern/log/base"
import { checkSeveral, leafHash, openCheckpoint } from "@postern/log/tlog"
import { afterEach, expect, test } from "vitest"
import { followLog } from "../disk/index.ts"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { eventOf, live, signer } from "./lives.test.support.ts"
import { awaitPublication } from "./publication.ts"

afterEach(removeDirectories)

test("entries are proven at once as soon as a checkpoint covers them, and not before", async () => {
  const path = newDirectory()
  const port = await live(path, 1 << 20)
  const stream = await port.open("0".repeat(32))
  for (let i = 0; i < 9; i++) await port.send(stream, [eventOf(`e${i}`)])
  const indexes = [2, 3, 7]
  expect(await awaitPublication(port.published, indexes, 0)).toBeUndefined()
  const soon = awaitPublication(port.published, indexes, 60_000)
  const view = await followLog(path)
  const { size, root } = view.head()
  await port.store.publishCheckpoint(await signer.signCheckpoint(size, root))
  const proven = await soon
  const checkpoint = await openCheckpoint(proven?.checkpoint ?? "", signer.vkey)
  const leaves = await view.leaves(0, size)
  await view.close()
  const known = concatBytes(...indexes.map((index) => leafHash(leaves[index] as Uint8Array)))
  const hashes = (proven?.path ?? []).map((text) => parseBase64(text) as Uint8Array)
  expect(() => checkSeveral(indexes, known, checkpoint.size, hashes, checkpoint.root)).not.toThrow()
  expect(await awaitPublication(port.published, [size], 0)).toBeUndefined()
  await port.end()
})
