import { decodeUtf8, encodeUtf8, PosternError, sha256 } from "@postern/log/base"
import {
  deriveNonce,
  encodeDisclosure,
  formatStamp,
  parseDisclosure,
  parseEntry,
  parseStamp,
} from "@postern/log/event"
import {
  checkBatchReceipt,
  checkReceipt,
  formatKeyCertificateText,
  formatKeyProofs,
  formatReceiptCertificateText,
  formatReceiptFile,
  formatReceiptText,
  keyActions,
  parseKeyCertificateText,
  parseKeyProofs,
  parseReceiptCertificateText,
  parseReceiptFile,
  parseReceiptText,
  readKeyChange,
} from "@postern/log/evidence"
import { formatQuery, parseQuery } from "@postern/log/query"
import {
  checkProofFile,
  formatCheckpoint,
  formatProofFile,
  leafHash,
  parsePolicy,
  parseProofFile,
  rangePath,
  rangeRoot,
  signNote,
} from "@postern/log/tlog"
import { decodeAck, encodeAck } from "@postern/log/wire"
import { logKey, nextKey, origin, policyText, receiptKey } from "./keys.ts"
import { type Parser, parserOf } from "./parser.ts"

const nonce = new Uint8Array(16).fill(6)
const stamp = { received: 1_764_000_000_000_000, open: 1, sequence: 2, nonce, changed: 0 as const }
const event = '{"id":"1","action":"invoice.deleted","data":{"é":[1,2,{"a":null}]}}'
const leaf = encodeUtf8(`${formatStamp(stamp)}\n${event}`)
const hash = sha256(leaf)

/** A slot of two entries, signed. */
const leafHashes = new Uint8Array(Buffer.concat([leafHash(leaf), leafHash(encodeUtf8("other"))]))
const slot = { origin, first: 6, count: 2, root: rangeRoot(6, leafHashes) }
const receiptFile = {
  index: 6,
  leaf,
  path: rangePath(6, 7, 6, 8, (level, i) => {
    const width = 2 ** level
    const from = (i * width - 6) * 32
    return rangeRoot(i * width, leafHashes.subarray(from, from + width * 32))
  }),
  note: await signNote(formatReceiptText(slot), receiptKey),
  certificate: await signNote(formatReceiptCertificateText(origin, receiptKey.vkey), logKey),
}
const receipt = formatReceiptFile(receiptFile)
const key = { note: receiptFile.note, index: 3, leaf, path: [hash, hash] }

/** Entries about the key. */
const ownEntry = (action: string, data: object) => {
  const own = { id: "2", source: `postern://${origin}`, action, data }
  return encodeUtf8(`${formatStamp(stamp)}\n${JSON.stringify(own)}`)
}
const rolled = ownEntry(keyActions.rolled, {
  ...{ old: logKey.vkey, new: nextKey.vkey, reason: "planned" },
  certificate: await signNote(formatKeyCertificateText(origin, nextKey.vkey), logKey),
})
const retired = ownEntry(keyActions.retired, { vkey: logKey.vkey })

/** A batch of one event, acknowledged with a receipt for a slot of two. */
const batchSeed = new Uint8Array(16).fill(5)
const made = encodeUtf8(`${formatStamp({ ...stamp, nonce: deriveNonce(batchSeed, 0) })}\n${event}`)
const madeHashes = new Uint8Array(Buffer.concat([leafHash(made), leafHash(encodeUtf8("other"))]))
const madeSlot = { origin, first: 6, count: 2, root: rangeRoot(6, madeHashes) }
const acknowledgement = encodeAck({
  ...{ level: 1, credit: 65_536 },
  note: encodeUtf8(await signNote(formatReceiptText(madeSlot), receiptKey)),
  batches: [
    {
      ...{ channel: 0, sequence: 2, events: 1, accepted: 1, firstIndex: 6, seed: batchSeed },
      ...{ received: stamp.received, open: stamp.open, changed: 0 },
      path: [madeHashes.slice(32)],
    },
  ],
})

/** The same leaf as the first of a tree of two. */
const root = rangeRoot(0, leafHashes)
const checkpoint = await signNote(formatCheckpoint({ origin, size: 2, root }), logKey)
const proofFile = formatProofFile({ index: 0, proof: [leafHashes.slice(32)], note: checkpoint })
const text = (name: string, seed: string) => ({ seeds: [seed], name })

