/** `node test/browser/console/serve.ts`: the console with an invented log, to look at. */
import { FakeReader } from "./fake-reader.ts"
import { InventedLog } from "./invented-log.ts"

const log = new InventedLog(Date.now() * 1000 - 26 * 3_600_000_000)
log.invent(4000, 23_300_000)
const reader = await FakeReader.open(log)
setInterval(() => reader.write(1), 2500)
console.log(reader.url)
