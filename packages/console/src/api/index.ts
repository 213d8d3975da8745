/**
 * The read API as the console sees it: one function for each route, typed answers, problems as errors, the live tail. All
 * requests of the console are made here, to paths of docs/reference/read-api.md on the same origin.
 */
export type * from "./answers.ts"
export { outcomes } from "./answers.ts"
export { api, type FacetField, facetFields, questionText, type Scope } from "./ask.ts"
export { dropToken } from "./door.ts"
export { ProblemError } from "./problem.ts"
export { followTail } from "./tail.ts"
