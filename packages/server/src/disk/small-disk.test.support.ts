import { spawnSync } from "node:child_process"
import { appendFileSync, mkdtempSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A file system of its own that can be filled up. */
export interface SmallDisk {
  readonly path: string
  /** Takes all the space there is but `left` bytes. */
  fill(left?: number): void
  /** Gives that space back. */
  free(): void
  remove(): void
}

/** Why there is none on this machine; undefined if there can be one. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== "linux") return "a small disk is a tmpfs, which only Linux has"
  if (process.getuid?.() !== 0) return "only root may mount a small disk"
  const disk = mount(1 << 20)
  disk?.remove()
  return disk === undefined ? "mounting is not allowed here" : undefined
}

export function createSmallDisk(bytes: number): SmallDisk {
  const disk = mount(bytes)
  if (disk === undefined) throw new Error("no disk could be mounted")
  return disk
}

function mount(bytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "postern-small-"))
  const options = ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", path]
  if (spawnSync("mount", options).status !== 0) {
    rmSync(path, { recursive: true })
    return undefined
  }
  const ballast = join(path, "ballast")
  return {
    path,
    fill(left = 0) {
      const piece = Buffer.alloc(16_384)
      const free = (): number => {
        const { bavail, bsize } = statfsSync(path)
        return bavail * bsize - left
      }
      try {
        while (free() > 0) {
          appendFileSync(ballast, piece.subarray(0, Math.max(4096, Math.min(free(), piece.length))))
        }
      } catch (error) {
        // Somebody else has taken the rest.
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
      }
    },
    free() {
      rmSync(ballast, { force: true })
    },
    remove() {
      spawnSync("umount", ["--lazy", path])
      rmSync(path, { recursive: true, force: true })
    },
  }
}
