/**
 * The life of the access list: which one was in force when, rebuilt from the log (docs/spec/log.md, The access list), how
 * its identities are used, and its reviews. Believes no list whose text does not have the digest that the log names.
 * Changes no file itself, and asks the log through a reader's eyes only.
 */
export {
  applyCampaign,
  type Campaign,
  type CampaignPlan,
  type Expiry,
  expireUnanswered,
  makeCampaign,
  parseCampaign,
  type Reviewed,
} from "./campaign.ts"
export { accessListAt, type ListInForce } from "./history.ts"
export { passedReview, type ReviewState, reviewState, reviewsDirectory } from "./review-state.ts"
export { readUsage, type Usage } from "./usage.ts"
