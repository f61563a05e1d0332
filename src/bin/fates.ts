#!/usr/bin/env node
// Node would open its debugger, to all users of the machine, at the one, and die of the other.
process.on('SIGUSR1', () => {}).on('SIGUSR2', () => {});
const { main } = await import('../cli/main.ts');
process.exitCode = await main('fates', process.argv.slice(2));

export {};
