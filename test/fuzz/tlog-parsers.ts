import { encodeUtf8, sha256 } from "@postern/log/base"
import {
  type CosignedCheckpoint,
  cosignatureMessage,
  decodeCosignature,
  decodeEntryBundle,
  encodeCosignature,
  encodeEntryBundle,
  formatAddCheckpoint,
  formatCheckpoint,
  formatCosigned,
  formatNote,
  formatProofFile,
  formatSignatureLines,
  formatVkey,
  formatWitnessSize,
  formatWitnessVkey,
  openCosignedCheckpoint,
  parseAddCheckpoint,
  parseCheckpoint,
  parseForeignCheckpoint,
  parseNote,
  parsePolicy,
  parseProofFile,
  parseSignatureLines,
  parseTilePath,
  parseVkey,
  parseWitnessAnswer,
  parseWitnessVkey,
  signCosignature,
  signNote,
  tilePath,
  witnessSizeType,
} from "@postern/log/tlog"
import { logKey, nextKey, origin, policyText, receiptKey, witnesses } from "./keys.ts"
import { type Parser, parserOf } from "./parser.ts"

const hash = (i: number): Uint8Array => sha256(Uint8Array.of(i))
const hashes = (count: number) => Array.from({ length: count }, (_, i) => hash(i))
const textOf = (size: number) => formatCheckpoint({ origin, size, root: hash(size) })

const signed = await signNote(textOf(3), logKey)
const byBoth = await signNote(textOf(70_000), logKey, nextKey)
const byStranger = await signNote(textOf(4), receiptKey)
const cosigned = await cosign(signed, [0])
const cosignedByBoth = await cosign(byBoth, [0, 1])
const empty = await signNote(
  formatCheckpoint({ origin, size: 0, root: sha256(new Uint8Array(0)) }),
  logKey,
)
const policy = parsePolicy(policyText)

/** A note with this text, whatever it is, signed by the log key and a witness. */
export function sealText(text: string): string {
  const message = encodeUtf8(text)
  const time = 1_764_000_000
  const own = { name: logKey.name, keyId: logKey.keyId, signature: logKey.sign(message) }
  const { name, keyId, sign } = witnesses[0] as (typeof witnesses)[number]
  const signature = encodeCosignature({ time, signature: sign(cosignatureMessage(text, time)) })
  return `${text}\n${formatSignatureLines([own, { name, keyId, signature }])}`
}

async function cosign(note: string, which: readonly number[]): Promise<string> {
  const { text, signatures } = parseNote(note)
  const lines = which.map((i) => witnesses[i]).filter((witness) => witness !== undefined)
  const more = await Promise.all(lines.map((by) => signCosignature(text, 1_764_000_000, by)))
  return formatNote({ text, signatures: [...signatures, ...more] })
}

const lineOf = (note: string) => note.slice(note.indexOf("\n\n") + 2)
/** Base64 of which the unused bits are not zero. */
const loose = (text: string) =>
  text.replace(/[AEIMQUYcgkosw048]=\n$/, (found) => {
    return String.fromCharCode(found.charCodeAt(0) + 1) + found.slice(1)
  })

