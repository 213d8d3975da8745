/** The address of what is on the screen: read, written, followed. Never asks the server for anything. */
export { type Address, formatAddress, type PageName, pages, parseAddress } from "./address.ts"
export { changed, go, useAddress } from "./use-address.ts"
