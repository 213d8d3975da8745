/**
 * SHA-256 (FIPS 180-4) of four messages at a time: every v128 holds the same word of four lanes.
 * The rounds are written out with renamed variables, since there are no macros and an array would
 * cost loads; asc inlines the small functions.
 */

// prettier-ignore
const roundConstants: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])

const initialState: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
])

export const laneBytes: usize = 4
export const digestBytes: usize = 32
export const blockBytes: usize = 64

/** A state is eight v128: word i of lane l stands at 16 i + 4 l. */
export const stateBytes: usize = 128

function add(a: v128, b: v128): v128 {
  return i32x4.add(a, b)
}

function rotate(word: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(word, bits), i32x4.shl(word, 32 - bits))
}

function sum0(a: v128): v128 {
  return v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22))
}

function sum1(e: v128): v128 {
  return v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25))
}

function spread0(w: v128): v128 {
  return v128.xor(v128.xor(rotate(w, 7), rotate(w, 18)), i32x4.shr_u(w, 3))
}

function spread1(w: v128): v128 {
  return v128.xor(v128.xor(rotate(w, 17), rotate(w, 19)), i32x4.shr_u(w, 10))
}

function choose(e: v128, f: v128, g: v128): v128 {
  return v128.xor(g, v128.and(e, v128.xor(f, g)))
}

function constant(k: usize, offset: usize): v128 {
  return v128.load_splat<u32>(k + offset)
}

function bigEndian(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 4, 1, 5)
}

function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 2, 6, 3, 7)
}

function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u64>(a, b, 0, 2)
}

function highHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u64>(a, b, 1, 3)
}

/** The initial state in all four lanes. */
export function resetState(state: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    v128.store(state + 16 * i, v128.load_splat<u32>(initialState + 4 * i))
  }
}

/** The initial state in one lane. */
export function resetLane(state: usize, lane: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    store<u32>(state + 16 * i + laneBytes * lane, load<u32>(initialState + 4 * i))
  }
}

export function storeDigest(state: usize, lane: usize, out: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    store<u32>(out + 4 * i, bswap<u32>(load<u32>(state + 16 * i + laneBytes * lane)))
  }
}

/** The digests of all four lanes, each to its own place. */
export function storeDigests(
  state: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
  for (let half: usize = 0; half < 32; half += 16) {
    const t0 = v128.load(state)
    const t1 = v128.load(state, 16)
    const t2 = v128.load(state, 32)
    const t3 = v128.load(state, 48)
    const u0 = lowPairs(t0, t1)
    const u1 = lowPairs(t2, t3)
    const u2 = highPairs(t0, t1)
    const u3 = highPairs(t2, t3)
    v128.store(out0 + half, bigEndian(lowHalves(u0, u1)))
    v128.store(out1 + half, bigEndian(highHalves(u0, u1)))
    v128.store(out2 + half, bigEndian(lowHalves(u2, u3)))
    v128.store(out3 + half, bigEndian(highHalves(u2, u3)))
    state += 64
  }
}

