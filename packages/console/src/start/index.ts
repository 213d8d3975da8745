/** What to do first: the way of a new installation to its first entry, with commands to copy. */
export { StartPage } from "./start-page.tsx"
