import { concatBytes, encodeUtf8, formatBase64Url, sha256 } from "@postern/log/base"

const rememberedMax = 65_536

interface Trial {
  readonly key: string
  /** Milliseconds. */
  readonly at: number
}

/**
 * Remembers which contents came lately, by writer and rule: the equal that comes within the rule's seconds is not kept. What found no
 * place in the log is not remembered.
 */
export class RecentContents {
  /** When the first one came, in milliseconds; the oldest stand first. */
  readonly #first = new Map<string, number>()
  /** Those of the batch that is looked at now, by where their events stand: they may be refused after all, or the batch found no room. */
  #tried = new Map<number, Trial>()
  /** What was looked at last and is no repeat. */
  #looked: Trial | undefined

  /** Whether an equal one came at most `seconds` before `now`. */
  isRepeat(
    content: { readonly writer: string; readonly rule: string; readonly bytes: Uint8Array },
    seconds: number,
    now: number,
  ): boolean {
    const { writer, rule, bytes } = content
    const key = formatBase64Url(sha256(concatBytes(encodeUtf8(`${writer}\0${rule}\0`), bytes)))
    const first = this.#first.get(key)
    if (first !== undefined && now >= first && now - first <= 1000 * seconds) return true
    this.#looked = { key, at: now }
    return false
  }

  /**
   * What became of the event that was looked at last, if it is no repeat.
   * @param where it stands; undefined if it is refused
   * @param fits whether it certainly gets its place if the batch does: then it counts for those behind it in the batch
   */
  stands(where: number | undefined, fits: boolean): void {
    const looked = this.#looked
    this.#looked = undefined
    if (looked === undefined || where === undefined) return
    this.#tried.set(where, looked)
    if (fits) this.#remember(looked)
  }

  /** The batch found no room: it comes again. */
  forgetTried(): void {
    for (const { key } of this.#tried.values()) this.#first.delete(key)
    this.#tried = new Map()
  }

  /** The batch has its place. @param kept where the events stand that are in it; asked for only if that matters */
  placed(kept: () => ReadonlySet<number>): void {
    if (this.#tried.size === 0) return
    const accepted = kept()
    const tried = [...this.#tried]
    this.forgetTried()
    for (const [where, trial] of tried) if (accepted.has(where)) this.#remember(trial)
  }

  #remember({ key, at }: Trial): void {
    this.#first.delete(key)
    this.#first.set(key, at)
    for (const oldest of this.#first.keys()) {
      if (this.#first.size <= rememberedMax) break
      this.#first.delete(oldest)
    }
  }
}
