/** How the port is: what the doctor found, who is connected, what was refused, how fast and how full it is. */
export { PortPage } from "./port-page.tsx"