const notes: readonly Parser[] = [
  parserOf({
    name: "note",
    codes: ["NOTE_INVALID"],
    seeds: [signed, byBoth, cosigned, cosignedByBoth, await signNote("a\n\nb\n", logKey)],
    bad: [
      ...["", "\n", "\n\n", signed.slice(0, -1), `${signed}\n`, signed.replace("\n\n", "\n")],
      ...[signed.replaceAll("\n", "\r\n"), signed.replace("—", "-"), signed.replace("— ", "—")],
      ...[signed.replace(/=\n$/, "\n"), `\t${signed}`, signed.replace("3", "\0"), loose(signed)],
      ...[signed.replace("log", "l\ud800g"), signed + lineOf(signed).repeat(100)],
      ...[signed.replace(/ [^ ]*$/, " AAAAAA==\n"), signed.replace(/ [^ ]*$/, " A\n")],
      ...[signed.replace(/— \S+/, "— a+b"), signed.replace(/— \S+/, "— a\u00a0b")],
      ...[`${"a".repeat(65_000)}\n\n\n`, signed.replace("— ", "—  "), `${signed.trimEnd()} \n`],
    ],
    parse: parseNote,
    format: formatNote,
    isStrict: true,
  }),
  parserOf({
    name: "signature-lines",
    codes: ["NOTE_INVALID"],
    seeds: [lineOf(signed), lineOf(cosignedByBoth)],
    bad: ["", "\n", `\n${lineOf(signed)}`, lineOf(signed).trimEnd()],
    parse: parseSignatureLines,
    format: formatSignatureLines,
    isStrict: true,
  }),
  parserOf({
    name: "checkpoint",
    codes: ["NOTE_INVALID"],
    seeds: [textOf(3), textOf(70_000), textOf(2 ** 53 - 1)],
    bad: [
      ...["", "\n\n\n", textOf(3).slice(0, -1), `${textOf(3)}more\n`, textOf(3).replace("3", "03")],
      ...[textOf(3).replace("3", "+3"), textOf(3).replace("3", "3.0"), textOf(3).replace("3", "")],
      ...[textOf(3).replace("\n3\n", "\n9007199254740992\n"), loose(textOf(3))],
      ...[textOf(3).replace(origin, "a b"), textOf(3).replace(origin, ""), textOf(3).slice(20)],
      textOf(3).replace(/\n[^\n]*\n$/, "\nAAAA\n"),
    ],
    parse: parseCheckpoint,
    format: formatCheckpoint,
    isStrict: true,
  }),
  parserOf({
    name: "foreign-checkpoint",
    codes: ["NOTE_INVALID"],
    seeds: [textOf(3), `go.sum database tree\n${textOf(9).slice(origin.length + 1)}extension\n`],
    bad: [`${textOf(3)}\n`, `${textOf(3)}a\n\nb\n`, `\n${textOf(3).slice(origin.length + 1)}`],
    parse: parseForeignCheckpoint,
    format: ({ origin: name, size, root, extensions }) => {
      const [, ...rest] = formatCheckpoint({ origin, size, root }).split("\n")
      return [name, ...rest.slice(0, 2), ...extensions, ""].join("\n")
    },
    isStrict: true,
  }),
  parserOf<string, CosignedCheckpoint & { readonly note: string }>({
    name: "cosigned-checkpoint",
    codes: ["NOTE_INVALID"],
    seeds: [signed, byBoth, cosigned, cosignedByBoth, empty],
    bad: [byStranger, await signNote("not a checkpoint\n", logKey), cosigned + lineOf(byBoth)],
    parse: async (note) => ({ note, ...(await openCosignedCheckpoint(note, policy)) }),
    // A signed text cannot be made up: whatever is accepted says what was signed.
    format: ({ note, checkpoint }) =>
      formatCheckpoint(checkpoint) + note.slice(note.lastIndexOf("\n\n") + 1),
    isStrict: true,
  }),
  parserOf<string, CosignedCheckpoint>({
    // Odd texts under signatures that are right.
    name: "signed-text",
    codes: ["NOTE_INVALID"],
    seeds: [textOf(0), textOf(3), textOf(2 ** 53 - 1)],
    bad: [`${textOf(3)}extension\n`, loose(textOf(3)), textOf(3).replace(origin, `${origin}2`)],
    parse: (text) => openCosignedCheckpoint(sealText(text), policy),
    format: ({ checkpoint }) => formatCheckpoint(checkpoint),
    isStrict: true,
  }),
]

const keys: readonly Parser[] = [
  parserOf({
    name: "vkey",
    codes: ["NOTE_INVALID"],
    seeds: [logKey.vkey, receiptKey.vkey],
    bad: [
      ...["", "++", "a+b+c", witnesses[0]?.vkey ?? "", `${logKey.vkey} `, ` ${logKey.vkey}`],
      ...[logKey.vkey.slice(0, -1), logKey.vkey.replace(/\+\w+\+/, (id) => id.toUpperCase())],
    ],
    parse: parseVkey,
    format: ({ name, publicKey }) => formatVkey(name, publicKey),
    isStrict: true,
  }),
  parserOf({
    name: "witness-vkey",
    codes: ["NOTE_INVALID"],
    seeds: witnesses.map(({ vkey }) => vkey),
    bad: [logKey.vkey, ""],
    parse: parseWitnessVkey,
    format: ({ name, publicKey }) => formatWitnessVkey(name, publicKey),
    isStrict: true,
  }),
  parserOf({
    name: "cosignature",
    codes: ["NOTE_INVALID"],
    seeds: [encodeCosignature({ time: 1_764_000_000, signature: new Uint8Array(64).fill(7) })],
    bad: [new Uint8Array(0), new Uint8Array(71), new Uint8Array(73), new Uint8Array(72).fill(255)],
    parse: decodeCosignature,
    format: encodeCosignature,
    isStrict: true,
  }),
  parserOf({
    name: "policy",
    codes: ["POLICY_INVALID"],
    seeds: [
      ...[
        policyText,
        `log ${logKey.vkey}\nquorum none\n`,
        `# nobody\nlog\t${logKey.vkey} \nquorum none\n`,
      ],
      policyText
        .replace("all w1 w2", "1 w1 w2")
        .replace("quorum both", "group all2 any both\nquorum all2"),
    ],
    bad: [
      ...[
        "",
        "\n",
        "quorum\n",
        "quorum nobody\n",
        policyText.trimEnd(),
        `${policyText}quorum none\n`,
      ],
      ...[policyText.replace("all", "3"), policyText.replace("all", "0"), policyText + policyText],
      ...[policyText.replace("w1 w2\n", "w1 w1\n"), policyText.replace("both all", "none all")],
      ...[policyText.replace("both all", "w1 all"), policyText.replace("w1 w2\n", "w1 both\n")],
      ...[`log ${witnesses[0]?.vkey}\nquorum none\n`, `witness w ${logKey.vkey}\nquorum w\n`],
      ...[
        "__proto__ a\nquorum none\n",
        "constructor a\nquorum none\n",
        policyText.replace("\n", "\r\n"),
      ],
    ],
    parse: parsePolicy,
    format: ({ logs, witnesses: each, groups, quorum }) => {
      const url = (of: { url: string | undefined }) => (of.url === undefined ? "" : ` ${of.url}`)
      return [
        ...logs.map((log) => `log ${log.vkey}${url(log)}`),
        ...each.map((one) => `witness ${one.name} ${vkeyText(one.vkey)}${url(one)}`),
        ...groups.map(
          (group) => `group ${group.name} ${group.threshold} ${group.members.join(" ")}`,
        ),
        `quorum ${quorum ?? "none"}`,
        "",
      ].join("\n")
    },
    isStrict: false,
  }),
]

