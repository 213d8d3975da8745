import type { Config } from "../config/index.ts"
import type { LogView } from "../disk/index.ts"
import type { Tell } from "../lifetime/index.ts"
import type { Handler } from "../postbox/index.ts"

/** One of the things that the courier does; each is opened if the configuration asks for it. */
export interface CourierTask {
  /** What it does, for the line at the start. */
  readonly what: string
  /** What other processes may ask of it through the postbox, by kind. */
  readonly handlers?: Readonly<Record<string, Handler>>
  close(): Promise<void>
}

export interface CourierWorld {
  readonly config: Config
  readonly view: LogView
  readonly tell: Tell
}

/** Undefined if it is not configured. Errors: CONFIG_INVALID, POLICY_INVALID. */
export type OpenTask = (world: CourierWorld) => CourierTask | undefined
