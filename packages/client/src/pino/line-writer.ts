import { Writable } from "node:stream"
import { StringDecoder } from "node:string_decoder"

/**
 * A stream that hands out the lines of what is written into it, as they become whole, and calls `end` behind the last one when it ends. A line is as long as
 * the application that wrote it made it.
 */
export function createLineWriter(take: (line: string) => void, end: () => Promise<void>): Writable {
  const decoder = new StringDecoder("utf8")
  let begun: string[] = []
  const add = (text: string): void => {
    const [first = "", ...others] = text.split("\n")
    begun.push(first)
    for (const piece of others) {
      const line = begun.join("")
      begun = [piece]
      if (line !== "") take(line)
    }
  }
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      add(decoder.write(chunk))
      done()
    },
    final(done) {
      add(`${decoder.end()}\n`)
      end().then(() => done(), done)
    },
  })
}
