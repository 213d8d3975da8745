/**
 * SHA-256 (FIPS 180-4) of the bytes, 32 bytes. For browsers, whose own one is asynchronous; Node's
 * twin with the same signature is sha256.node.ts, and package.json ("#sha256") chooses between
 * them.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const state = Uint32Array.from(initialState)
  const schedule = new Uint32Array(64)
  const whole = bytes.length - (bytes.length % blockBytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < whole; at += blockBytes) compress(state, schedule, view, at)
  const tail = pad(bytes.subarray(whole), bytes.length)
  const tailView = new DataView(tail.buffer)
  for (let at = 0; at < tail.length; at += blockBytes) compress(state, schedule, tailView, at)
  return digestOf(state)
}

/** A hash of bytes that come in parts. */
export interface RunningSha256 {
  update(bytes: Uint8Array): void
  /** 32 bytes; nothing may be added afterwards. */
  digest(): Uint8Array
}

/** SHA-256 of bytes that come in parts, as `sha256` of all of them. */
export function startSha256(): RunningSha256 {
  const state = Uint32Array.from(initialState)
  const schedule = new Uint32Array(64)
  /** What does not fill a block yet. */
  let rest: Uint8Array = new Uint8Array(0)
  let total = 0
  return {
    update(bytes) {
      total += bytes.length
      const held = rest.length === 0 ? bytes : joined(rest, bytes)
      const whole = held.length - (held.length % blockBytes)
      const view = new DataView(held.buffer, held.byteOffset, held.byteLength)
      for (let at = 0; at < whole; at += blockBytes) compress(state, schedule, view, at)
      rest = held.slice(whole)
    },
    digest() {
      const tail = new DataView(pad(rest, total).buffer)
      for (let at = 0; at < tail.byteLength; at += blockBytes) compress(state, schedule, tail, at)
      return digestOf(state)
    },
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

function digestOf(state: Uint32Array): Uint8Array {
  const digest = new Uint8Array(32)
  const view = new DataView(digest.buffer)
  for (const [i, word] of state.entries()) view.setUint32(4 * i, word)
  return digest
}

const blockBytes = 64

/**
 * §5.1.1: the last bytes, a one bit, zeros, and the length of the whole message in bits as a u64.
 */
function pad(rest: Uint8Array, totalBytes: number): Uint8Array {
  const padded = new Uint8Array(rest.length < blockBytes - 8 ? blockBytes : 2 * blockBytes)
  padded.set(rest)
  padded[rest.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(totalBytes / 0x2000_0000))
  view.setUint32(padded.length - 4, (totalBytes % 0x2000_0000) * 8)
  return padded
}

/** §6.2.2 for one block. The schedule is scratch, handed in so that it is allocated once. */
function compress(state: Uint32Array, w: Uint32Array, block: DataView, at: number): void {
  for (let t = 0; t < 16; t++) w[t] = block.getUint32(at + 4 * t)
  for (let t = 16; t < 64; t++) {
    const w15 = w[t - 15] as number
    const w2 = w[t - 2] as number
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3)
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10)
    w[t] = (w[t - 16] as number) + s0 + (w[t - 7] as number) + s1
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as Words
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const choice = (e & f) ^ (~e & g)
    const t1 = (h + s1 + choice + (roundConstants[t] as number) + (w[t] as number)) | 0
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + s0 + majority) | 0
  }
  const added = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i++) state[i] = (state[i] as number) + (added[i] as number)
}

type Words = [number, number, number, number, number, number, number, number]

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** §5.3.3 and §4.2.2: leading fractional bits of the square and cube roots of the first primes. */
// biome-ignore format: a table
const initialState = Uint32Array.of(
  0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
  0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
)
// biome-ignore format: a table
const roundConstants = Uint32Array.of(
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5,
  0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
  0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3,
  0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
  0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc,
  0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
  0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
  0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
  0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13,
  0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
  0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3,
  0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
  0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5,
  0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
  0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
  0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
)
