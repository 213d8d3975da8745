import { runPort } from "./run-port.ts"

/** The port process: `node main.js CONFIG`. */
runPort(process.argv[2])
