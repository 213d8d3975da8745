import "./reflection.ts"

/** Loaded when a certificate is made: it takes 0.15 s, which no other command should wait for. */
export function loadX509() {
  return import("@peculiar/x509")
}

export type X509 = Awaited<ReturnType<typeof loadX509>>
