import { gzipSync } from "node:zlib"
import { bad, type Crafted, type Drafts } from "./crafted.ts"
import { fileOf, linesOf, seal } from "./drafts.ts"

/** Lines too many, too few, or in another order. */
export function badLines({ set, streamA }: Drafts): Crafted[] {
  const lines = linesOf(streamA)
  const context = set.entries.filter(({ name }) => name === "context")
  const at = (name: string) => lines.findIndex((line) => line.startsWith(`{"${name}"`))
  const move = (from: number, to: number) => {
    const moved = [...lines]
    moved.splice(to, 0, ...moved.splice(from, 1))
    return seal(moved)
  }
  const replaced = (name: string, from: string, to: string) => {
    return seal(lines.with(at(name), (lines[at(name)] as string).replace(from, to)))
  }
  const file = seal(lines)
  const twice = (i: number) => seal(lines.toSpliced(i, 0, lines[i] as string))
  return [
    bad("nothing", Buffer.alloc(0)),
    bad("an empty line", Buffer.from("\n")),
    bad("no end line", Buffer.from(lines.map((line) => `${line}\n`).join(""))),
    bad("no line feed at the end", file.subarray(0, -1)),
    bad("an empty line at the end", Buffer.concat([file, Buffer.from("\n")])),
    bad("a line after the end", Buffer.concat([file, Buffer.from('{"note":""}\n')])),
    bad("two ends", seal(file.toString().trimEnd().split("\n"))),
    bad("two heads", twice(0)),
    bad("the note first", move(1, 0)),
    bad("the note last", move(1, lines.length - 1)),
    bad("two notes", twice(1)),
    bad("no note", seal(lines.toSpliced(1, 1))),
    bad("hashes before leaves", move(at("hashes"), 2)),
    bad("batches before leaves", move(at("batch"), 2)),
    bad("a batch after the hashes", move(at("batch"), lines.length - 1)),
    bad("a leaf twice", twice(at("leaf"))),
    bad("two leaves changed places", move(at("leaf"), at("leaf") + 1)),
    bad("a batch twice", twice(at("batch"))),
    bad("batches changed places", move(at("batch"), at("batch") + 1)),
    bad("hashes twice", twice(at("hashes"))),
    bad("no hashes", seal(lines.toSpliced(at("hashes"), 1))),
    bad("hashes with none", seal([...lines, '{"hashes":""}'])),
    bad("an unknown line", seal([...lines, '{"proof":[]}'])),
    bad("an array", seal([...lines, "[]"])),
    bad("another version", replaced("postern", "@v1", "@v2")),
    bad("an unknown kind", replaced("postern", '"stream"', '"streams"')),
    bad("a batch of no events", replaced("batch", ",3,", ",0,")),
    bad("a batch of 2^32 events", replaced("batch", ",3,", ",4294967296,")),
    bad("batches in a set", fileOf(set, { batches: streamA.batches })),
    bad("a head that counts more", fileOf(set, {}, { count: set.head.count + 1 })),
    bad("a head that counts less", fileOf(set, {}, { count: set.head.count - 1 })),
    bad("no leaves", fileOf(set, { entries: context }, { count: 0 })),
  ]
}

export function badGzip({ streamA }: Drafts): Crafted[] {
  const file = fileOf(streamA)
  const packed = gzipSync(file)
  const joined = (name: string, ...parts: Uint8Array[]) => bad(name, Buffer.concat(parts))
  const flagged = Buffer.from(packed)
  flagged[3] = 0xe0
  const method = Buffer.from(packed)
  method[2] = 7
  return [
    joined("a byte after the gzip member", packed, Buffer.from("x")),
    joined("the length of all after the gzip member", packed, packed.subarray(-4)),
    joined("the end of the gzip member twice", packed, packed.subarray(-8)),
    joined("zeros after the gzip member", packed, Buffer.alloc(512)),
    joined("two gzip members", gzipSync(file.subarray(0, 900)), gzipSync(file.subarray(900))),
    joined("an empty gzip member after it", packed, gzipSync("")),
    joined("an empty gzip member before it", gzipSync(""), packed),
    joined("the start of a gzip member after it", packed, packed.subarray(0, 10)),
    bad("half a gzip member", packed.subarray(0, -9)),
    bad("a gzip member without its length", packed.subarray(0, -4)),
    bad("a gzip member of nothing", gzipSync("")),
    bad("a gzip member in another", gzipSync(packed)),
    bad("two bytes that begin a gzip member", packed.subarray(0, 2)),
    bad("a gzip member with reserved flags", flagged),
    bad("a gzip member of another method", method),
  ]
}

/** More than a verifier takes: it says that it does not know. */
export function tooMuch({ set }: Drafts): Crafted[] {
  const bytes = fileOf(set, { notes: ["x".repeat(131_073)] })
  return [{ name: "a line above 128 KiB", bytes, trust: "policy", verdict: "UNKNOWN" }]
}
