import { encodeMeta, type Meta, metaSlotBytes } from "./meta.ts"
import { Segment } from "./segment.ts"

/** The file `meta`, which always tells the newest state that was handed in; one write at a time, the latest wins. */
export class MetaFile {
  readonly #file: Segment
  #generation: number
  #wanted: Meta | undefined
  #writing: Promise<void> | undefined

  private constructor(file: Segment, generation: number) {
    this.#file = file
    this.#generation = generation
  }

  /** @param generation of the newest slot in the file; 0 if there is none */
  static open(path: string, generation: number): MetaFile {
    return new MetaFile(Segment.open(path, 2 * metaSlotBytes), generation)
  }

  /** Resolves when this state, or a newer one, is written: it outlives the process. */
  write(meta: Meta): Promise<void> {
    this.#wanted = meta
    this.#writing ??= this.#writeWanted().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  /** As write(), and on stable storage. */
  async writeDurably(meta: Meta): Promise<void> {
    await this.write(meta)
    await this.#file.sync()
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #writeWanted(): Promise<void> {
    while (this.#wanted !== undefined) {
      const meta = this.#wanted
      this.#wanted = undefined
      const generation = this.#generation + 1
      const slot = encodeMeta(meta, generation)
      await this.#file.write([slot], (generation % 2) * metaSlotBytes)
      this.#generation = generation
    }
  }
}
