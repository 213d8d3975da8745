import { PosternError } from "@postern/log/base"

const askedInWindowMax = 60
const windowMs = 60_000

/** How often may be asked what would tell, asked often enough, about everybody. */
export class QuestionBudget {
  readonly #now: () => number
  /** When the newest questions were asked, in milliseconds; one that the clock's going back puts ahead counts as well. */
  #asked: number[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** Errors: RATE_LIMITED. */
  spend(): void {
    const now = this.#now()
    this.#asked = this.#asked.filter((at) => now - at < windowMs)
    if (this.#asked.length >= askedInWindowMax)
      throw new PosternError("RATE_LIMITED", `${askedInWindowMax} questions a minute`)
    this.#asked.push(now)
  }
}
