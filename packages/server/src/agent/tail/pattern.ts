const special = /[*?[\]{}]/

/** Whether a path names files by a pattern. */
export function isPattern(path: string): boolean {
  return special.test(path)
}

/** The directory in which something changes when a file of the pattern does, or at least the nearest one above that has a name. */
export function watchedDirectory(path: string): string {
  const parts = path.split("/").slice(0, -1)
  const at = parts.findIndex(isPattern)
  return (at < 0 ? parts : parts.slice(0, at)).join("/") || "/"
}
