import { randomUUID } from "node:crypto"
import { basename } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { Details } from "@postern/client"
import { isPosternError, limits, PosternError } from "@postern/log/base"
import type { CommandEnd } from "./child-command.ts"
import type { Invoker } from "./invoker.ts"
import type { RunSpools } from "./run-spool.ts"
import type { TerminalRecording } from "./terminal-recording.ts"

export interface CommandFacts {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly invoker: Invoker
  readonly reason: { readonly text?: string; readonly ticket?: string }
}

const confirmMs = 15_000
/** How long a start that may stand in the spool waits for the port. */
const spoolMs = 3_000
const paddingPiece = " ".repeat(1024)

/** Two entries about a command, `command.started` and `command.ended`, joined by `trace.pairId`. */
export class ToldCommand {
  readonly #spools: RunSpools
  readonly #facts: CommandFacts
  readonly #pairId = randomUUID()

  constructor(spools: RunSpools, facts: CommandFacts) {
    this.#spools = spools
    this.#facts = facts
  }

  /**
   * Resolves once the start is on stable storage of the port, true, or in the spool where that is enough, false. Errors: the code for which
   * it was refused; UNREACHABLE. Then the command must not start, and a start that is kept all the same is said to have come to nothing.
   * @param away resolves if the port turns out not to answer
   */
  async start(maySpool: boolean, away: Promise<false>): Promise<boolean> {
    const { audit } = this.#spools
    const taken = audit.confirm("command.started", {
      ...this.#details("attempt"),
      outcome: "unknown",
    })
    const outcome = taken.then(
      () => true,
      (error: unknown) => error,
    )
    const answer = await Promise.race([
      outcome,
      ...(maySpool
        ? [away, pause(spoolMs, false, { ref: false })]
        : [pause(confirmMs, false, { ref: false })]),
    ])
    if (answer === true || isNotKept(answer)) return true
    if (maySpool && (answer === false || isUnreachable(answer))) {
      await audit.spooled()
      return false
    }
    if (answer !== false && !isUnreachable(answer)) throw answer
    audit("command.ended", {
      ...this.#details("result"),
      outcome: "error",
      data: { exitCode: null, signal: null, durationMs: 0, problem: "NOT_STARTED" },
    })
    throw new PosternError("UNREACHABLE", "the start could not be recorded, so nothing was started")
  }

  end(
    { exitCode, signal, problem }: CommandEnd,
    durationMs: number,
    recording: TerminalRecording | undefined,
  ): void {
    const how = {
      exitCode,
      signal: signal ?? null,
      durationMs,
      ...(problem === undefined ? {} : { problem }),
    }
    this.#spools.audit("command.ended", {
      ...this.#details("result"),
      outcome:
        exitCode === 0
          ? "success"
          : problem === undefined && signal === undefined
            ? "failure"
            : "error",
      data: how,
      ...(recording === undefined ? {} : { response: sealable(recording) }),
    })
  }

  #details(phase: "attempt" | "result"): Details {
    const { argv, cwd, invoker, reason } = this.#facts
    const { actor, origin, more } = invoker
    return {
      actor,
      targets: [{ type: "command", id: basename(argv[0] ?? "") }],
      origin,
      reason,
      trace: { pairId: this.#pairId, phase },
      ...(phase === "attempt" ? { data: { argv, cwd, ...more } } : {}),
    }
  }
}

/**
 * A value that is too large for an entry is sealed beside the log (docs/spec/disclosures.md): so is each recording, and a short one does not
 * show how short. In pieces, so that the port's detectors need not give a long text up.
 */
function sealable(recording: TerminalRecording): Details["response"] {
  const bytes = Buffer.byteLength(JSON.stringify(recording))
  const pieces = Math.max(0, Math.ceil((limits.entryBytesMax - bytes) / paddingPiece.length))
  return { recording, padding: new Array<string>(pieces).fill(paddingPiece) }
}

/** The port has it, and its policy keeps less than all: that is its decision, and is counted in the log. */
function isNotKept(answer: unknown): boolean {
  return isPosternError(answer) && answer.code === "EVENT_NOT_KEPT"
}

function isUnreachable(answer: unknown): boolean {
  return isPosternError(answer) && answer.kind === "busy"
}
