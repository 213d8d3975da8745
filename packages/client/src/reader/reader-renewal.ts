import { PosternError } from "@postern/log/base"
import type { Profile } from "../profile.ts"
import { type ProfileHolder, Renewal, systemRenewalWorld } from "../renewal/index.ts"
import { type Asker, openAsker } from "./ask.ts"

/** How long a renewal that is under way may outlive its reader. */
const closeMs = 20_000

/**
 * Questions to the read port under a certificate that is renewed at half of its life, from the first answer on. After close() a renewal
 * that is under way comes to its end, so that what was issued is kept.
 */
export function openRenewingAsker(
  profile: Profile,
  holder: ProfileHolder,
  onProblem: (problem: PosternError) => void,
): Asker {
  let isBegun = false
  const asker = openAsker(profile, () => {
    if (!isBegun) begin()
  })
  const renewal = new Renewal(
    {
      ...holder,
      async keep(pair) {
        await holder.keep(pair)
        asker.show(pair)
      },
    },
    systemRenewalWorld,
    (code, detail) => onProblem(new PosternError(code, detail)),
  )
  function begin(): void {
    isBegun = true
    const shown = holder.read()
    asker.show(shown)
    const ask = (request: Uint8Array): Promise<string> => asker.renew(request)
    renewal.begin({ shown: shown.certificate, ask, reconnect: begin })
  }
  return {
    ...asker,
    close: () => void renewal.stop(closeMs).finally(() => asker.close()),
  }
}
