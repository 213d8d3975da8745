import type { WriteEvent } from "../writer/index.ts"
import { type AuditedOptions, type Ended, withAudit } from "./with-audit.ts"

/** What an agent asks a tool for. */
export interface ToolCall {
  /** Of the tool. */
  readonly name: string
  /** As the model's own protocol numbers it: `trace.toolCallId`. */
  readonly id?: string
  /** Their values are not kept: the entry has their names, and how long they are as JSON. */
  readonly arguments?: Readonly<Record<string, unknown>>
}

const nameLettersMax = 100

/**
 * withAudit() for a tool that an agent calls: action `tool.NAME.call`, target `tool/NAME`. Who the agent is and for whom it acts comes from
 * the context: call it inside runAsAgent().
 */
export function withToolCall<T>(
  audit: WriteEvent,
  call: ToolCall,
  fn: () => T,
  options?: AuditedOptions,
): Ended<T> {
  const { name, id } = call
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-")
  const details = {
    ...{ category: "access", op: "execute", target: { type: "tool", id: name } },
    trace: id === undefined ? {} : { toolCallId: id },
    data: { toolCall: { name, ...describe(call.arguments) } },
  }
  return withAudit(audit, `tool.${plain.slice(0, nameLettersMax)}.call`, details, fn, options)
}

/** Names and size: no value, and no digest, by which a value could be guessed. */
function describe(given: ToolCall["arguments"]): object {
  if (given === undefined) return {}
  const names = Object.keys(given)
  try {
    return { arguments: names, argumentsBytes: Buffer.byteLength(JSON.stringify(given)) }
  } catch {
    return { arguments: names } // Not JSON (a BigInt, a cycle).
  }
}