/** FIPS 180-4 §6.2.2 for `blocks` (at least one) consecutive blocks of each of four messages. */
export function compress(
  state: usize,
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  blocks: u32,
): void {
  let a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128
  let w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128
  let w8: v128, w9: v128, w10: v128, w11: v128, w12: v128, w13: v128, w14: v128, w15: v128
  let t0: v128, t1: v128, t2: v128, t3: v128, u0: v128, u1: v128, u2: v128, u3: v128
  // x and y hold b ^ c of this round and the next: maj(a, b, c) = b ^ ((b ^ c) & (a ^ b)).
  let x: v128, y: v128
  do {
    a = v128.load(state)
    b = v128.load(state, 16)
    c = v128.load(state, 32)
    d = v128.load(state, 48)
    e = v128.load(state, 64)
    f = v128.load(state, 80)
    g = v128.load(state, 96)
    h = v128.load(state, 112)
    t0 = bigEndian(v128.load(p0, 0))
    t1 = bigEndian(v128.load(p1, 0))
    t2 = bigEndian(v128.load(p2, 0))
    t3 = bigEndian(v128.load(p3, 0))
    u0 = lowPairs(t0, t1)
    u1 = lowPairs(t2, t3)
    u2 = highPairs(t0, t1)
    u3 = highPairs(t2, t3)
    w0 = lowHalves(u0, u1)
    w1 = highHalves(u0, u1)
    w2 = lowHalves(u2, u3)
    w3 = highHalves(u2, u3)
    t0 = bigEndian(v128.load(p0, 16))
    t1 = bigEndian(v128.load(p1, 16))
    t2 = bigEndian(v128.load(p2, 16))
    t3 = bigEndian(v128.load(p3, 16))
    u0 = lowPairs(t0, t1)
    u1 = lowPairs(t2, t3)
    u2 = highPairs(t0, t1)
    u3 = highPairs(t2, t3)
    w4 = lowHalves(u0, u1)
    w5 = highHalves(u0, u1)
    w6 = lowHalves(u2, u3)
    w7 = highHalves(u2, u3)
    t0 = bigEndian(v128.load(p0, 32))
    t1 = bigEndian(v128.load(p1, 32))
    t2 = bigEndian(v128.load(p2, 32))
    t3 = bigEndian(v128.load(p3, 32))
    u0 = lowPairs(t0, t1)
    u1 = lowPairs(t2, t3)
    u2 = highPairs(t0, t1)
    u3 = highPairs(t2, t3)
    w8 = lowHalves(u0, u1)
    w9 = highHalves(u0, u1)
    w10 = lowHalves(u2, u3)
    w11 = highHalves(u2, u3)
    t0 = bigEndian(v128.load(p0, 48))
    t1 = bigEndian(v128.load(p1, 48))
    t2 = bigEndian(v128.load(p2, 48))
    t3 = bigEndian(v128.load(p3, 48))
    u0 = lowPairs(t0, t1)
    u1 = lowPairs(t2, t3)
    u2 = highPairs(t0, t1)
    u3 = highPairs(t2, t3)
    w12 = lowHalves(u0, u1)
    w13 = highHalves(u0, u1)
    w14 = lowHalves(u2, u3)
    w15 = highHalves(u2, u3)
    x = v128.xor(b, c)
    let k = roundConstants
    const last = roundConstants + 192
    do {
      h = add(h, add(add(sum1(e), choose(e, f, g)), add(constant(k, 0), w0)))
      d = add(d, h)
      y = v128.xor(a, b)
      h = add(h, add(sum0(a), v128.xor(b, v128.and(x, y))))
      w0 = add(add(w0, spread0(w1)), add(w9, spread1(w14)))
      g = add(g, add(add(sum1(d), choose(d, e, f)), add(constant(k, 4), w1)))
      c = add(c, g)
      x = v128.xor(h, a)
      g = add(g, add(sum0(h), v128.xor(a, v128.and(y, x))))
      w1 = add(add(w1, spread0(w2)), add(w10, spread1(w15)))
      f = add(f, add(add(sum1(c), choose(c, d, e)), add(constant(k, 8), w2)))
      b = add(b, f)
      y = v128.xor(g, h)
      f = add(f, add(sum0(g), v128.xor(h, v128.and(x, y))))
      w2 = add(add(w2, spread0(w3)), add(w11, spread1(w0)))
      e = add(e, add(add(sum1(b), choose(b, c, d)), add(constant(k, 12), w3)))
      a = add(a, e)
      x = v128.xor(f, g)
      e = add(e, add(sum0(f), v128.xor(g, v128.and(y, x))))
      w3 = add(add(w3, spread0(w4)), add(w12, spread1(w1)))
      d = add(d, add(add(sum1(a), choose(a, b, c)), add(constant(k, 16), w4)))
      h = add(h, d)
      y = v128.xor(e, f)
      d = add(d, add(sum0(e), v128.xor(f, v128.and(x, y))))
      w4 = add(add(w4, spread0(w5)), add(w13, spread1(w2)))
      c = add(c, add(add(sum1(h), choose(h, a, b)), add(constant(k, 20), w5)))
      g = add(g, c)
      x = v128.xor(d, e)
      c = add(c, add(sum0(d), v128.xor(e, v128.and(y, x))))
      w5 = add(add(w5, spread0(w6)), add(w14, spread1(w3)))
      b = add(b, add(add(sum1(g), choose(g, h, a)), add(constant(k, 24), w6)))
      f = add(f, b)
      y = v128.xor(c, d)
      b = add(b, add(sum0(c), v128.xor(d, v128.and(x, y))))
      w6 = add(add(w6, spread0(w7)), add(w15, spread1(w4)))
      a = add(a, add(add(sum1(f), choose(f, g, h)), add(constant(k, 28), w7)))
      e = add(e, a)
      x = v128.xor(b, c)
      a = add(a, add(sum0(b), v128.xor(c, v128.and(y, x))))
      w7 = add(add(w7, spread0(w8)), add(w0, spread1(w5)))
      h = add(h, add(add(sum1(e), choose(e, f, g)), add(constant(k, 32), w8)))
      d = add(d, h)
      y = v128.xor(a, b)
      h = add(h, add(sum0(a), v128.xor(b, v128.and(x, y))))
      w8 = add(add(w8, spread0(w9)), add(w1, spread1(w6)))
      g = add(g, add(add(sum1(d), choose(d, e, f)), add(constant(k, 36), w9)))
      c = add(c, g)
      x = v128.xor(h, a)
      g = add(g, add(sum0(h), v128.xor(a, v128.and(y, x))))
      w9 = add(add(w9, spread0(w10)), add(w2, spread1(w7)))
      f = add(f, add(add(sum1(c), choose(c, d, e)), add(constant(k, 40), w10)))
      b = add(b, f)
      y = v128.xor(g, h)
      f = add(f, add(sum0(g), v128.xor(h, v128.and(x, y))))
      w10 = add(add(w10, spread0(w11)), add(w3, spread1(w8)))
      e = add(e, add(add(sum1(b), choose(b, c, d)), add(constant(k, 44), w11)))
      a = add(a, e)
      x = v128.xor(f, g)
      e = add(e, add(sum0(f), v128.xor(g, v128.and(y, x))))
      w11 = add(add(w11, spread0(w12)), add(w4, spread1(w9)))
      d = add(d, add(add(sum1(a), choose(a, b, c)), add(constant(k, 48), w12)))
      h = add(h, d)
      y = v128.xor(e, f)
      d = add(d, add(sum0(e), v128.xor(f, v128.and(x, y))))
      w12 = add(add(w12, spread0(w13)), add(w5, spread1(w10)))
      c = add(c, add(add(sum1(h), choose(h, a, b)), add(constant(k, 52), w13)))
      g = add(g, c)
      x = v128.xor(d, e)
      c = add(c, add(sum0(d), v128.xor(e, v128.and(y, x))))
      w13 = add(add(w13, spread0(w14)), add(w6, spread1(w11)))
      b = add(b, add(add(sum1(g), choose(g, h, a)), add(constant(k, 56), w14)))
      f = add(f, b)
      y = v128.xor(c, d)
      b = add(b, add(sum0(c), v128.xor(d, v128.and(x, y))))
      w14 = add(add(w14, spread0(w15)), add(w7, spread1(w12)))
      a = add(a, add(add(sum1(f), choose(f, g, h)), add(constant(k, 60), w15)))
      e = add(e, a)
      x = v128.xor(b, c)
      a = add(a, add(sum0(b), v128.xor(c, v128.and(y, x))))
      w15 = add(add(w15, spread0(w0)), add(w8, spread1(w13)))
      k += 64
    } while (k != last)
    h = add(h, add(add(sum1(e), choose(e, f, g)), add(constant(k, 0), w0)))
    d = add(d, h)
    y = v128.xor(a, b)
    h = add(h, add(sum0(a), v128.xor(b, v128.and(x, y))))
    g = add(g, add(add(sum1(d), choose(d, e, f)), add(constant(k, 4), w1)))
    c = add(c, g)
    x = v128.xor(h, a)
    g = add(g, add(sum0(h), v128.xor(a, v128.and(y, x))))
    f = add(f, add(add(sum1(c), choose(c, d, e)), add(constant(k, 8), w2)))
    b = add(b, f)
    y = v128.xor(g, h)
    f = add(f, add(sum0(g), v128.xor(h, v128.and(x, y))))
    e = add(e, add(add(sum1(b), choose(b, c, d)), add(constant(k, 12), w3)))
    a = add(a, e)
    x = v128.xor(f, g)
    e = add(e, add(sum0(f), v128.xor(g, v128.and(y, x))))
    d = add(d, add(add(sum1(a), choose(a, b, c)), add(constant(k, 16), w4)))
    h = add(h, d)
    y = v128.xor(e, f)
    d = add(d, add(sum0(e), v128.xor(f, v128.and(x, y))))
    c = add(c, add(add(sum1(h), choose(h, a, b)), add(constant(k, 20), w5)))
    g = add(g, c)
    x = v128.xor(d, e)
    c = add(c, add(sum0(d), v128.xor(e, v128.and(y, x))))
    b = add(b, add(add(sum1(g), choose(g, h, a)), add(constant(k, 24), w6)))
    f = add(f, b)
    y = v128.xor(c, d)
    b = add(b, add(sum0(c), v128.xor(d, v128.and(x, y))))
    a = add(a, add(add(sum1(f), choose(f, g, h)), add(constant(k, 28), w7)))
    e = add(e, a)
    x = v128.xor(b, c)
    a = add(a, add(sum0(b), v128.xor(c, v128.and(y, x))))
    h = add(h, add(add(sum1(e), choose(e, f, g)), add(constant(k, 32), w8)))
    d = add(d, h)
    y = v128.xor(a, b)
    h = add(h, add(sum0(a), v128.xor(b, v128.and(x, y))))
    g = add(g, add(add(sum1(d), choose(d, e, f)), add(constant(k, 36), w9)))
    c = add(c, g)
    x = v128.xor(h, a)
    g = add(g, add(sum0(h), v128.xor(a, v128.and(y, x))))
    f = add(f, add(add(sum1(c), choose(c, d, e)), add(constant(k, 40), w10)))
    b = add(b, f)
    y = v128.xor(g, h)
    f = add(f, add(sum0(g), v128.xor(h, v128.and(x, y))))
    e = add(e, add(add(sum1(b), choose(b, c, d)), add(constant(k, 44), w11)))
    a = add(a, e)
    x = v128.xor(f, g)
    e = add(e, add(sum0(f), v128.xor(g, v128.and(y, x))))
    d = add(d, add(add(sum1(a), choose(a, b, c)), add(constant(k, 48), w12)))
    h = add(h, d)
    y = v128.xor(e, f)
    d = add(d, add(sum0(e), v128.xor(f, v128.and(x, y))))
    c = add(c, add(add(sum1(h), choose(h, a, b)), add(constant(k, 52), w13)))
    g = add(g, c)
    x = v128.xor(d, e)
    c = add(c, add(sum0(d), v128.xor(e, v128.and(y, x))))
    b = add(b, add(add(sum1(g), choose(g, h, a)), add(constant(k, 56), w14)))
    f = add(f, b)
    y = v128.xor(c, d)
    b = add(b, add(sum0(c), v128.xor(d, v128.and(x, y))))
    a = add(a, add(add(sum1(f), choose(f, g, h)), add(constant(k, 60), w15)))
    e = add(e, a)
    x = v128.xor(b, c)
    a = add(a, add(sum0(b), v128.xor(c, v128.and(y, x))))
    v128.store(state, add(a, v128.load(state)))
    v128.store(state, add(b, v128.load(state, 16)), 16)
    v128.store(state, add(c, v128.load(state, 32)), 32)
    v128.store(state, add(d, v128.load(state, 48)), 48)
    v128.store(state, add(e, v128.load(state, 64)), 64)
    v128.store(state, add(f, v128.load(state, 80)), 80)
    v128.store(state, add(g, v128.load(state, 96)), 96)
    v128.store(state, add(h, v128.load(state, 112)), 112)
    p0 += blockBytes
    p1 += blockBytes
    p2 += blockBytes
    p3 += blockBytes
  } while (--blocks)
}
