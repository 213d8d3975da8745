export {
  formatProfile,
  loadProfile,
  type Profile,
  type ProfileRole,
  parseProfile,
} from "./profile.ts"
