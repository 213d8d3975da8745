/** The rooms of the SDK, as data (see floors.ts). */
import { language, type Room } from "./room.ts"

/** From the ground up. */
export const clientRooms: readonly Room[] = [
  { name: "client/profile", uses: language, testsUse: ["yaml"] },
  {
    name: "client/renewal",
    uses: [...language, "client/profile"],
    testsUse: ["@peculiar/x509"],
  },
  { name: "client/context", uses: ["log/event"] },
  {
    name: "client/writer",
    uses: [...language, "client/profile", "client/renewal", "client/context"],
  },
  { name: "client/losses", uses: ["log/base", "client/profile", "client/writer"] },
  { name: "client/actions", uses: ["log/event", "client/writer"], testsUse: ["client/context"] },
  {
    name: "client/requests",
    uses: ["log/event", "client/actions", "client/context", "client/losses", "client/writer"],
  },
  {
    name: "client/records",
    uses: ["log/event", "client/context", "client/losses", "client/writer"],
  },
  {
    name: "client/express",
    uses: ["client/context", "client/losses", "client/requests", "client/writer"],
    testsUse: ["express"],
  },
  {
    name: "client/fastify",
    uses: ["client/context", "client/losses", "client/requests", "client/writer"],
    testsUse: ["fastify"],
  },
  {
    name: "client/pino",
    uses: ["client/context", "client/records", "client/writer"],
    testsUse: ["client/profile", "pino"],
  },
  {
    name: "client/winston",
    uses: ["client/losses", "client/records", "client/writer"],
    testsUse: ["client/context", "winston"],
  },
  {
    name: "client/otel",
    uses: ["client/losses", "client/records", "client/writer"],
    testsUse: ["client/context", "@opentelemetry/sdk-logs"],
  },
  { name: "client/browser", uses: [], testsUse: ["rolldown"] },
  { name: "client/reader", uses: [...language, "client/profile", "client/renewal"] },
  {
    name: "client/outbox",
    uses: [
      ...language,
      ...["context", "profile", "renewal", "writer"].map((room) => `client/${room}`),
    ],
    testsUse: ["pg", "postgres"],
  },
  {
    name: "client/mcp",
    uses: [...language, "client/context", "client/writer"],
    testsUse: ["@modelcontextprotocol/sdk", "zod"],
  },
  {
    name: "client",
    uses: [
      ...language,
      ...["profile", "renewal", "writer", "losses", "reader"].map((room) => `client/${room}`),
    ],
  },
]
