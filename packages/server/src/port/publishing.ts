import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { type Config, dataDirectories } from "../config/index.ts"
import { CheckpointLoop } from "./checkpoint-loop.ts"
import type { OpenedLog } from "./open-log.ts"
import { openWitnesses } from "./open-witnesses.ts"
import type { PortWorld } from "./port.ts"
import type { Contradiction, Witnesses } from "./witnesses/index.ts"

/** What makes checkpoints, and what hears of their cosignatures: each has to do with the other. */
export interface Publishing {
  readonly checkpoints: CheckpointLoop
  /** Undefined if the configuration names none. */
  readonly witnesses: Witnesses | undefined
  /** Called when a witness contradicts this log; nothing is signed from then on. */
  onContradiction(listener: (contradiction: Contradiction) => void): void
}

/** @throws PosternError CONFIG_INVALID · POLICY_INVALID */
export async function openPublishing(
  config: Config,
  world: PortWorld,
  log: OpenedLog,
): Promise<Publishing> {
  const { store, signer, counters, commits, own, keyLedger } = log
  let witnesses: Witnesses | undefined
  let heard: (contradiction: Contradiction) => void = () => undefined
  const checkpoints = new CheckpointLoop(
    {
      ...{ store, signer, counters, fatal: world.fatal },
      // Nothing is signed by a new key before the tree holds the entry that says so.
      durableHead: () => {
        const { head } = commits
        return head !== undefined && keyLedger.covers(head.size) ? head : undefined
      },
      beforePublishing: (size, note) => keyLedger.settle(size, note),
      stopped: () => witnesses?.contradiction !== undefined,
      publishing: (size, note) => witnesses?.publishing(size, note),
      refused: (reason) => {
        own.record({ action: "postern.signing.refused", outcome: "denied", data: { reason } })
        world.tell("error", "nothing is signed any more", { reason })
      },
    },
    log.signedSize,
    readPublished(config),
  )
  witnesses = await openWitnesses(config, log, {
    now: () => world.clock.milliseconds(),
    signedSize: () => checkpoints.signed,
    republish: (change) => checkpoints.republish(change),
    record: (entry) => own.record(entry),
    witnessed: (note, policy) => keyLedger.witnessed(note, policy),
    contradicted: (contradiction) => {
      world.tell("error", "a witness contradicts this log: nothing is signed any more", {
        ...contradiction,
      })
      heard(contradiction)
    },
    failed: (error) => {
      // The next cosignature brings these along.
      if (!(error instanceof PosternError && error.code === "DISK_FULL")) world.fatal(error)
    },
  })
  return {
    checkpoints,
    witnesses,
    onContradiction: (listener) => {
      heard = listener
    },
  }
}

function readPublished(config: Config): string | undefined {
  const file = join(dataDirectories(config).log, "checkpoint")
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}
