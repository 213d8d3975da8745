/** The rooms of the wing that keeps the port, as data (see floors.ts). */
import { language, type Room } from "./room.ts"

/** From the ground up. */
export const guardRooms: readonly Room[] = [
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
      ...["access", "alerts", "config", "guard/pki", "guard/policy", "policy/rules"].map(
        (room) => `server/${room}`,
      ),
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
  {
    name: "server/guard/verify",
    uses: [...language, "client", "server/disk", "server/erasure"],
    testsUse: ["server/retention"],
  },
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
    name: "server/guard/revisions",
    uses: [...language, "client", "server/access"],
    outside: ["zod"],
  },
  {
    name: "server/guard/policy",
    uses: [
      ...language,
      "client",
      ...["config", "policy/rules", "policy/sieve", "guard/revisions"].map(
        (room) => `server/${room}`,
      ),
    ],
    outside: ["zod"],
  },
  {
    name: "server/guard/access",
    uses: [
      ...language,
      "client",
      ...["access", "approval", "config", "guard/revisions", "guard/setup"].map(
        (room) => `server/${room}`,
      ),
    ],
    outside: ["yaml", "zod"],
  },
  { name: "server/guard/break-glass", uses: language },
  {
    name: "server/guard/connect",
    uses: [...language, "server/access", "server/config"],
    pure: true,
    borrows: ["formatHostPort"],
    testsUse: ["server/agent/settings", "yaml"],
  },
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
        "disclosures",
        "disk",
        "guard/keys",
        "guard/pki",
        "policy/rules",
        "retention",
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
  {
    name: "server/guard/install",
    uses: [...language, "server/config", "server/supervisor"],
  },
]
