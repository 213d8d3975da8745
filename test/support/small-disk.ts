/** A file system that can be filled up; the one that the disk room's own tests use. */
export {
  createSmallDisk,
  type SmallDisk,
  whyNoSmallDisk,
} from "../../packages/server/src/disk/small-disk.test.support.ts"