function vkeyText({ name, publicKey }: { name: string; publicKey: Uint8Array }): string {
  return formatWitnessVkey(name, publicKey)
}

const exchanges: readonly Parser[] = [
  parserOf({
    name: "proof-file",
    codes: ["PROOF_INVALID"],
    seeds: [
      formatProofFile({ index: 2, proof: hashes(2), note: signed }),
      formatProofFile({ index: 0, proof: [], note: cosigned, extra: new Uint8Array(9) }),
      formatProofFile({
        index: 2 ** 53 - 1,
        proof: hashes(63),
        note: byBoth,
        extra: new Uint8Array(0),
      }),
    ],
    bad: [
      ...["", "\n\n", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v2\nindex 0\n\n"],
      ...["c2sp.org/tlog-proof@v1\nindex 00\n\n", "c2sp.org/tlog-proof@v1\nindex -1\n\n"],
      ...[
        "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
      ],
      ...[
        "c2sp.org/tlog-proof@v1\nextra \nextra \nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
      ],
      formatProofFile({ index: 2, proof: hashes(63), note: signed }).replace(
        "\n\n",
        `\n${"A".repeat(43)}=\n\n`,
      ),
    ],
    parse: parseProofFile,
    format: formatProofFile,
    isStrict: true,
  }),
  parserOf({
    name: "add-checkpoint",
    codes: ["WITNESS_REQUEST_INVALID"],
    seeds: [
      formatAddCheckpoint({ oldSize: 0, proof: [], note: signed }),
      formatAddCheckpoint({ oldSize: 3, proof: hashes(5), note: cosigned }),
    ],
    bad: [
      ...[
        "",
        "\n\n",
        "old\n\n",
        "old 00\n\n",
        "old -1\n\n",
        "old 1\r\n\r\n",
        "old 1\nAAAA\n\n",
        "old 1\n",
      ],
      ...["old 9007199254740992\n\n", "size 1\n\n", " old 1\n\n", `old 1\n${"A".repeat(43)}=\n`],
      `old 1\n${`${"A".repeat(43)}=\n`.repeat(64)}\n`,
    ],
    parse: parseAddCheckpoint,
    format: formatAddCheckpoint,
    isStrict: true,
  }),
  parserOf({
    name: "witness-answer-200",
    codes: ["WITNESS_ANSWER_INVALID"],
    seeds: [lineOf(signed), lineOf(cosignedByBoth)],
    bad: ["", "\n", signed, "ok\n"],
    parse: (body) => parseWitnessAnswer(200, "text/plain", body),
    format: (answer) => (answer.kind === "cosigned" ? formatCosigned(answer.signatures) : ""),
    isStrict: true,
  }),
  parserOf({
    name: "witness-answer-409",
    codes: ["WITNESS_ANSWER_INVALID"],
    seeds: ["0\n", "70000\n", "9007199254740991\n"],
    bad: ["", "\n", "0", "00\n", "-1\n", "1\n\n", "1e3\n", "9007199254740992\n"],
    parse: (body: string) => parseWitnessAnswer(409, witnessSizeType, body),
    format: (answer) => (answer.kind === "size" ? formatWitnessSize(answer.size) : ""),
    isStrict: true,
  }),
  parserOf({
    name: "tile-path",
    codes: ["NOT_FOUND"],
    seeds: ["tile/0/000", "tile/entries/x001/x234/067.p/8", "tile/63/000.p/255", "tile/1/x999/999"],
    bad: [
      ...["", "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/000.p/256", "tile/0/000.p/0"],
      ...[
        "tile/0/x000/000",
        "tile/0/../000",
        "tile/entries/000.p/01",
        "/tile/0/000",
        "tile/0/000\n",
      ],
    ],
    parse: parseTilePath,
    format: tilePath,
    isStrict: true,
  }),
  parserOf({
    name: "entry-bundle",
    codes: ["LOG_DAMAGED"],
    seeds: [encodeEntryBundle([hash(1), new Uint8Array(0)]), encodeEntryBundle(hashes(256))],
    bad: [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 1), new Uint8Array(2 * 257)],
    parse: decodeEntryBundle,
    format: encodeEntryBundle,
    isStrict: true,
  }),
]

export const tlogParsers: readonly Parser[] = [...notes, ...keys, ...exchanges]
