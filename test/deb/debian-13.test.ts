import { onDebian } from './debian.ts';

await onDebian('trixie');
