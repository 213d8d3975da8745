/**
 * The floors of the house as data: which rooms there are, what each may import, which must stay pure. A new
 * arrow is a line here, which a reviewer sees. floors.test.ts holds every import against this table, and
 * house-diagram.ts draws it into ARCHITECTURE.md.
 */

import { clientRooms } from "./client-floors.ts"
import { guardRooms } from "./guard-floors.ts"
import { language, type Room } from "./room.ts"

export type { Room } from "./room.ts"

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

  ...clientRooms,

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
  { name: "server/policy/detectors", uses: ["log/base"], pure: true, outside: ["re2js"] },
  {
    name: "server/policy/rules",
    uses: [...language, "server/access", "server/config", "server/policy/detectors"],
    pure: true,
    borrows: ["readDocument", "formatPath"],
    outside: ["zod"],
    testsUse: ["yaml"],
  },
  {
    name: "server/policy/sieve",
    uses: [...language, "server/policy/detectors", "server/policy/rules"],
    pure: true,
    testsUse: ["@sd-jwt/decode"],
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

  { name: "server/erasure", uses: language, pure: true },

  {
    name: "server/retention",
    uses: [...language, "server/disk", "server/policy/rules"],
    testsUse: ["server/guard/verify"],
  },

  {
    name: "server/evidence",
    uses: [...language, "server/disk", "server/disclosures"],
    testsUse: ["server/guard/verify"],
  },

  {
    name: "server/formats",
    uses: [...language, "server/config"],
    pure: true,
    borrows: ["readDocument"],
    outside: ["zod"],
    testsUse: ["yaml"],
  },
  {
    name: "server/port/adapters",
    uses: [...language, "server/formats"],
    pure: true,
    testsUse: ["@bufbuild/protobuf", "@bufbuild/protobuf/wkt"],
  },
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
    name: "server/port/policy",
    uses: [
      ...language,
      ...["policy/rules", "policy/sieve", "port/sequencer"].map((room) => `server/${room}`),
    ],
    pure: true,
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
  {
    name: "server/port/syslog",
    uses: [
      ...language,
      ...["access", "acceptor", "formats", "port/adapters", "port/sequencer", "port/session"].map(
        (room) => `server/${room}`,
      ),
    ],
    testsUse: ["server/port/listener"],
  },
  { name: "server/port/admin", uses: language },
  {
    name: "server/port/keeper",
    uses: [...language, ...["config", "disclosures", "disk"].map((room) => `server/${room}`)],
  },
  { name: "server/port/witnesses", uses: language },
  { name: "server/port/ops", uses: [...language, "server/acceptor"], outside: ["prom-client"] },
  {
    name: "server/port",
    wing: true,
    uses: [
      ...language,
      ...[
        ...["access", "approval", "config", "acceptor", "disk", "disclosures"],
        ...["erasure", "policy/rules", "policy/sieve", "postbox", "renewal", "retention"],
      ].map((room) => `server/${room}`),
      ...[
        "adapters",
        "policy",
        "session",
        "sequencer",
        "signer",
        "listener",
        "admin",
        "keeper",
        "ops",
        "syslog",
        "witnesses",
      ].map((room) => `server/port/${room}`),
    ],
  },

  { name: "server/reader/survey", uses: language, pure: true },
  { name: "server/reader/index", uses: [...language, "server/disclosures", "server/disk"] },
  {
    name: "server/reader/api",
    uses: [
      ...language,
      ...[
        ...["access", "acceptor", "disclosures", "disk", "evidence"],
        ...["policy/rules", "reader/index", "reader/survey"],
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
        ...["policy/rules", "renewal"],
      ].map((room) => `server/${room}`),
    ],
    outside: ["@hono/node-server", "hono", "prom-client", "zod"],
  },

  ...guardRooms,

  { name: "server/door", uses: language, testsUse: ["server/guard/pki"] },

  {
    name: "server/mirror",
    uses: [...language, "server/disk", "server/evidence", "server/retention"],
    testsUse: ["server/guard/verify"],
  },

  {
    name: "server/agent/settings",
    uses: [...language, "server/config", "server/formats"],
    pure: true,
    borrows: ["readDocument", "parseHostPort", "formatHostPort", "scopeOf"],
    outside: ["zod"],
    testsUse: ["yaml"],
  },
  { name: "server/agent/records", uses: language, pure: true },
  { name: "server/agent/positions", uses: language, pure: true },
  { name: "server/agent/pressure", uses: language, pure: true },
  { name: "server/agent/tail", uses: language, pure: true },
  {
    name: "server/agent",
    wing: true,
    uses: [
      ...language,
      "client",
      ...["config", "formats", "lifetime"].map((room) => `server/${room}`),
      ...["settings", "records", "positions", "pressure", "tail"].map(
        (room) => `server/agent/${room}`,
      ),
    ],
    testsUse: ["server/guard/pki", "server/guard/setup"],
  },

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
        ...["access", "config", "disclosures", "disk", "lifetime", "postbox", "renewal"],
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
        "erasure",
        "formats",
        "guard/pki",
        "guard/setup",
        "guard/verify",
        "postbox",
        "retention",
        "supervisor",
      ].map((room) => `server/${room}`),
      "server/witness",
      "server/reader/index",
      "server/courier/alerts",
      "server/guard/access",
      "server/guard/anchor",
      "server/guard/break-glass",
      "server/guard/connect",
      "server/guard/doctor",
      "server/guard/exposure",
      "server/guard/firewall",
      "server/guard/install",
      "server/guard/keys",
      "server/guard/certificates",
      "server/guard/restore",
      "server/guard/monitor",
      "server/guard/policy",
      "server/policy/rules",
      "server/door",
      "server/mirror",
      "server/evidence",
      "server/agent",
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
  ["server/agent", "server/port"],
  ["server/agent", "server/reader"],
]
