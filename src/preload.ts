/**
 * Loads what a scheduler would otherwise load or read later of its own files. Promises the daemon that from then on it needs
 * nothing of the folder that it was started from: an upgrade replaces that folder under it, and what runs goes on.
 */
import { loadPlacing } from './conf/toml-file.ts';
import { execHelper } from './execution/exec-helper.ts';
import { preloadDecoder } from './output/decoder.ts';
import { bindImage } from './platform/process-image.ts';

/**
 * To be called before READY. What is imported lazily must be loaded through the very function that imports it: Node looks
 * for a module's file once for each module that names it, also where the module itself is loaded already.
 */
export async function preload(): Promise<void> {
  preloadDecoder();
  execHelper();
  bindImage();
  await loadPlacing();
}
