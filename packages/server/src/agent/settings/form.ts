import { z } from "zod"
import { type HostPort, parseHostPort } from "../../config/index.ts"

const mebibyte = 1024 * 1024

const path = z
  .string()
  .min(1, "must name a path")
  .max(4096, "is too long for a path")
  .refine((text) => !text.includes("\0"), "must not hold a NUL")

/** sun_path holds 108 bytes with its NUL on Linux, 104 on macOS. */
const socketPath = path.refine(
  (text) => Buffer.byteLength(text) <= 103,
  "is too long for a unix socket (103 bytes)",
)

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be made of a-z 0-9 and -, at most 63 of them")

const address = z.string().transform((text, context): HostPort => {
  const found = parseHostPort(text)
  if (found !== undefined) return found
  context.addIssue({ code: "custom", message: "must be ADDRESS:PORT, e.g. 127.0.0.1:5514" })
  return z.NEVER
})

const spool = z.strictObject({
  /** On disk, in bytes. */
  bytesMax: z
    .int()
    .min(mebibyte, "must be at least 1048576 (1 MiB)")
    .max(65_536 * mebibyte, "must be at most 68719476736 (64 GiB)")
    .optional(),
  whenFull: z.enum(["wait", "dropOldest"], "must be wait or dropOldest").optional(),
})

const source = z.strictObject({
  name,
  file: path.optional(),
  start: z.enum(["beginning", "end"], "must be beginning or end").optional(),
  stdin: z.literal(true, "can only be true").optional(),
  socket: z
    .strictObject({
      path: socketPath,
      framing: z.enum(["lines", "octets"], "must be lines or octets").optional(),
    })
    .optional(),
  syslog: z.strictObject({ tcp: address.optional(), udp: address.optional() }).optional(),
  http: z
    .strictObject({
      address,
      tls: z.strictObject({ certificate: path, key: path }).optional(),
    })
    .optional(),
  forward: z.strictObject({ address }).optional(),
  format: z.string().min(1, "must name a format").max(64, "is too long").optional(),
  mapping: path.optional(),
  source: z
    .string()
    .min(1, "must not be empty")
    .max(256, "is longer than 256 characters")
    .regex(
      /^[\x20!\x23-\x5b\x5d-\x7e]+$/,
      "must not hold quotes, backslashes or control characters",
    )
    .optional(),
  spool: spool.optional(),
})

/** What agent.yaml may hold. */
export const agentForm = z.strictObject({
  profile: path,
  state: path,
  spool: spool.optional(),
  sources: z.array(source).min(1, "must name at least one source").max(32, "must name at most 32"),
})

export type SourceForm = z.infer<typeof source>
export type SpoolForm = z.infer<typeof spool>
