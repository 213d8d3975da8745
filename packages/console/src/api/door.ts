/**
 * A link of `postern console` ends in `#once=TOKEN`, which the door itself takes in exchange for a cookie. A browser that has
 * a session already lands here with it: the token leaves the address, so that no bookmark and no picture of the screen holds it.
 */
export function dropToken(): void {
  if (location.hash.startsWith("#once=")) history.replaceState(null, "", "#/stream")
}
