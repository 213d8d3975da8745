import { dialTls, httpAnswer } from "./dial.ts"
import { casesOf, type Ground, problem, type Row } from "./row.ts"

/**
 * A syslog sender over TLS (RFC 5425) with a good certificate that calls the write plane, which speaks no syslog: without ALPN it
 * takes the bytes for HTTP, which they are not, says so and ends the connection.
 */
function syslog(name: string, bytes: string): Row {
  const act = (ground: Ground): Promise<string> => {
    const { certificate: cert, key } = ground.writer
    const socket = dialTls(ground, { cert, key })
    socket.write(bytes)
    return httpAnswer(socket)
  }
  const code = "HTTP_BODY_SYNTAX"
  return { name: `syslog: ${name}`, act, expects: problem(code), leaves: [code] }
}

const text = "<34>1 2026-11-22T12:00:00Z host su - ID47 - 'su root' failed"
const counted = (message: string): string => `${Buffer.byteLength(message)} ${message}`

export const syslogRows: readonly Row[] = [
  ...casesOf(
    86,
    syslog("a proper message", counted(text)),
    syslog("octet count 0", `0 ${text}`),
    syslog("an octet count of 11 digits", `99999999999 ${text}`),
    syslog("an octet count with zeros in front", `000000${counted(text)}`),
  ),
  ...casesOf(87, syslog("line feeds among octet counts", `${counted(text)}${text}\n${text}\n`)),
  ...casesOf(88, syslog("priority 999", counted(text.replace("34", "999")))),
  ...casesOf(
    89,
    syslog("structured data with escapes", counted(text.replace("- 'su", '[x@1 a="\\"\\]"] \'su'))),
  ),
  ...casesOf(90, syslog("RFC 3164 without a year", "<34>Oct 11 22:14:15 host su: failed\n")),
  ...casesOf(
    91,
    syslog("a forged host", counted(text.replace("host su", "127.0.0.1 postern"))),
    syslog("a host that is a request line", counted(text.replace("host", "POST /v1/events"))),
  ),
]
