import { expect, test } from "vitest"
import { scopeOf } from "./address-scope.ts"

test.each([
  ["wildcard", "0.0.0.0 :: 0:0:0:0:0:0:0:0 ::ffff:0.0.0.0 ::%lo"],
  ["loopback", "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1"],
  ["link-local", "169.254.0.1 fe80::1 fe80::1%eth0 febf::1"],
  [
    "private",
    "10.0.0.7 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.0.1 fd00::1 fc00::1",
  ],
  ["private", "::ffff:10.0.0.7"],
  ["public", "8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 100.63.0.1 100.128.0.1 2001:db8::1"],
  ["public", "fec0::1 ::2 0.0.0.1 ::ffff:8.8.8.8 224.0.0.1 255.255.255.255"],
])("%s: %s", (scope, addresses) => {
  expect(addresses.split(" ").map(scopeOf)).toEqual(addresses.split(" ").map(() => scope))
})
