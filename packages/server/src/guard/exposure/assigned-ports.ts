/**
 * Numbers from 1024 to 49151 that IANA has assigned or reserved, for any transport: the Service Name and Transport
 * Protocol Port Number Registry as it was in September 2026. Written as runs: how many numbers are free before it, and
 * how many it holds if it is more than one, both in base 36. Of entries that are ranges only x11, ircu, swx and flex-lm
 * are in it; what was assigned later is not.
 */
const runs = `
0.4 1 3.24 1.al 1.83 1.33 1.8a 3.dh 1.a 1.3n 1.2r 1.4m 1.x 1.5f 4.15 5.v 2.3x 1.43 1.8b 1.1h
1.2n 1.1f 1 1 2s.f 1.2 1.5 1.c 3.n 3 1.c 9.8 3.o 1.9 7.i 1 j 3.5 b 1.2 u.5 6.f 3 2.5 2 g.h e
o b.z 7.5 6 d.9 3.b 1.8 h 9.b 5.5 m 9.f f.5 4.a 2.2 4 4.4 9.4 k.2 2.3 6.5 f.3 8 3.8 7.h 4.f
7.y 2.a 2.5 4.9 3.2 1.4 2 c.5 7.2 3.8 3.8 3 h.8 2.4 5 5 5.h 4.2 1.a 9.2 3.4 7.3 f.d 1.a l.2
4.g w.15 5 1 4 2.4 4.5 4.6 o.8 w 2 6 2.5 7.5 3.3 3.8 a.9 c 8.d 6 j 3.f 2.3 3 2 3 4 7.i a.8 1
4 1 8.6 5 2.8 5.2 3 e.2 5 k.2 g 3 4 e g 2.c 1c 4.2 e.b 4.1w 1.a 2.9 a.k 2.4 5 2 6.a 9.5 10.2
7 c i.4 6.3 d.3 u.2 4 8.4 1.3 1.3 g.2 1.2 2 4 4 2 6 8 2 6.2 q.5 a 7 1.5 8.2 7 6 8.a a.4 1.7
1.3 r.2 2.5 4 1 7 1 a.5 g.3 7 8.b 2.5 3 c 1.3 7.9 4.2 7.4 5.2 1 1.6 7.3 1e.5 5.2 5.8 9 f d
9.2 7 h j b.2 m a.2 9 4 9.6 2.2 9 g.u 3.2 8 t.4 6 7 6 3.3 5 9 3 1 4.2 v.e 6 i.3 c.2 a.3 4.4
6 h 9.c g.2o 1 2.3 7.2 8.2 4.6 5 5 r 1.2 3 c 8.2 6.4 u.a 8 2 2 2.2 3.2 c h h 1.6 1 e e 4 3.6
2 2 3 1.2 6 2.2 5.2 b 3.5 5 3 2.4 2 r 1.3 1 2 1.2 1 4 2.6 7 y.3 l.4 5 1 6 c.4 9 i.2 s 4 b.4
e.d 5.3 1.5 1.3 4.3 5.5 6.b 4.2 2 3 2 2.5 1.3 1.2 5 2.3 8 3.4 2.2 5.5 7 7.2 3 6.3 i.4 5.3
1.2 3.4 1.5 2 i.3 a m 3 5 3 1 9.3 5.2 b 6.3 s o.5 2.2 f.6 9.3 5 8.2 8.4 2 1 6 c.5 p.4 1e.2 b
w 8.7 1d.2 1 6 a 1 a a.2 k.2 g c.8 7 7.2 5 6 3.2 1.3 1r 6.2 1 4.7 4.3 6 1.4 n f.2 p.2 7.3
5.6 2 1.5 8.7 n.2 8 j.e 6.8 3 7 2.2 7 s.5 i 7 8.i 4 w l.b 4.4 4 5 3 1 5 2 h.2 2.4 r 5 6.4
5.2 2.3 f o.3 4 1d l c.2 i 3 w.9 b 1 1.3 9.5 7 p.3 p.2 4 1a 2 2 8 11.3 20.4 9.2 8.6 5 1 d
o.7 9 b.2 1 4.3 1.l 9 2 q.2 3 o.2 i.5 2 2.2 1.5 7 2.2 u.3 11.2 1e.2 6.2 q w 39 3 1k 13.5 3
2a 4o 4 3.2 1d j 1g 1k 9.2 2l 7.4 1.5 1c.5 5.5 p.2 5 2 n 2b.3 19 3 1m 3 1i 32 m 2o 2 r 18
27.2 2h 3 p.e 1.2 2n b 1a 3 3j 1 i.2 m 5k 5q 33 86 1j.3 4.2 4v 8v.3 1 1l.2 1.2 v.6 8 1p y.2
1x.3 u.2 2y.3 1 3.2 3 2n 4j 2d c3.2 1q 1 37 6a h 5b 2w 27 75.6 g.2 3v.2 42.3 1c.2 5.2 f.2 6h
19.2 3e 32 1d 14.5 b 2 4t.2 x.7 8.2 7c 1i 4t o.3 k 66 2v v 18.7 1h.3 i 5k 1g 39.2 w 2s 33 6
33 6 c 4q 2 p 1q v 2a b.3 3i.3 6u 1 5r.6 1 6.3 j b 1.2 7 31 y j 75 59 3v 58.2 9 5l.2 7 37
5z.2 z 5t.2 17.5 46.6 3b 2 2l 1e v r 1 7 3 2.2 55 h 5r 10 46 1c.6 1b 62 l 12 1u.3 1h.2 2g
cl.7 6j 6 1z.3 1q 26 2g m n 1s 9.3 1 21 2n 1z 25.a 2i aa 2w r 58 2y.4 1e.2 18 3o 22 1c 2.4
66.2 1 e6.b 5.2 93 2o 1p 7p 2l 3e.3 8 1x 12 28 13 9o be 39 1c.3 n1.6 2n 4f 3v bz 2y 1n g 3 8
8j 1q f 14 4i 1s 27 52.2 2c 5y 46 2a 47.2 3m.b n 9 2c 2v 1n 1q 5r 1.2 2r.2 64 6h 9y 3k.2 57
ay.5 d j.7 2l 71.4 hv bd.2 9.3 i.2 h 1p 25 2p 4k gu 2 7 39 1g 9l.3 5i.3 5s 9 13 9 4l 4h 1s
5h h5 8u m ak c4.3 9 75 9 30 fn.4 jq.3 dk.2 57.4 i 6b.4 ix 5h.3 3c.2 2q 8 1a 61 29 2r.3 16 8
3m 94 4j 41.2 3w a9 id.4 2q co 1u 51 1.2 5a.6 16.3 25.2 bu 1q x 9m.2 44
`

let assigned: Set<number> | undefined

/** True if the registry gives the port to somebody. Below 1024 all are. */
export function isAssigned(port: number): boolean {
  assigned ??= readRuns()
  return port < 1024 || assigned.has(port)
}

function readRuns(): Set<number> {
  const numbers = new Set<number>()
  let at = 1024
  for (const run of runs.trim().split(/\s+/)) {
    const [free = "", held = "1"] = run.split(".")
    at += Number.parseInt(free, 36)
    for (const end = at + Number.parseInt(held, 36); at < end; at++) numbers.add(at)
  }
  return numbers
}
