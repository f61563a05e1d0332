/** What is used of sd-notify, which has no types of its own. Never its `log`, which takes messages as formats of printf(3). */
declare module 'sd-notify' {
  /** sd_notify(3) with assignments, one a line; says nothing of failures. */
  export function sendState(state: string): void;
}
