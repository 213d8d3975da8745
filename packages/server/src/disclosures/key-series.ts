import { createHmac } from "node:crypto"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { type FileSystem, nodeFiles } from "../disk/index.ts"
import { listIfAny } from "./key-places.ts"
import { makeSecret, readSecret } from "./secret-file.ts"

/**
 * A key that is followed by another one now and then, while those of before are kept, each under its id, for what was made with them
 * (docs/spec/disclosures.md, Keys of HMACs, Keys of segments).
 */
export interface SeriesKey {
  /** 8 hex digits. */
  readonly kid: string
  /** 32 bytes, secret. */
  readonly key: Uint8Array
}

export interface KeySeries {
  /** Everything new is made with this one. */
  readonly current: SeriesKey
  /** The current one first, then those of before. */
  readonly all: readonly SeriesKey[]
}

/** What tells one series from another. */
export interface SeriesName {
  /** Its files: `<stem>.key`, and `<stem>-<kid>.key` those of before. */
  readonly stem: string
  /** What the HMAC of an id is made of. */
  readonly label: string
}

const kidBytes = 4

/** Names a key and gives nothing of it away. */
export function seriesKeyId({ label }: SeriesName, key: Uint8Array): string {
  return createHmac("sha256", key)
    .update(label)
    .digest("hex")
    .slice(0, 2 * kidBytes)
}

export interface SeriesFiles {
  readonly current: string
  former(kid: string): string
}

export function seriesFiles(directory: string, { stem }: SeriesName): SeriesFiles {
  return {
    current: join(directory, `${stem}.key`),
    former: (kid) => join(directory, `${stem}-${kid}.key`),
  }
}

/**
 * The keys of the directory; the first one is made if there is none, unless keys of before are: then it was lost.
 * Errors: CONFIG_INVALID, DISK_FULL, DISK_FAILED.
 */
export async function openSeries(
  directory: string,
  name: SeriesName,
  files: FileSystem = nodeFiles,
): Promise<KeySeries> {
  const pattern = new RegExp(`^${name.stem}-([0-9a-f]{8})\\.key$`)
  const kids = (await listIfAny(directory, files)).map((file) => pattern.exec(file)?.[1])
  const former: SeriesKey[] = []
  for (const kid of kids.filter((one) => one !== undefined).sort()) {
    former.push(await readFormer(directory, name, kid, files))
  }
  const { current: path } = seriesFiles(directory, name)
  const found = await readSecret(path, files)
  if (found === undefined && former.length > 0) {
    throw new PosternError("CONFIG_INVALID", `${path} is missing: bring it back from its backup`)
  }
  const key = found ?? (await makeSecret(path, files))
  const current = { kid: seriesKeyId(name, key), key }
  return { current, all: [current, ...former.filter(({ kid }) => kid !== current.kid)] }
}

async function readFormer(
  directory: string,
  name: SeriesName,
  kid: string,
  files: FileSystem,
): Promise<SeriesKey> {
  const path = seriesFiles(directory, name).former(kid)
  const key = await readSecret(path, files)
  if (key !== undefined && seriesKeyId(name, key) === kid) return { kid, key }
  throw new PosternError("CONFIG_INVALID", `${path} is not the key that its name says`)
}
