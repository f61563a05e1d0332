import { onDebian } from './debian.ts';

await onDebian('bookworm');