export const evidenceParsers: readonly Parser[] = [
  parserOf({
    ...text("stamp", formatStamp(stamp)),
    codes: ["ENTRY_SYNTAX"],
    bad: [
      ...["", "{}", `${formatStamp(stamp)} `, formatStamp(stamp).replace('"o":1', '"o":01')],
      ...[formatStamp(stamp).replace("}", ',"c":0}'), formatStamp(stamp).replace('g"', 'h"')],
    ],
    parse: parseStamp,
    format: formatStamp,
    isStrict: true,
  }),
  parserOf({
    name: "entry",
    codes: ["ENTRY_SYNTAX"],
    seeds: [leaf],
    bad: ["", "\n", `${formatStamp(stamp)}\n`, `${formatStamp(stamp)}\n[]`, event].map(encodeUtf8),
    parse: parseEntry,
    format: (entry) => {
      const head = encodeUtf8(`${formatStamp(entry.stamp)}\n`)
      return new Uint8Array(Buffer.concat([head, entry.eventBytes]))
    },
    isStrict: true,
  }),
  parserOf({
    name: "disclosure",
    codes: ["DISCLOSURE_INVALID"],
    seeds: [
      encodeDisclosure("A".repeat(22), "data", encodeUtf8('{"a":1}')),
      encodeDisclosure("A".repeat(22), undefined, encodeUtf8('"x"')),
    ],
    bad: ["", "[]", '["","data",1]', '["é","data",1]', "[".repeat(20_000)].map(encodeUtf8),
    parse: (json: Uint8Array) => {
      const { name, value } = parseDisclosure(json)
      // JSON can say -0, and JSON.stringify cannot.
      return { name, value: JSON.parse(JSON.stringify(value)) as unknown }
    },
    format: ({ name, value }) =>
      encodeDisclosure("A".repeat(22), name, encodeUtf8(JSON.stringify(value))),
    isStrict: false,
  }),
  parserOf({
    ...text("receipt-text", formatReceiptText(slot)),
    codes: ["RECEIPT_INVALID"],
    bad: ["", "postern-receipt/v1\n", formatReceiptText(slot).replace("6 2", "6 0"), `${event}\n`],
    parse: parseReceiptText,
    format: formatReceiptText,
    isStrict: true,
  }),
  parserOf({
    ...text("receipt-certificate", formatReceiptCertificateText(origin, receiptKey.vkey)),
    codes: ["RECEIPT_INVALID", "NOTE_INVALID"],
    bad: [formatReceiptCertificateText(origin, receiptKey.vkey).replace(origin, `${origin}2`)],
    parse: parseReceiptCertificateText,
    format: ({ origin: name, receiptVkey }) => formatReceiptCertificateText(name, receiptVkey),
    isStrict: true,
  }),
  parserOf({
    ...text("key-certificate", formatKeyCertificateText(origin, nextKey.vkey)),
    codes: ["KEY_CHANGE_INVALID", "NOTE_INVALID"],
    bad: [formatKeyCertificateText(origin, nextKey.vkey).replace(origin, "other")],
    parse: parseKeyCertificateText,
    format: ({ origin: name, vkey }) => formatKeyCertificateText(name, vkey),
    isStrict: true,
  }),
  parserOf({
    ...text("key-proofs", formatKeyProofs([key, { ...key, index: 4, path: [] }])),
    codes: ["KEY_CHANGE_INVALID"],
    bad: ["\n", formatKeyProofs([key, key]), formatKeyProofs([key]).trimEnd(), "{}\n"],
    parse: parseKeyProofs,
    format: formatKeyProofs,
    isStrict: false,
  }),
  parserOf({
    ...text("receipt-file", receipt),
    codes: ["RECEIPT_INVALID"],
    bad: [
      ...["", "{}", "[]", "null", `[${receipt}]`, receipt.replace("}", ',"more":1}')],
      ...[receipt.replace('"index":6', '"index":6.5'), receipt.replace("é", "\\ud800")],
    ],
    parse: (file: string) => {
      const { index, ...rest } = parseReceiptFile(file)
      // JSON can say -0, which is the index 0.
      return { index: index + 0, ...rest }
    },
    format: formatReceiptFile,
    isStrict: false,
  }),
  parserOf({
    name: "key-change",
    codes: ["KEY_CHANGE_INVALID", "NOTE_INVALID"],
    seeds: [rolled, retired],
    bad: [leaf, encodeUtf8(""), encodeUtf8(`${formatStamp(stamp)}\n{}`)],
    parse: (bytes: Uint8Array) => readKeyChange(bytes, origin),
  }),
  parserOf({
    name: "query",
    codes: ["QUERY_INVALID"],
    seeds: [
      'action:invoice.* AND (actor:"a b" OR NOT target:user/x) "export done" -x*',
      "outcome:(denied OR failure) received:[2026-11-01 TO 2026-11-22} data.n:>=-1.5e3 index:7",
      'data."a.b".c:* origin.ip:(10.0.0.0/8 OR 2001:db8::/32)',
    ],
    bad: [
      "nothing:1",
      "received:yesterday",
      "outcome:maybe",
      "__proto__:1",
      "a".repeat(5000),
      "((a",
    ],
    parse: parseQuery,
    format: formatQuery,
    isStrict: false,
  }),
  parserOf({
    // An acknowledgement of somebody who would like to be believed.
    name: "batch-receipt",
    codes: ["FRAME_SYNTAX", "RECEIPT_INVALID", "NOTE_INVALID"],
    seeds: [acknowledgement],
    bad: [acknowledgement.slice(0, -1)],
    parse: async (body: Uint8Array) => {
      const { batches, note } = decodeAck(body)
      const [ack] = batches
      if (ack === undefined) throw new PosternError("FRAME_SYNTAX", "no batch")
      const claim = { ack, events: [encodeUtf8(event)], refused: [], receiptVkey: receiptKey.vkey }
      return (await checkBatchReceipt({ ...claim, note: decodeUtf8(note) ?? "" })).leafHashes
    },
    format: () => acknowledgement,
    isStrict: false,
  }),
  parserOf({
    ...text("proof-check", proofFile),
    codes: ["PROOF_INVALID", "NOTE_INVALID"],
    bad: [proofFile.replace("index 0", "index 1"), proofFile.replace("index 0", "index 9")],
    parse: async (file: string) => {
      const { checkpoint } = await checkProofFile(
        parseProofFile(file),
        leaf,
        parsePolicy(policyText),
      )
      return checkpoint
    },
    format: () => proofFile,
    isStrict: false,
  }),
  parserOf({
    // Whatever is believed is what was signed.
    ...text("receipt-check", receipt),
    codes: ["RECEIPT_INVALID", "NOTE_INVALID"],
    bad: [receipt.replace('"index":6', '"index":7'), receipt.replace("invoice", "invoices")],
    parse: (file: string) => checkReceipt(file, logKey.vkey),
    format: () => receipt,
    isStrict: false,
  }),
]
