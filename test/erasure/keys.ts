import { join } from "node:path"
import { KeyFile } from "../../packages/server/dist/disclosures/key-file.js"
import { readSecret } from "../../packages/server/dist/disclosures/secret-file.js"
import { WrappingKey } from "../../packages/server/dist/disclosures/wrapping-key.js"
import { nodeFiles } from "../../packages/server/dist/disk/index.js"

/** A key as a thief would take it, with what it was wrapped in: by its number. */
export async function stealKey(
  directory: string,
  number: number,
): Promise<Record<"key" | "wrapped" | "wrapping", Buffer>> {
  const file = await KeyFile.openToRead(
    join(directory, "data/disclosures/personal.keys"),
    nodeFiles,
  )
  if (file === undefined) throw new Error("there are no keys")
  try {
    const path = join(directory, "sealing", `personal-${file.header.generation}.key`)
    const wrapping = await readSecret(path)
    const found = file.record(number)
    if (wrapping === undefined || found?.record.held === undefined)
      throw new Error(`key ${number} is not there`)
    const wrapped = Buffer.from(found.record.held.wrapped)
    const key = new WrappingKey(file.header.generation, wrapping).unwrap(wrapped, found.bytes)
    if (key === undefined) throw new Error("the key does not open")
    return { key, wrapped, wrapping: Buffer.from(wrapping) }
  } finally {
    await file.release().close()
  }
}

/** A secret as it may stand in a file. */
export function spellings(name: string, secret: Buffer): Record<string, Buffer> {
  const spelled = { hex: "hex", base64: "base64", base64url: "base64url" } as const
  const texts = Object.entries(spelled).map(([how, encoding]) => {
    return [`${name} as ${how}`, Buffer.from(secret.toString(encoding))] as const
  })
  return { [name]: secret, ...Object.fromEntries(texts) }
}
