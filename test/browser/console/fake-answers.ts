import { type InventedLog, writerId, writerNames } from "./invented-log.ts"

/** What a reader says beside the log itself, made up: one of each thing that a page shows. */
const day = 86_400_000_000

function nowOf(log: InventedLog): number {
  return log.entries.at(-1)?.received ?? 0
}

export function writersAnswer(log: InventedLog) {
  const now = nowOf(log)
  return {
    writers: writerNames.map((name, i) => {
      const own = log.entries.filter(({ writer }) => writer === writerId(name))
      const perHour = Array.from({ length: 24 }, (_, hour) => {
        const from = now - (24 - hour) * 3_600_000_000
        return own.filter(({ received }) => received >= from && received < from + 3_600_000_000)
          .length
      })
      return {
        id: writerId(name),
        lastSeen: own.at(-1)?.received ?? null,
        entries: own.length,
        ...{ perHour, gaps: i === 2 ? 1 : 0, losses: 0, silent: i === 3, streams: 1 + i },
        certificate:
          i === 3
            ? null
            : {
                serial: `0${i}a7c3`,
                notAfter: now + (6 - 2 * i) * day,
                lifeUsed: 0.3 + 0.28 * i,
              },
        grant: {
          sources: [`app://${name.split("-")[0]}`],
          actions: ["*"],
          adapters: ["sdk"],
          rate: "500/s",
        },
        ...{
          owner: i === 1 ? null : "platform@example.org",
          expires: now + 200 * day,
          addresses: [`10.0.0.${i + 7}`],
        },
      }
    }),
  }
}

export function portAnswer(log: InventedLog) {
  const now = nowOf(log)
  const check = (id: string, status: string, evidence: string, fix = "") => ({
    id,
    severity: "high",
    status,
    evidence,
    fix,
  })
  return {
    doctor: {
      at: now - 240_000_000,
      checks: [
        check("ports.listening", "ok", "17514 and 17515 listen on 10.0.0.5 alone"),
        check("exposure.outside", "ok", "no listener on a public address"),
        check(
          "certificates.life",
          "warn",
          "writer hr-portal: 86 % of its life is over",
          "postern writer renew hr-portal --config postern.yaml",
        ),
        check(
          "firewall.rules",
          "unknown",
          "nft is not installed, so the rules could not be read",
          "apt-get install nftables",
        ),
        check("disk.space", "ok", "212 GB free, full in 140 days"),
        check("clock.steps", "ok", "no step in 24 hours"),
      ],
    },
    ready: { ok: true, lines: ["disk ok", "signer ok", "witness quorum ok"] },
    sessions: 4,
    refusals: [
      { code: "WRITER_NOT_GRANTED", count: 12, last: now - 5_400_000_000 },
      { code: "EVENT_TOO_LARGE", count: 1, last: now - 2 * day },
    ],
    ackMs: { p50: 2.1, p99: 9.4 },
    disk: { usedBytes: 88_000_000_000, freeBytes: 212_000_000_000, fullAt: now + 140 * day },
    witnesses: witnesses(log),
  }
}

function witnesses(log: InventedLog) {
  const now = nowOf(log)
  return [
    { name: "witness.example/w1", size: log.size - 2, at: now - 4_000_000, age: 4 },
    { name: "witness.other.example/north", size: log.size - 340, at: now - 900_000_000, age: 900 },
  ]
}

/** @param grant of the reader who asks */
export function accessAnswer(log: InventedLog, grant: object) {
  const now = nowOf(log)
  return {
    digest: "5f02ff6d".repeat(8),
    identities: [
      ...writerNames.map((name, i) => ({
        id: writerId(name),
        role: "writer",
        grant: { sources: [`app://${name.split("-")[0]}`], actions: ["*"] },
        ...{
          owner: i === 1 ? null : "platform@example.org",
          reason: "production",
          expires: now + 200 * day,
        },
        lastSeen: i === 3 ? null : now - i * 3_600_000_000,
        flags: i === 3 ? ["unused"] : [],
      })),
      {
        id: "spiffe://postern.local/reader/investigator-1",
        role: "reader",
        grant,
        owner: "audit@example.org",
        reason: null,
        expires: null,
        lastSeen: now,
        flags: [],
      },
    ],
    revoked: [{ serial: "0a71", reason: "laptop lost" }],
    review: { due: "2026-12-15", state: "open", answered: 3, of: 5 },
  }
}

export function logAnswer(log: InventedLog, checkpoint: string, vkey: string) {
  const segments = Array.from({ length: Math.ceil(log.size / 1000) }, (_, i) => ({
    first: i * 1000,
    entries: Math.min(1000, log.size - i * 1000),
    bytes: Math.min(1000, log.size - i * 1000) * 512,
  }))
  return {
    origin: vkey.split("+")[0],
    ...{ size: log.size, checkpoint, vkey, segments },
    keys: [{ vkey, from: 0, to: null }],
    witnesses: witnesses(log),
    disk: { usedBytes: 88_000_000_000, freeBytes: 212_000_000_000, fullAt: null },
  }
}

export function alertsAnswer(log: InventedLog) {
  const now = nowOf(log)
  const alert = (name: string, query: string, state: string, count: number) => ({
    ...{ name, query, state, count, severity: "high", threshold: 10, window: 300 },
    since: state === "raised" ? now - 600_000_000 : null,
    delivered:
      state === "raised"
        ? { at: now - 590_000_000, webhook: "pager", outcome: "taken", detail: "" }
        : null,
  })
  return {
    questions: [
      {
        name: "Denied deletions",
        query: "outcome:denied AND action:invoice.deleted",
        description: "who tried to delete what",
      },
    ],
    alerts: [
      alert("denied-burst", "outcome:denied", "raised", 31),
      alert("new-role", "action:role.granted", "clear", 2),
      alert("silent-writer", "", "clear", 0),
    ],
  }
}
