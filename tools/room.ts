/** A room of the house, as the floor tables describe it. */
export interface Room {
  /** Folder below packages/<package>/src, led by the package: `server/port/session`. The package alone is its door, src/index.ts. */
  readonly name: string
  /** Rooms that may be imported, besides the room itself. */
  readonly uses: readonly string[]
  /** Reads no clock, no file, no socket, no chance; holds no timer. The world comes in as arguments. */
  readonly pure?: true
  /** What a pure room may import from rooms that are not, besides types: functions of their arguments. */
  readonly borrows?: readonly string[]
  /** Folders inside are rooms of their own; the files directly in it are its short driver. */
  readonly wing?: true
  /** Packages of others that may be imported. Tests may import vitest and fast-check besides. */
  readonly outside?: readonly string[]
  /** Rooms and packages that its tests may import besides. */
  readonly testsUse?: readonly string[]
}

/** The rooms of packages/log. */
export const language = ["base", "event", "tlog", "wire", "query", "core", "evidence"].map(
  (room) => `log/${room}`,
)
