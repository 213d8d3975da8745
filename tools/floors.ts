/**
 * The floors of the house as data: which rooms there are, what each may import, which must stay pure. A new
 * arrow is a line here, which a reviewer sees. floors.test.ts holds every import against this table, and
 * house-diagram.ts draws it into ARCHITECTURE.md.
 */

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

const language = ["base", "event", "tlog", "wire", "query", "core", "evidence"].map(
  (room) => `log/${room}`,
)

/** From the ground up. */
export const rooms: readonly Room[] = [
  { name: "log/base", uses: [], pure: true },
  { name: "log/event", uses: ["log/base"], pure: true, testsUse: ["@sd-jwt/decode"] },
  { name: "log/tlog", uses: ["log/base"], pure: true },
  { name: "log/wire", uses: ["log/base"], pure: true },
  { name: "log/core", uses: ["log/base", "log/event"], pure: true },
  { name: "log/query", uses: ["log/base", "log/event"], pure: true },
  {
    name: "log/evidence",
    uses: ["log/base", "log/event", "log/tlog", "log/wire"],
    pure: true,
  },
  { name: "log", uses: [], pure: true },

  { name: "client/profile", uses: language, testsUse: ["yaml"] },
  {
    name: "client/renewal",
    uses: [...language, "client/profile"],
    testsUse: ["@peculiar/x509"],
  },
  { name: "client/writer", uses: [...language, "client/profile", "client/renewal"] },
  { name: "client/reader", uses: [...language, "client/profile", "client/renewal"] },
  {
    name: "client",
    uses: [...language, "client/profile", "client/renewal", "client/writer", "client/reader"],
  },

  { name: "server/config", uses: language, outside: ["yaml", "zod"] },
  {
    name: "server/access",
    uses: [...language, "server/config"],
    pure: true,
    borrows: ["readDocument"],
    outside: ["yaml", "zod"],
  },
  {
    name: "server/alerts",
    uses: [...language, "server/config"],
    pure: true,
    borrows: ["readDocument"],
    outside: ["zod"],
    testsUse: ["yaml"],
  },
  {
    name: "server/acceptor",
    uses: [...language, "server/access", "server/config"],
    testsUse: ["server/guard/pki", "@peculiar/x509"],
  },
  {
    name: "server/renewal",
    uses: [...language, "server/access", "server/postbox"],
    testsUse: ["server/guard/pki", "@peculiar/x509"],
  },
  {
    name: "server/approval",
    uses: [...language, "server/access"],
    pure: true,
    testsUse: ["server/guard/pki"],
  },
  { name: "server/disk", uses: language },
  { name: "server/lifetime", uses: [...language, "server/disk"] },
  { name: "server/postbox", uses: [...language, "server/disk"] },
  { name: "server/disclosures", uses: [...language, "server/disk"] },

  {
    name: "server/evidence",
    uses: [...language, "server/disk", "server/disclosures"],
    testsUse: ["server/guard/verify"],
  },

  { name: "server/port/adapters", uses: language, pure: true },
  {
    name: "server/port/sequencer",
    uses: [...language, "server/disk"],
    pure: true,
    borrows: [
      "alignSlot",
      "batchKind",
      "batchRowBytes",
      "completedNodes",
      "encodeBatchRow",
      "encodeSlotHeader",
      "slotBytesMax",
      "slotEntriesMax",
      "slotHeaderBytes",
      "splitRecords",
    ],
  },
  {
    name: "server/port/session",
    uses: [...language, "server/access", "server/port/sequencer"],
    pure: true,
  },
  { name: "server/port/signer", uses: [...language, "server/disk"] },
  {
    name: "server/port/listener",
    uses: [
      ...language,
      ...["access", "acceptor", "port/adapters", "port/sequencer", "port/session"].map(
        (room) => `server/${room}`,
      ),
    ],
  },
  { name: "server/port/admin", uses: language },
  { name: "server/port/witnesses", uses: language },
  { name: "server/port/ops", uses: [...language, "server/acceptor"], outside: ["prom-client"] },
  {
    name: "server/port",
    wing: true,
    uses: [
      ...language,
      ...[
        ...["access", "approval", "config", "acceptor", "disk", "disclosures"],
        ...["postbox", "renewal"],
      ].map((room) => `server/${room}`),
      ...[
        "adapters",
        "session",
        "sequencer",
        "signer",
        "listener",
        "admin",
        "ops",
        "witnesses",
      ].map((room) => `server/port/${room}`),
    ],
  },

  { name: "server/reader/survey", uses: language, pure: true },
  { name: "server/reader/index", uses: [...language, "server/disk"] },
  {
    name: "server/reader/api",
    uses: [
      ...language,
      ...[
        ...["access", "acceptor", "disclosures", "disk", "evidence"],
        ...["reader/index", "reader/survey"],
      ].map((room) => `server/${room}`),
    ],
    outside: ["hono", "zod"],
  },
  {
    name: "server/reader",
    wing: true,
    uses: [
      ...language,
      "client",
      ...[
        ...["access", "config", "acceptor", "disk", "disclosures", "evidence", "reader/api"],
        ...["alerts", "approval", "lifetime", "postbox", "reader/index", "reader/survey"],
        ...["renewal"],
      ].map((room) => `server/${room}`),
    ],
    outside: ["@hono/node-server", "hono", "prom-client", "zod"],
  },

  {
    name: "server/guard/pki",
    uses: [...language, "server/access"],
    outside: ["@peculiar/x509"],
  },
  {
    name: "server/guard/setup",
    uses: [
      ...language,
      "client",
      ...["access", "alerts", "config", "guard/pki"].map((room) => `server/${room}`),
    ],
  },
  {
    name: "server/guard/certificates",
    uses: [
      ...language,
      "client",
      ...["access", "acceptor", "config", "guard/pki", "guard/setup"].map(
        (room) => `server/${room}`,
      ),
    ],
  },
  {
    name: "server/guard/keys",
    uses: [
      ...language,
      "client",
      ...["config", "disclosures", "guard/pki", "guard/setup"].map((room) => `server/${room}`),
    ],
  },
  {
    name: "server/guard/restore",
    uses: [
      ...language,
      "client",
      ...["config", "disk", "guard/pki", "guard/setup", "guard/verify"].map(
        (room) => `server/${room}`,
      ),
    ],
  },
  { name: "server/guard/verify", uses: [...language, "client", "server/disk"] },
  {
    name: "server/guard/monitor",
    uses: [...language, "server/disk", "server/guard/verify"],
    outside: ["zod"],
  },

  {
    name: "server/guard/anchor",
    uses: [...language, "server/disk", "server/guard/pki"],
    testsUse: ["server/guard/verify"],
  },

  {
    name: "server/guard/access",
    uses: [
      ...language,
      "client",
      ...["access", "approval", "config", "guard/setup"].map((room) => `server/${room}`),
    ],
    outside: ["yaml", "zod"],
  },
  { name: "server/guard/break-glass", uses: language },
  { name: "server/guard/exposure", uses: [...language, "server/config"] },
  {
    name: "server/guard/doctor",
    uses: [
      ...language,
      "client",
      ...[
        ...[
          "access",
          "config",
          "guard/access",
          "guard/certificates",
          "guard/exposure",
          "guard/firewall",
        ],
        "guard/keys",
        "guard/pki",
      ].map((room) => `server/${room}`),
    ],
  },

  {
    name: "server/guard/firewall/dialects",
    uses: [...language, "server/access", "server/config"],
    pure: true,
    outside: ["yaml"],
  },
  {
    name: "server/guard/firewall",
    wing: true,
    uses: [...language, "server/config", "server/guard/firewall/dialects"],
  },

  { name: "server/door", uses: language, testsUse: ["server/guard/pki"] },

  { name: "server/mirror", uses: [...language, "server/disk"], testsUse: ["server/guard/verify"] },

  { name: "server/courier/witnesses", uses: language },
  {
    name: "server/courier/renewal",
    uses: [
      ...language,
      ...["access", "config", "guard/certificates", "guard/pki", "postbox", "renewal"].map(
        (room) => `server/${room}`,
      ),
    ],
    testsUse: ["client", "server/guard/setup"],
  },
  {
    name: "server/courier/alerts",
    uses: [
      ...language,
      "client",
      ...["access", "alerts", "config", "disk", "lifetime"].map((room) => `server/${room}`),
    ],
    testsUse: ["server/guard/pki"],
  },
  {
    name: "server/courier",
    wing: true,
    uses: [
      ...language,
      ...[
        ...["access", "config", "disk", "lifetime", "postbox", "renewal"],
        ...["alerts", "courier/alerts", "courier/renewal", "courier/witnesses"],
      ].map((room) => `server/${room}`),
    ],
  },

  {
    name: "server/witness",
    uses: [...language, "server/config", "server/disk"],
  },

  { name: "server/supervisor", uses: language },
  {
    name: "server/guard/install",
    uses: [...language, "server/config", "server/supervisor"],
  },
  {
    name: "server/cli",
    uses: [
      ...language,
      "client",
      ...[
        "access",
        "alerts",
        "approval",
        "config",
        "disclosures",
        "disk",
        "guard/pki",
        "guard/setup",
        "guard/verify",
        "postbox",
        "supervisor",
      ].map((room) => `server/${room}`),
      "server/witness",
      "server/reader/index",
      "server/courier/alerts",
      "server/guard/access",
      "server/guard/anchor",
      "server/guard/break-glass",
      "server/guard/doctor",
      "server/guard/exposure",
      "server/guard/firewall",
      "server/guard/install",
      "server/guard/keys",
      "server/guard/certificates",
      "server/guard/restore",
      "server/guard/monitor",
      "server/door",
      "server/mirror",
      "server/evidence",
    ],
    outside: ["commander", "zod"],
  },
  { name: "server", uses: [] },
]

/** Wings that meet on disk and on the wire, never in an import, in neither direction and at no depth. */
export const never: readonly (readonly [string, string])[] = [
  ["server/port", "server/reader"],
  ["server/courier", "server/port"],
  ["server/courier", "server/reader"],
  ["server/guard", "server/port"],
  ["server/guard", "server/reader"],
  ["server/mirror", "server/port"],
  ["server/mirror", "server/reader"],
]
