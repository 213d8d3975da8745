import { concatBytes, encodeUtf8, errorRegistry, type PosternError } from "@postern/log/base"
import type { Answers, TakenResult } from "./api.ts"
import { bytesField, varintField } from "./protobuf.ts"

/** Codes of google.rpc.Status. */
const statusCodes = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
} as const

/** ExportLogsServiceResponse, and google.rpc.Status for what is refused, in the encoding of the request. */
export const protobufAnswers: Answers = {
  type: "application/x-protobuf",
  taken: ({ refused }) => {
    if (refused.length === 0) return new Uint8Array(0)
    const count = varintField(1, refused.length)
    const message = bytesField(2, encodeUtf8(reasonOf(refused)))
    return concatBytes(...bytesField(1, count, ...message))
  },
  refused: (error) => {
    const message = bytesField(2, encodeUtf8(messageOf(error)))
    return concatBytes(varintField(1, codeOf(error)), ...message)
  },
}

export const jsonAnswers: Answers = {
  type: "application/json",
  taken: ({ refused }) => {
    const partialSuccess = {
      // 64 bits, which JSON has as text.
      rejectedLogRecords: String(refused.length),
      errorMessage: reasonOf(refused),
    }
    return encodeUtf8(JSON.stringify(refused.length === 0 ? {} : { partialSuccess }))
  },
  refused: (error) => {
    return encodeUtf8(JSON.stringify({ code: codeOf(error), message: messageOf(error) }))
  },
}

/** Each reason once, with how many records it is of. */
function reasonOf(refused: TakenResult["refused"]): string {
  const counts = new Map<string, number>()
  for (const { code, message } of refused) {
    const reason = `${code}: ${message}`
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return [...counts].map(([reason, count]) => `${count} x ${reason}`).join("; ")
}

function messageOf({ code, detail, hint }: PosternError): string {
  const { message } = errorRegistry[code]
  return `${code}: ${message}${detail === undefined ? "" : ` (${detail})`}; ${hint}`
}

function codeOf({ kind, status }: PosternError): number {
  if (kind === "busy") return statusCodes.unavailable
  if (status === 403) return statusCodes.permissionDenied
  if (status === 404) return statusCodes.notFound
  return status === 413 ? statusCodes.resourceExhausted : statusCodes.invalidArgument
}
