let made = 0

/** An event that the port takes; members given take the place of the usual ones. */
export function eventOf(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: `event-${process.pid}-${made++}`,
    time: "2026-11-22T12:00:00.123Z",
    source: "app://billing",
    action: "invoice.deleted",
    outcome: "success",
    actor: { type: "user", id: "alice" },
    targets: [{ type: "invoice", id: "4711" }],
    ...members,
  }
}

export function eventText(members: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify(eventOf(members))
}
