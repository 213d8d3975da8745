import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { DisclosureStore } from "../../packages/server/dist/disclosures/index.js"
import { postern } from "../interop/port-process.ts"
import { type Drill, eventText, type World } from "./drills.ts"
import { writeHistory } from "./history.ts"

/** The entry that names the value: after the port's start and the opening of the stream. */
const named = 2

/** A value as the port would have kept it, and what says so in the log. */
async function keepValue({ stage }: World, body: string) {
  const sealed = join(stage.data, "disclosures")
  const places = { sealed, keys: join(dirname(stage.config), "sealing") }
  const store = await DisclosureStore.open(
    places,
    () => undefined,
    () => new Date(),
  )
  const json = encodeDisclosure("S".repeat(22), "data", encodeUtf8(JSON.stringify({ body })))
  const digest = disclosureDigest(json)
  await store.keep([{ json, digest }])
  const [keyId = ""] = readdirSync(sealed)
  const file = join(sealed, keyId, Buffer.from(digest, "base64url").toString("hex"))
  return { digest, file, key: join(places.keys, `${keyId}.key`) }
}

async function erase(world: World): Promise<void> {
  const { stage, results, work } = world
  const { digest, file, key } = await keepValue(world, "who gave mallory the role")
  const other = await keepValue(world, "something harmless")
  const event = JSON.stringify({ ...JSON.parse(eventText(1)), data: undefined, _sd: [digest] })
  const history = await writeHistory(join(work, "honest"), stage.keys, async (log, checkpoint) => {
    await log.started()
    const open = log.opened(true)
    log.batch(open, [event, eventText(2)])
    await log.commit()
    await checkpoint()
  })
  stage.serve(history)
  const directory = ["verify", dirname(stage.config), "--vkey", stage.vkey]
  // Somebody who reads this log for the first time.
  const reader = join(work, "reader.yaml")
  writeFileSync(reader, readFileSync(stage.reader), { mode: 0o600 })
  const look = async () => {
    const here = await postern(directory)
    let far = { code: -1, text: "" }
    await stage.reading(async () => {
      far = await postern(["verify", "--profile", reader, "--disclosures"])
    })
    return { here, far }
  }
  const honest = await look()
  results.check(honest.here.code === 0, "before: postern verify: verified", honest.here.text)
  results.check(honest.far.code === 0, "and over the read port, too", honest.far.text)

  const whole = { file: readFileSync(file), key: readFileSync(key) }
  const deeds: readonly [string, string, () => void][] = [
    ["removes the file", "missing", () => rmSync(file)],
    ["destroys the key", "locked", () => rmSync(key)],
    [
      "puts another value in its place",
      "damaged",
      () => writeFileSync(file, readFileSync(other.file)),
    ],
  ]
  for (const [deed, state, act] of deeds) {
    act()
    const { here, far } = await look()
    writeFileSync(file, whole.file)
    writeFileSync(key, whole.key, { mode: 0o600 })
    const says = ({ code, text }: typeof here) =>
      code === 3 && text.includes(`disclosure-${state}: entry ${named}`)
    results.check(says(here), `${deed}: postern verify: NOT VERIFIED, entry ${named}`, here.text)
    results.check(says(far), `${deed}: a reader sees the same`, far.text)
  }
  const blind = await postern(["verify", history.path, "--vkey", stage.vkey])
  const isSilent = blind.code === 0 && blind.text.includes("not checked: 1")
  results.check(isSilent, "a copy of the log alone holds, and says what it cannot say", blind.text)
}

export const disclosureDrills: readonly Drill[] = [
  { what: "erases a value that is kept beside the log, and no entry says so", run: erase },
]
