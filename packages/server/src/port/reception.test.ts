import { encodeUtf8 } from "@postern/log/base"
import { expect, test } from "vitest"
import { Reception, type ReceptionWorld } from "./reception.ts"
import { memory } from "./sequencer/placing.test.support.ts"

const reception = new Reception({ memory } as ReceptionWorld)
const salt = "A".repeat(22)
const is = (text: string): boolean => reception.isDisclosure(encodeUtf8(text))

test("a disclosure that a writer hands over is one of a member that may be kept out, of its type", () => {
  const data = '{"x":"é","_sd":[]}'
  expect(is(`["${salt}","data",${data}]`)).toBe(true)
  expect(is(` [ "${salt}" , "changes" , [1] ]`.trim())).toBe(true)
  expect(is(`["${"~ !".repeat(42)}xx","labels",{}]`)).toBe(true)
  const others = [
    ["", "no JSON", `["${salt}","data",{}`, `{"${salt}":["data",{}]}`, `["${salt}","data"]`],
    [
      `["${salt}","data",{},1]`,
      `["${salt.slice(1)}","data",{}]`,
      `["${"A".repeat(129)}","data",{}]`,
    ],
    [`["${salt}é","data",{}]`, `["${salt}\\n","data",{}]`, `[${"1".repeat(24)},"data",{}]`],
    [`["${salt}","d\\u0061ta",{}]`, `["${salt}","_sd",[]]`, `["${salt}","...",{}]`],
    [`["${salt}","actor",{}]`, `["${salt}","tenant","x"]`, `["${salt}","constructor",{}]`],
    [`["${salt}","data",[]]`, `["${salt}","changes",{}]`, `["${salt}","data","{"]`],
    [`["${salt}","data",{"a":1,}]`, `["${salt}","data",{}] x`, `["${salt}",["data"],{}]`],
  ].flat()
  for (const text of others) expect([text, is(text)]).toEqual([text, false])
  expect(reception.isDisclosure(Uint8Array.of(0x5b, 0xff, 0x5d))).toBe(false)
})
