/** How often a property is tried: in the ordinary run some hundred times, in `make fuzz` FUZZ times as often. */

const TIMES = Number(process.env.FUZZ ?? 1);

export function runs(numRuns: number): { readonly numRuns: number } {
  return { numRuns: numRuns * TIMES };
}
