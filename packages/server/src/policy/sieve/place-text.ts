/** Longest text of a place in an entry, in UTF-16 code units: a writer's names must not make an entry too large. */
export const placeMax = 128

/** One step of a place, as RFC 6901 writes it. */
export function formatName(name: string): string {
  if (!name.includes("~") && !name.includes("/")) return `/${name}`
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`
}

/** A place that is too long ends with `…`, and not between the halves of a surrogate pair. */
export function shortened(place: string): string {
  if (place.length <= placeMax) return place
  return `${place.slice(0, placeMax - 1).replace(/[\ud800-\udbff]$/, "")}…`
}
