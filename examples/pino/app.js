import { auditMixin } from "@postern/client/pino"
import pino from "pino"

const logger = pino({
  mixin: auditMixin(),
  transport: {
    targets: [
      { target: "pino/file" }, // Everything, to standard output, as before.
      { target: "@postern/client/pino", options: { profile: process.env.POSTERN_PROFILE } },
    ],
  },
})

logger.info("no audit record: the log never sees it")
logger.info({ audit: { action: "invoice.sent", actor: "alice", target: "invoice/4711" } }, "sent")
logger.warn({ audit: true, action: "invoice.read", actor: "bob", outcome: "denied" }, "no")
