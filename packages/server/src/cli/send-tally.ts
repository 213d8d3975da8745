import type { ErrorCode, PosternError } from "@postern/log/base"

export interface SendError {
  /** Of the input, from 1. */
  readonly line: number
  readonly code: string
  readonly message: string
  readonly hint: string
}

const errorsMax = 1000

/** What became of the events of one `postern send`. */
export class SendTally {
  accepted = 0
  refused = 0
  /** Recognised by the port: they are in the log already. */
  duplicates = 0
  /** The policy keeps less than all of them: they are counted in the log, and nothing is wrong. */
  notKept = 0
  /** In the spool: they go first the next time. */
  waiting = 0
  /** Answered, but without the receipt: after a reconnection the port may no longer have it at hand. */
  unproven = 0
  /** The first ones. */
  readonly errors: SendError[] = []
  readonly #told: (error: SendError) => void

  /** @param told hears of each refused line, as it comes */
  constructor(told: (error: SendError) => void) {
    this.#told = told
  }

  get lines(): number {
    const settled = this.accepted + this.refused + this.duplicates + this.notKept
    return settled + this.waiting + this.unproven
  }

  refuse(error: SendError): void {
    this.refused += 1
    if (this.errors.length < errorsMax) this.errors.push(error)
    this.#told(error)
  }

  refuseWith(line: number, { code, message, hint }: PosternError): void {
    this.refuse({ line, code: code satisfies ErrorCode, message, hint })
  }
}
