/** Questions that are asked all the time, and what they have to say now. */
export { AlertsPage } from "./alerts-page.tsx"
