/**
 * A signer for Postern's log key in a PKCS #11 token (an HSM, or SoftHSM2 for trying): docs/spec/signer.md. It signs through
 * OpenSC's pkcs11-tool, once a second at most, so a process for each signature costs nothing that matters.
 *
 *     signer.mjs --vkey-of PUBLIC_KEY.pem --origin NAME
 *     signer.mjs --socket PATH --state DIR --vkey VKEY --module LIB.so --token LABEL --id HEX --pin-file FILE
 *
 * It remembers what it signed and never signs what contradicts it. Keep --state on storage that is not restored with the log's.
 */
import { execFile } from "node:child_process"
import { createPublicKey, hash } from "node:crypto"
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { parseArgs, promisify } from "node:util"

const serving = ["socket", "state", "vkey", "module", "token", "id", "pin-file"]
const text = { type: "string" }
const { values } = parseArgs({
  options: Object.fromEntries([...serving, "vkey-of", "origin"].map((name) => [name, text])),
})
if (values["vkey-of"] !== undefined) {
  console.log(vkeyOf(readFileSync(values["vkey-of"], "utf8"), values.origin ?? ""))
  process.exit(0)
}
for (const name of serving) if (values[name] === undefined) throw new Error(`--${name} is missing`)

/** C2SP signed-note: name, the first four bytes of a hash over name and key, and the key behind its type. */
function vkeyOf(pem, name) {
  const der = createPublicKey(pem).export({ type: "spki", format: "der" })
  const key = Buffer.concat([Buffer.of(1), der.subarray(-32)])
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), key]), "hex").slice(0, 8)
  return `${name}+${id}+${key.toString("base64")}`
}

const origin = values.vkey.split("+", 1)[0]
const stateFile = join(values.state, "last-signed.json")
const bodyBytesMax = 65_536

/** One of the two texts of docs/spec/signer.md; undefined for anything else. */
function parse(note) {
  const [first, second, third, ...rest] = note.split("\n")
  if (first === "postern-receipt-key/v1") {
    return second === origin && rest.length === 1 && rest[0] === ""
      ? { kind: "certificate" }
      : undefined
  }
  const isCheckpoint = rest.length === 1 && rest[0] === "" && first === origin
  if (
    !isCheckpoint ||
    !/^(0|[1-9][0-9]{0,14})$/.test(second) ||
    !/^[A-Za-z0-9+/]{43}=$/.test(third)
  )
    return undefined
  return { kind: "checkpoint", size: Number(second), root: third }
}

/** Why this checkpoint must not be signed after that one; undefined if it may. */
function contradiction(next, last) {
  if (last === undefined || next.size > last.size) return undefined
  if (next.size < last.size)
    return `size ${last.size} was signed before, and ${next.size} is asked for`
  return next.root === last.root ? undefined : `another root was signed for size ${last.size}`
}

function remember(checkpoint) {
  const draft = `${stateFile}.new`
  writeFileSync(draft, JSON.stringify(checkpoint), { mode: 0o600 })
  sync(draft)
  renameSync(draft, stateFile)
  sync(values.state)
}

function sync(path) {
  const file = openSync(path, "r")
  fsyncSync(file)
  closeSync(file)
}

let serial = 0

async function signInToken(note) {
  const base = join(values.state, `note-${process.pid}-${serial++}`)
  const [input, output] = [`${base}.in`, `${base}.out`]
  try {
    writeFileSync(input, note, { mode: 0o600 })
    const pin = readFileSync(values["pin-file"], "utf8").trim()
    const args = [
      "--module",
      values.module,
      "--token-label",
      values.token,
      "--login",
      "--pin",
      "env:POSTERN_PIN",
    ]
    args.push("--sign", "--mechanism", "EDDSA", "--id", values.id, "-i", input, "-o", output)
    await promisify(execFile)("pkcs11-tool", args, {
      env: { ...process.env, POSTERN_PIN: pin },
      timeout: 4000,
    })
    return readFileSync(output).toString("base64")
  } finally {
    for (const file of [input, output]) rmSync(file, { force: true })
  }
}

async function answer(body) {
  const { vkey, text: note } = JSON.parse(body)
  const asked = vkey === values.vkey && typeof note === "string" ? parse(note) : undefined
  if (asked === undefined)
    return [
      400,
      { code: "REQUEST_INVALID", title: "neither a checkpoint nor a certificate of this log" },
    ]
  if (asked.kind === "checkpoint") {
    const last = existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, "utf8")) : undefined
    const title = contradiction(asked, last)
    if (title !== undefined) return [409, { code: "LOG_ROLLED_BACK", title }]
    // Before the signature: whoever holds one of it may never meet a second one.
    remember({ size: asked.size, root: asked.root })
  }
  return [200, { signature: await signInToken(note) }]
}

/** One at a time, so that nothing is signed beside what is being remembered. */
let turn = Promise.resolve()

const server = createServer((request, response) => {
  const say = ([status, value]) => {
    response.writeHead(status, { "content-type": "application/json" })
    response.end(`${JSON.stringify(value)}\n`)
  }
  if (request.method !== "POST" || request.url !== "/v1/sign")
    return say([404, { title: "POST /v1/sign" }])
  let body = ""
  request.on("data", (chunk) => {
    body += chunk
    if (body.length > bodyBytesMax) request.destroy()
  })
  request.on("end", () => {
    turn = turn
      .then(() => answer(body))
      .catch((error) => [
        500,
        { code: "SIGNER_UNAVAILABLE", title: String(error.message).slice(0, 150) },
      ])
      .then(say)
  })
})
process.umask(0o117)
rmSync(values.socket, { force: true })
server.listen(values.socket, () => console.error(`signer: ${origin} at ${values.socket}`))
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0))
