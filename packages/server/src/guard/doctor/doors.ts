import type { ConnectionOptions } from "node:tls"
import type { Profile } from "@postern/client"
import { parseHostPort } from "../../config/index.ts"
import type { Finding, Severity } from "../exposure/index.ts"
import { createAuthority, issueCertificate, type KeyPair } from "../pki/index.ts"
import { type Knock, knock, type Reception } from "./knock.ts"

/** The doors, as clients know them, and what it takes to come as somebody else. */
export interface Doors {
  readonly writer: Profile
  readonly reader: Profile
  /** The installation's CA with its key: expired certificates can be made then. */
  readonly authority: KeyPair | undefined
  readonly now: Date
}

type Plane = "write" | "read"

const dayMs = 86_400_000
const questions: Record<Plane, string> = {
  write: "GET /v1/events HTTP/1.1\r\nhost: doctor\r\nconnection: close\r\n\r\n",
  read: "GET /checkpoint HTTP/1.1\r\nhost: doctor\r\nconnection: close\r\n\r\n",
}

/** Who must not be let in, whatever he shows. */
const strangers: readonly {
  readonly id: string
  readonly severity: Severity
  readonly who: string
  tls(come: Coming): ConnectionOptions | string | undefined
}[] = [
  {
    id: "door.plaintext",
    severity: "critical",
    who: "somebody without TLS",
    tls: () => undefined,
  },
  {
    id: "door.no-certificate",
    severity: "critical",
    who: "somebody without a certificate",
    tls: () => ({ ALPNProtocols: ["http/1.1"] }),
  },
  {
    id: "door.foreign-ca",
    severity: "critical",
    who: "a certificate of another CA with the name of a known identity",
    tls: ({ foreign }) => shows(foreign),
  },
  {
    id: "door.expired",
    severity: "critical",
    who: "a known identity whose certificate has expired",
    tls: ({ expired }) =>
      expired === undefined ? "the CA's key is not here to make one (pki.caKey)" : shows(expired),
  },
  {
    id: "door.wrong-role",
    severity: "critical",
    who: "an identity of the other plane",
    tls: ({ other }) => shows(other),
  },
  {
    id: "door.protocol",
    severity: "medium",
    who: "an identity of this plane that offers another protocol (ALPN h2)",
    tls: ({ own }) => ({ ...shows(own), ALPNProtocols: ["h2"] }),
  },
  {
    id: "door.old-tls",
    severity: "high",
    who: "an identity of this plane with TLS 1.2",
    tls: ({ own }) => ({ ...shows(own), minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }),
  },
]

/** Certificates to come with. */
interface Coming {
  readonly own: KeyPair
  readonly other: KeyPair
  readonly foreign: KeyPair
  readonly expired: KeyPair | undefined
}

function shows({ certificate, key }: KeyPair): ConnectionOptions {
  return { cert: certificate, key, ALPNProtocols: ["http/1.1"] }
}

/** Tries both doors from outside, as everybody who must be turned away. */
export async function tryDoors(doors: Doors): Promise<Finding[]> {
  const { writer, reader } = doors
  const asked = [
    ...(await tryDoor("write", writer, reader, doors)),
    ...(await tryDoor("read", reader, writer, doors)),
  ]
  return Promise.all(asked)
}

async function tryDoor(
  plane: Plane,
  own: Profile,
  other: Profile,
  { authority, now }: Doors,
): Promise<Promise<Finding>[]> {
  const address = parseHostPort(own.address)
  const trustDomain = own.id.split("/")[2] ?? ""
  const foreigners = await createAuthority({ trustDomain, now })
  const issue = (by: KeyPair, at: Date) =>
    issueCertificate({ authority: by, id: own.id, usage: "client", now: at, days: 1 })
  const come: Coming = {
    ...{ own, other },
    foreign: await issue(foreigners, now),
    expired:
      authority === undefined ? undefined : await issue(authority, new Date(+now - 3 * dayMs)),
  }
  return strangers.map(async ({ id, severity, who, tls }): Promise<Finding> => {
    const subject = `${plane} ${own.address}`
    const options = tls(come)
    const about = { id, subject, severity, fix: "" }
    if (address === undefined || typeof options === "string") {
      const evidence = typeof options === "string" ? options : "the address is not HOST:PORT"
      return { ...about, result: "unknown", evidence }
    }
    const text = questions[plane]
    const came: Knock = { ...address, tls: options, text }
    return { ...about, ...judge(who, await knock(came)) }
  })
}

/** A stranger must get no byte of an answer. (A TLS alert is none: it comes as an error of the connection.) */
function judge(who: string, reception: Reception): Pick<Finding, "result" | "evidence" | "fix"> {
  switch (reception.state) {
    case "closed":
      return { result: "ok", evidence: `${who} was turned away (${reception.why})`, fix: "" }
    case "answered":
      return {
        result: isAlert(reception.began) ? "ok" : "fail",
        evidence: isAlert(reception.began)
          ? `${who} was turned away (TLS alert)`
          : `${who} got an answer: ${JSON.stringify(reception.began.slice(0, 32))}`,
        fix: isAlert(reception.began)
          ? ""
          : "something else listens there, or stands in between: postern port check",
      }
    case "silent":
      return {
        result: "warn",
        evidence: `${who} was neither answered nor turned away within 5 seconds`,
        fix: "is it Postern that listens there? postern port check",
      }
    case "unreachable":
      return {
        result: "unknown",
        evidence: `the door cannot be reached (${reception.why})`,
        fix: "start the service: postern serve",
      }
  }
}

/** Of a connection without TLS: a record of type alert (RFC 8446 §5.1) is how a TLS server says no. */
function isAlert(began: string): boolean {
  return began.charCodeAt(0) === 21 && began.charCodeAt(1) === 3
}
