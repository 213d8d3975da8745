/** Preloaded into a port: each SIGUSR2 sets what it takes for the system's clock, an hour ahead, an hour behind, right. */
const hourMs = 3_600_000
const steps = [hourMs, -hourMs, 0]
const real = Date.now
let at = -1

Date.now = () => real() + (at < 0 ? 0 : (steps[at % steps.length] ?? 0))
process.on("SIGUSR2", () => {
  at += 1
})
