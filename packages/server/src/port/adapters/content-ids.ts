import { sha256 } from "@postern/log/base"

/**
 * Ids of records whose source gives them none, made of what they hold: a record that is sent again gets the same one, so its
 * repeat is recognised. Of records of one body that are equal, each stands for itself: no sender repeats within a body.
 */
export class ContentIds {
  readonly #seen = new Map<string, number>()

  /** @param record says when it happened: without, two different events could look the same */
  of(record: Uint8Array): string {
    const { buffer, byteOffset, length } = sha256(record)
    const id = `sha256:${Buffer.from(buffer, byteOffset, length).toString("hex")}`
    const count = (this.#seen.get(id) ?? 0) + 1
    this.#seen.set(id, count)
    return count === 1 ? id : `${id}/${count}`
  }
}
