import { z } from "zod"

/** Something said by a person, on one line. */
export const words = z
  .string()
  .min(1, "must not be empty")
  .max(256, "is longer than 256 characters")
  .regex(/^\P{C}*$/u, "must not hold control characters")
