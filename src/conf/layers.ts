/** How what a task says lies over what the defaults file says (SPEC 3.1). For settings. Pure. */

/** The first that says anything of a key; null and undefined differ in that null does. */
export function pick<O extends object, K extends keyof O>(
  key: K,
  ...layers: (O | null | undefined)[]
): O[K] | undefined {
  for (const layer of layers) {
    if (layer === null) return undefined;
    const value = layer?.[key];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The mappings that count: where a layer switches off the whole, those below it do not. */
export function effective<O>(layers: readonly (O | null | undefined)[]): O[] {
  const end = layers.indexOf(null);
  return (end === -1 ? layers : layers.slice(0, end)).filter((layer) => layer !== undefined && layer !== null);
}
