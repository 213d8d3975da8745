/** The stream: live and historical entries in one list, with its question, picture, values and keys. */
export { curlOf, searchCommand, shellWord } from "./copy-forms.ts"
export { term } from "./query-language.ts"
export { type Row, readRow } from "./row.ts"
export { StreamPage } from "./stream-page.tsx"
