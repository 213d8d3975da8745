/** The port process with segments of 64 KiB, so that a few events begin a new one. Argument: the configuration. */
import { runPort } from "../../../packages/server/dist/port/run-port.js"

runPort(process.argv[2], { segmentBytesMax: 65_536 })
