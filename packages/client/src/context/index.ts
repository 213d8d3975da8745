/**
 * What holds for everything that one request, job or run of an agent does: who acts, for whom, from where, as part of what. The writer
 * asks for it at every event and fills in what the event itself leaves open (docs/reference/sdk.md). Follows Node's AsyncLocalStorage
 * through callbacks and promises; one request never sees another's. Never writes anything, never judges a value.
 */
export {
  type AgentRun,
  type AuditContext,
  bindContext,
  type ContextSource,
  currentContext,
  runAsAgent,
  runInContext,
} from "./context.ts"
export { type Details, fillIn, fillInFromContext } from "./filling.ts"
