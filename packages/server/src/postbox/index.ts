/**
 * Requests from one process to another through files below data/state: who asks writes `asks/ID` in its own directory, who
 * answers writes `answers/ID` in its own, so that neither needs a socket nor a right to write where the other does. Who asks
 * is known by the directory. Everything is bounded in number, size and age; what is asked is not kept over a crash of either side.
 * Nothing secret belongs in here: the whole group of the processes can read it.
 */
export { type Answering, type AnsweringOptions, type Handler, openAnswering } from "./answering.ts"
export { type Asking, openAsking } from "./asking.ts"
export { bounds } from "./letter.ts"
