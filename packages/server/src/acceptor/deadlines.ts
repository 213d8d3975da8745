import { assert } from "@postern/log/base"

/** One pending deadline. */
export interface Deadline {
  /** Starts the time anew. A store to one field: cheap enough for every chunk that arrives. */
  touch(): void
  /** Forgets it. Harmless if it has expired. */
  clear(): void
}

export interface Deadlines {
  /**
   * Calls `onExpired(owner)` once if `ms` pass without a touch: never early, at most three ticks
   * late, later only when the process itself was held up.
   */
  set<Owner>(owner: Owner, ms: number, onExpired: (owner: Owner) => void): Deadline
  /** Deadlines pending. */
  count(): number
  /** Forgets all. */
  close(): void
}

export interface DeadlinesOptions {
  /** Resolution. */
  readonly tickMs: number
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number
}

/** The wheel without a clock: time passes when `advance` is called, in ticks. */
export interface Wheel {
  /** Expires in the advance() that reaches `ticks` (at least 1) ticks from now. */
  set<Owner>(owner: Owner, ticks: number, onExpired: (owner: Owner) => void): Deadline
  advance(ticks: number): void
  count(): number
  clear(): void
}

/** Slots of the wheel. A deadline further off goes round once more each time its slot comes up. */
const slotCount = 256

/** Ring of deadlines: a slot's own node has no owner and is linked to itself when empty. */
class Node {
  previous: Node = this
  next: Node = this
  /**
   * Tick at which it expires; a touch moves this alone, the ring is put right when the old slot
   * comes up.
   */
  due = 0
  ticks = 0

  /** Calls back. A slot's own node is never called. */
  expire: () => void = unowned

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this
    this.next = this
  }

  /** Puts `node` last in this ring. */
  append(node: Node): void {
    node.previous = this.previous
    node.next = this
    this.previous.next = node
    this.previous = node
  }

  /** Moves everything of `from` behind what is here. */
  take(from: Node): void {
    if (from.next === from) return
    from.next.previous = this.previous
    this.previous.next = from.next
    from.previous.next = this
    this.previous = from.previous
    from.previous = from
    from.next = from
  }
}

function unowned(): void {
  assert(false, "a slot's own node does not expire")
}

/** A timer wheel: set, touch and clear in constant time, however many there are. Pure. */
export function createWheel(): Wheel {
  const slots = Array.from({ length: slotCount }, () => new Node())
  const due = new Node()
  let tick = 0
  let pending = 0

  const slot = (at: number): Node => {
    const found = slots[at % slotCount]
    assert(found !== undefined, "every tick has a slot")
    return found
  }

  const step = () => {
    tick += 1
    due.take(slot(tick))
    // Callbacks may set and clear at will: what they set lands in other slots, what they clear
    // leaves this ring.
    while (due.next !== due) {
      const node = due.next
      node.unlink()
      if (node.due > tick) {
        slot(node.due).append(node)
      } else {
        pending -= 1
        node.ticks = 0
        node.expire()
      }
    }
  }

  return {
    set(owner, ticks, onExpired) {
      assert(Number.isSafeInteger(ticks) && ticks > 0, "a deadline lies in the future")
      const node = new Node()
      node.ticks = ticks
      node.due = tick + ticks
      node.expire = () => onExpired(owner)
      slot(node.due).append(node)
      pending += 1
      return {
        touch() {
          node.due = tick + node.ticks
        },
        clear() {
          if (node.ticks === 0) return
          node.ticks = 0
          node.unlink()
          pending -= 1
        },
      }
    },
    advance(ticks) {
      for (let i = 0; i < ticks; i++) step()
    },
    count: () => pending,
    clear() {
      for (const ring of [...slots, due]) {
        while (ring.next !== ring) {
          ring.next.ticks = 0
          ring.next.unlink()
        }
      }
      pending = 0
    },
  }
}

/** Ticks that one turn of the interval may count at most: see createDeadlines. */
const turnTicksMax = 2

/**
 * Deadlines for any number of sockets on one interval, which runs only while there are some and
 * keeps no process alive.
 *
 * While the process is held up (a long turn of the event loop, a suspended machine), bytes of its
 * peers wait unread in the kernel. That time must not count against them, so one turn of the
 * interval counts two ticks at most.
 */
export function createDeadlines(options: DeadlinesOptions): Deadlines {
  const { tickMs, now } = options
  assert(tickMs > 0, "a tick has a length")
  const wheel = createWheel()
  let interval: NodeJS.Timeout | undefined
  let last = 0

  const stop = () => {
    clearInterval(interval)
    interval = undefined
  }
  const turn = () => {
    const time = now()
    const passed = Math.floor((time - last) / tickMs)
    // In good time the fraction of a tick is carried on; after a hold-up it is let go, like the
    // rest of it.
    last = passed > 1 ? time : last + passed * tickMs
    wheel.advance(Math.min(passed, turnTicksMax))
    if (wheel.count() === 0) stop()
  }
  return {
    set(owner, ms, onExpired) {
      if (interval === undefined) {
        last = now()
        interval = setInterval(turn, tickMs)
        interval.unref()
      }
      // The turn to come may count time from before this call, up to turnTicksMax.
      return wheel.set(owner, Math.ceil(ms / tickMs) + turnTicksMax, onExpired)
    },
    count: wheel.count,
    close() {
      wheel.clear()
      stop()
    },
  }
}
