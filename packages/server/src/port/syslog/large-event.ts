import { type AdapterRegion, httpAdapter } from "../adapters/index.ts"
import type { PortMemory } from "../sequencer/index.ts"
import type { OfferedBody } from "../session/index.ts"

/** Takes a value out of an event of a writer; stores nothing. */
export type Disclose = (
  writer: string,
  item: Uint8Array,
  name: string,
  value: Uint8Array,
) => AdapterRegion["keptOut"][number]["values"][number]

export type FramedEvents = Pick<
  OfferedBody,
  "region" | "count" | "changed" | "tooLarge" | "keptOut"
>

/** An event that fits no entry, framed as one that came by HTTP: the value that makes it large goes beside the log. */
export function frameLarge(
  memory: PortMemory,
  event: Uint8Array,
  writer: string,
  disclose: Disclose,
): FramedEvents {
  const { core, body, events, eventsBytes, spans, spansMax } = memory
  core.memory.set(event, body)
  const run = httpAdapter.open({
    ...{ core, at: body, end: body + event.length, contentType: "application/json" },
    ...{ spans, spansMax, itemBytesMax: event.length },
    // The event has them all.
    ...{ path: "", headers: {}, source: "", sourceOf: () => "", now: "", id: () => "" },
    keepOut: (item, name, value) => disclose(writer, item, name, value),
  })
  const made = run.next(events, events + eventsBytes, 1)
  if (made === undefined) throw new Error("invariant broken: there is one event")
  const { end, count, keptOut, tooLarge } = made
  const changed = keptOut.length > 0 ? 3 : 2
  return { region: core.memory.slice(events, end), count, changed, keptOut, tooLarge }
}
